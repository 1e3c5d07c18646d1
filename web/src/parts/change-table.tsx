import type { Change } from "../api/types";
import { Badge } from "../ui/badge";
import { useNow } from "../ui/now";
import { type Column, Table } from "../ui/table";
import { Time } from "../ui/time";
import { goal, lineWord } from "../words/state";
import { duration } from "../words/time";
import { ChangeLink, EnvironmentChip, ProposalLink, Tags } from "./names";
import { wholeTime } from "./strands";
import { ThreadTiny } from "./thread";

const columns: Column<Change>[] = [
  { head: "Change", title: true, cell: (change) => <ChangeLink change={change} /> },
  { head: "Tag", bare: true, cell: (change) => <Tags from={change.from} to={goal(change)} /> },
  { head: "Environment", bare: true, cell: (change) => <EnvironmentChip name={change.environment} /> },
  { head: "Line", bare: true, cell: (change) => <ThreadTiny line={change.line} /> },
  { head: "State", bare: true, cell: (change) => <StateWord change={change} /> },
  {
    head: "Written as",
    bare: true,
    cell: (change) => change.proposal && <ProposalLink proposal={change.proposal} />,
  },
  { head: "Took", bare: true, cell: (change) => <Took change={change} /> },
  {
    head: "Began",
    bare: true,
    cell: (change) => <Time at={change.created_at} className="whitespace-nowrap text-soft" />,
  },
];

/** Changes as a table, with the thread small. */
export function ChangeTable({ changes, caption }: { changes: Change[]; caption: string }) {
  return <Table caption={caption} columns={columns} rows={changes} rowKey={(change) => change.id} />;
}

function StateWord({ change }: { change: Change }) {
  const { word, tone } = lineWord(change.line);
  return <Badge tone={tone}>{word}</Badge>;
}

function Took({ change }: { change: Change }) {
  const now = useNow(5_000);
  const whole = wholeTime(change.line, now);
  return <span className="numbers whitespace-nowrap">{whole === undefined ? "" : duration(whole)}</span>;
}
