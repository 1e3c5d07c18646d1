import { useInfiniteQuery } from "@tanstack/react-query";
import { Link, useSearch } from "@tanstack/react-router";
import { driftQuery } from "../api/queries";
import type { DriftCounts, DriftRecord, DriftState } from "../api/types";
import { Loaded } from "../parts/loaded";
import { More } from "../parts/more";
import { EnvironmentChip, Revision } from "../parts/names";
import { useEnvironment, useOrganization } from "../parts/session";
import { Badge } from "../ui/badge";
import { buttonClass } from "../ui/button";
import { Empty } from "../ui/empty";
import { Notice } from "../ui/notice";
import { PageHead } from "../ui/page-head";
import { Prose } from "../ui/prose";
import { type Column, Table } from "../ui/table";
import { Tabs, tabClass } from "../ui/tabs";
import { Time } from "../ui/time";
import { count } from "../words/count";
import { driftKey, driftWord, toolWord } from "../words/drift";
import { syncName } from "../words/shorten";

const columns: Column<DriftRecord>[] = [
  { head: "What", title: true, cell: (one) => <What record={one} />, className: "md:max-w-72" },
  { head: "Environment", cell: (one) => one.environment && <EnvironmentChip name={one.environment} /> },
  { head: "As Git says", cell: (one) => <State record={one} />, className: "md:w-2/5" },
  { head: "Looked at", cell: (one) => <Looked record={one} /> },
  { head: "Commit", cell: (one) => one.commit && <Revision id={one.commit} /> },
];

const tabs: { state: DriftState; count: (counts: DriftCounts) => number }[] = [
  { state: "differs", count: (counts) => counts.differs },
  { state: "not-looked-at", count: (counts) => counts.not_looked_at },
  { state: "unknown", count: (counts) => counts.unknown },
  { state: "same", count: (counts) => counts.same },
];

export function DriftPage() {
  const { id } = useOrganization();
  const environment = useEnvironment();
  const { state } = useSearch({ from: "/app/inside/drift" });
  const drift = useInfiniteQuery(driftQuery(id, { environment, state }));
  const counts = drift.data?.pages[0]?.counts;
  return (
    <div className="page">
      <PageHead title="Drift">{counts ? answer(counts) : "Is the world as Git says?"}</PageHead>
      <Tabs label="Which are shown">
        <Link to="/drift" search={{ state: undefined }} activeOptions={{ exact: true }} className={tabClass}>
          All
        </Link>
        {tabs.map((tab) => (
          <Link key={tab.state} to="/drift" search={{ state: tab.state }} className={tabClass}>
            {driftWord[tab.state].word}
            {counts ? ` (${tab.count(counts)})` : ""}
          </Link>
        ))}
      </Tabs>
      <Loaded query={drift}>
        {({ pages }) => {
          const rows = pages.flatMap((page) => page.items);
          const left = counts?.not_judged ?? 0;
          if (rows.length === 0) return <Nothing filtered={Boolean(state ?? environment)} />;
          return (
            <>
              {left > 0 && (
                <div className="mb-6">
                  <Notice tone="wait">
                    There is too much for one list: of {count(left, "more thing")} nothing is said here.
                    Choose an environment above.
                  </Notice>
                </div>
              )}
              <Table
                caption="Everything that is looked at, what is not the same first"
                columns={columns}
                rows={rows}
                rowKey={driftKey}
              />
              <More query={drift} what="that are looked at" />
            </>
          );
        }}
      </Loaded>
    </div>
  );
}

/** The page's question, answered in a sentence. */
function answer({ differs, unknown, not_looked_at: unseen, same, not_judged }: DriftCounts): string {
  const all = differs + unknown + unseen + same + not_judged;
  if (all === 0) return "Is the world as Git says?";
  if (same === all) return "The world is as Git says, wherever somebody looks.";
  const parts = [
    differs > 0 && `${differs} ${differs === 1 ? "differs" : "differ"}`,
    unseen > 0 && `${unseen} ${unseen === 1 ? "is" : "are"} not looked at`,
    unknown + not_judged > 0 && `of ${unknown + not_judged} it is not known`,
  ];
  return `The world is not all as Git says: ${parts.filter(Boolean).join(", ")}.`;
}

function What({ record }: { record: DriftRecord }) {
  const name = <span className="font-semibold break-words">{record.source}</span>;
  return (
    <span className="min-w-0">
      {record.sync ? (
        <Link
          to="/clusters/$cluster"
          params={{ cluster: record.sync.cluster }}
          className="break-words hover:underline"
        >
          {name}
          <span className="sr-only"> in cluster {record.sync.cluster_name}</span>
        </Link>
      ) : (
        <Link
          to="/drift/$record"
          params={{ record: record.id ?? "" }}
          className="break-words hover:underline"
        >
          {name}
          <span className="sr-only"> in {record.environment}</span>
        </Link>
      )}
      <span className="block text-xs break-words text-soft">
        {toolWord(record)}
        {record.repository && ` · ${record.repository}`}
        {record.sync && ` · ${record.sync.cluster_name} · ${syncName(record.sync.sync)}`}
      </span>
    </span>
  );
}

export function State({ record }: { record: DriftRecord }) {
  const { word, tone } = driftWord[record.state];
  const many = record.state === "differs" && record.differences > 0;
  return (
    <span className="min-w-0">
      <Badge tone={tone}>
        {word}
        {many && ` in ${record.differences}`}
        {record.since && (
          <span className="text-soft">
            {" "}
            for <Time at={record.since} as="age" />
          </span>
        )}
      </Badge>
      {record.reason && (
        <span className="block text-xs break-words text-soft">
          <Prose text={record.reason} />
        </span>
      )}
    </span>
  );
}

function Looked({ record }: { record: DriftRecord }) {
  if (!record.looked_at) return <span className="text-soft">never</span>;
  return (
    <span className="min-w-0">
      <Time at={record.looked_at} className="whitespace-nowrap" />
      {record.looked_by && (
        <span className="block text-xs break-words text-soft">
          by {record.looked_by}
          {record.by_revoked && ", a revoked reporter"}
        </span>
      )}
    </span>
  );
}

function Nothing({ filtered }: { filtered: boolean }) {
  if (filtered) {
    return <Empty title="Nothing here">Of what is shown above, nothing is in this state.</Empty>;
  }
  return (
    <Empty
      title="Nobody looks at anything yet"
      action={
        <Link to="/settings/$section" params={{ section: "reporters" }} className={buttonClass("primary")}>
          Make a reporter
        </Link>
      }
    >
      Agents look at their Syncs by themselves. For Terraform folders and playbooks, a job runs heddle diff
      with --report, and drift: in .heddle.yaml says how often, so that silence shows too.
    </Empty>
  );
}
