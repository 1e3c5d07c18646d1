import { Link } from "@tanstack/react-router";
import type { Change, Knot, Rollout } from "../api/types";
import { Notice } from "../ui/notice";
import { Prose } from "../ui/prose";
import { Time } from "../ui/time";
import { sentence } from "../words/sentence";
import { syncName } from "../words/shorten";
import { isOld, knotWord } from "../words/state";
import { duration } from "../words/time";
import { LinkState } from "./link-state";
import { Mark } from "./mark";
import { Revision } from "./names";

/** The result of a change in each Sync, with the age of what is known. */
export function Rollouts({ change, rollouts }: { change: Change; rollouts: Rollout[] }) {
  if (rollouts.length === 0) {
    return (
      <p className="text-base text-soft">
        {change.line.knots.some((knot) => knot.station === "merged" && knot.state === "done")
          ? "No cluster follows this place."
          : "Fixed at the merge: every cluster whose Sync reads this place."}
      </p>
    );
  }
  return (
    <ul className="divide-y divide-line border-y border-line">
      {rollouts.map((rollout) => (
        <li key={`${rollout.cluster}/${syncName(rollout.sync)}`} className="py-3">
          <Result rollout={rollout} />
        </li>
      ))}
    </ul>
  );
}

function Result({ rollout }: { rollout: Rollout }) {
  const { line, link, last_seen_at: seen } = rollout;
  return (
    <>
      <div className="flex flex-wrap items-center gap-x-6 gap-y-1">
        <p className="min-w-40 flex-1">
          <Link
            to="/clusters/$cluster"
            params={{ cluster: rollout.cluster }}
            className="font-semibold hover:underline"
          >
            {rollout.cluster_name}
          </Link>
          <span className="text-soft"> · {rollout.sync.name}</span>
        </p>
        <Step knot={line.applied} word="Applied" />
        <Step knot={line.healthy} word="Healthy" />
        {rollout.revision && <Revision id={rollout.revision} />}
        <LinkState link={link} seen={seen} />
      </div>
      {line.left_out && (
        <p className="mt-1 text-soft">
          It counts no more: a later revision came first, or its cluster was deleted.
        </p>
      )}
      {line.reason && !line.left_out && (
        <div className="mt-2">
          <Notice tone={line.applied.state === "failed" || line.healthy.state === "failed" ? "bad" : "wait"}>
            <Prose text={sentence(line.reason)} />
          </Notice>
        </div>
      )}
      {link === "silent" && (
        <div className="mt-2">
          <Notice tone="grey">
            The agent is there, and its reports do not arrive: what is shown is old. What runs keeps running.
          </Notice>
        </div>
      )}
      {seen && link !== "silent" && isOld(link) && (
        <div className="mt-2">
          <Notice tone="grey">
            As of <Time at={seen} as="clock" />. The agent is away for <Time at={seen} as="age" />; what runs
            keeps running.
          </Notice>
        </div>
      )}
    </>
  );
}

function Step({ knot, word }: { knot: Knot; word: string }) {
  return (
    <span className="inline-flex items-center gap-2">
      <Mark state={knot.state} station={knot.station} size={12} />
      <span className={knot.state === "not-yet" ? "text-soft" : undefined}>
        {word}
        <span className="sr-only">: {knotWord[knot.state]}</span>
      </span>
      {knot.took_ms != null && <span className="text-xs text-soft">{duration(knot.took_ms)}</span>}
    </span>
  );
}
