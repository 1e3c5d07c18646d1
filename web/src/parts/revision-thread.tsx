// The line of a commit: four knots, and when each was reached.
import type { CommitLine } from "../api/types";
import { Time } from "../ui/time";
import { knotWord, stationWord } from "../words/state";
import { duration } from "../words/time";
import { Mark } from "./mark";

export function RevisionThread({ line }: { line: CommitLine }) {
  return (
    <ol aria-label="The line of this commit" className="grid max-w-3xl grid-cols-2 gap-4 md:grid-cols-4">
      {line.knots.map((knot) => (
        <li key={knot.station} className="flex gap-3 border-t border-line pt-3">
          <Mark state={knot.state} station={knot.station} ended={Boolean(line.end)} size={18} />
          <span>
            <span className={knot.state === "not-yet" ? "text-soft" : "font-semibold"}>
              {stationWord[knot.station]}
              <span className="sr-only">: {knotWord[knot.state]}</span>
            </span>
            {knot.at && (
              <span className="block text-xs text-soft">
                {knot.inferred && "by "}
                <Time at={knot.at} />
                {knot.took_ms != null && knot.took_ms > 0 && `, took ${duration(knot.took_ms)}`}
              </span>
            )}
          </span>
        </li>
      ))}
    </ol>
  );
}
