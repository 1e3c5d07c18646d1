import { useInfiniteQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { pastQuery } from "../api/queries";
import type { PastPage as Page, PastSync } from "../api/types";
import { untilAt } from "../parts/hold";
import { Loaded } from "../parts/loaded";
import { More } from "../parts/more";
import { EnvironmentChip, Revision } from "../parts/names";
import { useEnvironment, useOrganization } from "../parts/session";
import { Button } from "../ui/button";
import { Empty } from "../ui/empty";
import { TextField } from "../ui/field";
import { PageHead } from "../ui/page-head";
import { type Column, Table } from "../ui/table";
import { Time } from "../ui/time";
import { syncName } from "../words/shorten";
import { absolute, forField } from "../words/time";

const columns: Column<PastSync>[] = [
  { head: "Sync", title: true, cell: (one) => <Name one={one} />, className: "md:max-w-64" },
  { head: "Environment", cell: (one) => <EnvironmentChip name={one.environment} /> },
  { head: "Commit", cell: (one) => <CommitOf one={one} />, className: "md:w-1/4" },
  { head: "Images", cell: (one) => <Images one={one} />, className: "md:w-1/4" },
  { head: "Applied", cell: (one) => <Span one={one} /> },
  { head: "Healthy", cell: (one) => <Healthy one={one} /> },
];

function Healthy({ one }: { one: PastSync }) {
  if (one.healthy_at) return <Time at={one.healthy_at} />;
  return one.health_known ? "Not seen so by then" : <span className="text-soft">Not kept then</span>;
}

/** What ran at an instant, from what the agents told. */
export function PastPage() {
  const { at } = useSearch({ from: "/app/inside/past" });
  return (
    <div className="page">
      <PageHead title="What ran then?">
        The revision and the images that each Sync had applied as a whole at an instant.
      </PageHead>
      <Ask key={at} start={at} />
      {at && (
        <div className="mt-8">
          <Ran at={at} />
        </div>
      )}
    </div>
  );
}

function Ask({ start }: { start: string | undefined }) {
  const [typed, setTyped] = useState(start ? forField(new Date(start)) : "");
  const [fault, setFault] = useState<string>();
  const navigate = useNavigate();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const at = untilAt(typed);
    if (!at) setFault("Choose a day and a time");
    else if (Date.parse(at) > Date.now()) setFault("Choose a time that has passed");
    else void navigate({ to: "/past", search: { at } });
  };
  return (
    <form onSubmit={submit} className="flex max-w-2xl flex-wrap items-end gap-3">
      <div className="min-w-60 flex-1">
        <TextField
          type="datetime-local"
          label="When, by the clock of this device"
          value={typed}
          onText={setTyped}
          fault={fault}
        />
      </div>
      <Button type="submit" look="primary">
        Show
      </Button>
    </form>
  );
}

function Ran({ at }: { at: string }) {
  const { id } = useOrganization();
  const environment = useEnvironment();
  const past = useInfiniteQuery(pastQuery(id, { at, environment }));
  return (
    <Loaded query={past}>
      {({ pages }) => {
        const rows = pages.flatMap((page) => page.items);
        if (rows.length === 0) return <Nothing at={at} page={pages[0]} environment={environment} />;
        return (
          <>
            <Table
              caption={`What ran at ${absolute(new Date(at))}`}
              columns={columns}
              rows={rows}
              rowKey={(one) => `${one.cluster}/${syncName(one.sync)}`}
            />
            <More query={past} what="that ran then" />
          </>
        );
      }}
    </Loaded>
  );
}

interface NothingProps {
  at: string;
  page: Page | undefined;
  environment: string | undefined;
}

function Nothing({ at, page, environment }: NothingProps) {
  const since = page?.known_since;
  if (!since) return <Empty title="Nothing is known yet">No Sync has applied anything so far.</Empty>;
  if (Date.parse(since) > Date.parse(at)) {
    return (
      <Empty title="That long ago it is not known">
        The first that is known was applied <Time at={since} />.
      </Empty>
    );
  }
  return (
    <Empty title="Nothing ran then">
      {environment ? `No Sync of ${environment} had applied anything.` : "No Sync had applied anything."}
    </Empty>
  );
}

function Name({ one }: { one: PastSync }) {
  return (
    <span className="min-w-0">
      <span className="font-semibold break-words">{one.cluster_name}</span>
      <span className="block text-xs break-words text-soft">
        {syncName(one.sync)} · {one.repository ?? "a repository that is not connected"} · {one.branch} ·{" "}
        {one.path || "/"}
      </span>
    </span>
  );
}

function CommitOf({ one }: { one: PastSync }) {
  return (
    <span className="min-w-0">
      <Link to="/revisions/$revision" params={{ revision: one.revision }} className="link">
        <Revision id={one.revision} />
      </Link>
      {one.subject && (
        <span className="block break-words">
          {one.subject} <span className="text-soft">by {one.author}</span>
        </span>
      )}
    </span>
  );
}

function Images({ one }: { one: PastSync }) {
  if (one.images.length === 0) return <span className="text-soft">None</span>;
  return (
    <ul className="space-y-0.5">
      {one.images.map((image) => (
        <li key={image} className="break-all">
          <code>{image}</code>
        </li>
      ))}
    </ul>
  );
}

function Span({ one }: { one: PastSync }) {
  return (
    <span>
      <Time at={one.applied_at} />
      <span className="block text-xs text-soft">
        {one.until ? (
          <>
            until <Time at={one.until} />
          </>
        ) : (
          "and runs still"
        )}
      </span>
    </span>
  );
}
