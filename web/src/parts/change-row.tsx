import type { Change } from "../api/types";
import { useNow } from "../ui/now";
import { changeTitle, goal } from "../words/state";
import { duration } from "../words/time";
import { ChangeLink, EnvironmentChip, ProposalLink, Tags } from "./names";
import { wholeTime } from "./strands";
import { ThreadHeads, ThreadReason, ThreadWide } from "./thread";

const grid = "md:grid md:grid-cols-[minmax(0,216px)_minmax(0,1fr)_88px] md:items-start md:gap-x-4";

/** Changes in flight, each a row with its thread; the knots of all rows stand under each other. */
export function ChangeRows({ changes }: { changes: Change[] }) {
  return (
    <div>
      <div
        className={`sticky top-14 z-10 hidden border-b border-line bg-paper pt-2 pb-2 ${grid}`}
        aria-hidden
      >
        <span className="text-xs leading-4 text-soft">Change</span>
        <ThreadHeads />
        <span className="text-right text-xs leading-4 text-soft">In all</span>
      </div>
      <ul>
        {changes.map((change) => (
          <ChangeRow key={change.id} change={change} />
        ))}
      </ul>
    </div>
  );
}

function ChangeRow({ change }: { change: Change }) {
  const now = useNow();
  const whole = wholeTime(change.line, now);
  return (
    <li className={`relative border-b border-line py-3 hover:bg-sunk md:-mx-3 md:px-3 ${grid}`}>
      <div className="min-w-0 pt-1">
        <p className="flex items-center gap-2">
          <ChangeLink change={change} stretch />
          <EnvironmentChip name={change.environment} />
        </p>
        <p className="mt-0.5 truncate text-soft">
          <Tags from={change.from} to={goal(change)} />
        </p>
      </div>
      <div className="min-w-0">
        <ThreadWide line={change.line} label={`Line of ${changeTitle(change)}`} />
        <div className="relative z-1">
          <ThreadReason change={change} />
        </div>
      </div>
      <div className="relative z-1 flex gap-3 pt-1 max-md:pb-1 md:block md:text-right">
        {whole !== undefined && <p className="numbers whitespace-nowrap">{duration(whole)}</p>}
        {change.proposal && (
          <p className="md:mt-0.5">
            <ProposalLink proposal={change.proposal} />
          </p>
        )}
      </div>
    </li>
  );
}
