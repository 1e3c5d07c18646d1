import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { isRecord } from "../api/problem";
import { auditQuery, clustersQuery } from "../api/queries";
import type { AuditEntry } from "../api/types";
import { Loaded } from "../parts/loaded";
import { More } from "../parts/more";
import { useOrganization } from "../parts/session";
import { CopyButton } from "../ui/copy";
import { Empty } from "../ui/empty";
import { PageHead } from "../ui/page-head";
import { type Column, Table } from "../ui/table";
import { Time } from "../ui/time";
import { middle, shortRevision } from "../words/shorten";

/** Clusters by id: the record holds what does not change, and people know the names. */
type Names = Map<string, string>;

function columnsWith(names: Names): Column<AuditEntry>[] {
  return [
    {
      head: "Who",
      title: true,
      cell: (entry) => (
        <span className="break-words" title={entry.actor}>
          {readable(entry.actor, names)}
          <span className="text-xs text-soft"> by {entry.via}</span>
        </span>
      ),
    },
    { head: "What", cell: (entry) => <code>{entry.action}</code> },
    {
      head: "On",
      cell: (entry) => (
        <span className="break-words" title={entry.object}>
          {readable(entry.object, names)}
        </span>
      ),
    },
    {
      head: "Details",
      cell: (entry) => <Details details={entry.details} names={names} />,
      className: "md:max-w-80",
    },
    { head: "When", cell: (entry) => <Time at={entry.at} className="whitespace-nowrap" /> },
    { head: "Request", cell: (entry) => <Request id={entry.request_id} /> },
  ];
}

export function AuditPage() {
  const { id } = useOrganization();
  const audit = useInfiniteQuery(auditQuery(id));
  const { data: clusters } = useQuery(clustersQuery(id));
  const columns = columnsWith(new Map(clusters?.map((one) => [one.id, one.name])));
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

/** In one line; all of it, as it was recorded, on hover. */
function Details({ details, names }: { details: unknown; names: Names }) {
  if (!isRecord(details) || Object.keys(details).length === 0) return null;
  const words = Object.entries(details).map(
    ([name, value]) => `${name.replaceAll("_", " ")} ${plain(value)}`,
  );
  return (
    <span className="text-xs break-words text-soft" title={JSON.stringify(details, null, 2)}>
      {readable(words.join(" · "), names)}
    </span>
  );
}

function plain(value: unknown): string {
  if (Array.isArray(value)) return value.map(plain).join(", ");
  if (!isRecord(value)) return String(value);
  // An address says the same as the rest, at length.
  return Object.entries(value)
    .filter(([name]) => name !== "url")
    .map(([, inner]) => plain(inner))
    .join(" ");
}

/** Ids as names where one is known, else shortened. */
function readable(text: string, names: Names): string {
  return text
    .replace(
      /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g,
      (id) => names.get(id) ?? middle(id, 9),
    )
    .replace(/\b[0-9a-f]{40}\b/g, shortRevision);
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
