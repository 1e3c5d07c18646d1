import { useInfiniteQuery } from "@tanstack/react-query";
import { auditQuery } from "../api/queries";
import type { AuditEntry } from "../api/types";
import { Loaded } from "../parts/loaded";
import { More } from "../parts/more";
import { useOrganization } from "../parts/session";
import { CopyButton } from "../ui/copy";
import { Empty } from "../ui/empty";
import { PageHead } from "../ui/page-head";
import { type Column, Table } from "../ui/table";
import { Time } from "../ui/time";

const columns: Column<AuditEntry>[] = [
  {
    head: "Who",
    title: true,
    cell: (entry) => (
      <span className="break-words">
        {entry.actor}
        <span className="text-xs text-soft"> by {entry.via}</span>
      </span>
    ),
  },
  { head: "What", cell: (entry) => <code>{entry.action}</code> },
  { head: "On", cell: (entry) => <span className="break-words">{entry.object}</span> },
  { head: "Details", cell: (entry) => <Details details={entry.details} />, className: "md:max-w-72" },
  { head: "When", cell: (entry) => <Time at={entry.at} className="whitespace-nowrap" /> },
  { head: "Request", cell: (entry) => <Request id={entry.request_id} /> },
];

export function AuditPage() {
  const { id } = useOrganization();
  const audit = useInfiniteQuery(auditQuery(id));
  return (
    <div className="page">
      <PageHead title="Audit">Every write by a person, a token, an agent or Heddle itself.</PageHead>
      <Loaded query={audit}>
        {({ pages }) => {
          const entries = pages.flatMap((page) => page.items);
          return entries.length === 0 ? (
            <Empty title="Nothing was written yet">
              Each write stands here with who did it and from where.
            </Empty>
          ) : (
            <>
              <Table
                caption="Audit record, newest first"
                columns={columns}
                rows={entries}
                rowKey={(one) => one.id}
              />
              <More query={audit} what="entries" />
            </>
          );
        }}
      </Loaded>
    </div>
  );
}

/** A flat list of words; what is nested is shown as it is. */
function Details({ details }: { details: unknown }) {
  if (typeof details !== "object" || details === null) return null;
  const words = Object.entries(details).map(([name, value]) => `${name} ${plain(value)}`);
  return <span className="text-xs break-words text-soft">{words.join(" · ")}</span>;
}

function plain(value: unknown): string {
  if (Array.isArray(value)) return value.map(plain).join(", ");
  return typeof value === "string" ? value : JSON.stringify(value);
}

function Request({ id }: { id: string }) {
  return (
    <span className="inline-flex items-center gap-1 whitespace-nowrap">
      <code title={id} className="text-xs text-soft">
        {id.slice(-8)}
      </code>
      <CopyButton text={id} label={`Copy request ${id}`} />
    </span>
  );
}
