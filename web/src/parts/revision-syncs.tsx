// How each Sync is doing with a commit.
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { CommitSync, Knot } from "../api/types";
import { Prose } from "../ui/prose";
import { type Column, Table } from "../ui/table";
import { Time } from "../ui/time";
import { changedWord } from "../words/revision";
import { sentence } from "../words/sentence";
import { shortRevision, syncName } from "../words/shorten";
import { knotWord } from "../words/state";
import { Mark } from "./mark";

interface Props {
  syncs: CommitSync[];
  chip: (name: string) => ReactNode;
}

export function RevisionSyncs({ syncs, chip }: Props) {
  const columns: Column<CommitSync>[] = [
    { head: "Sync", title: true, cell: (one) => <Name sync={one} /> },
    { head: "Environment", cell: (one) => one.environment && chip(one.environment) },
    { head: "Applied", cell: (one) => <Reached knot={one.line.applied} /> },
    { head: "Healthy", cell: (one) => <Reached knot={one.line.healthy} /> },
    { head: "Changes", cell: (one) => changedWord(one.line) },
    { head: "Why", cell: (one) => <Why sync={one} />, className: "md:w-2/5" },
  ];
  return <Table caption="In each Sync of the branch" columns={columns} rows={syncs} rowKey={syncKey} />;
}

function syncKey({ line }: CommitSync): string {
  return `${line.sync.cluster}/${syncName(line.sync.sync)}`;
}

function Name({ sync }: { sync: CommitSync }) {
  return (
    <span className="min-w-0">
      <Link
        to="/clusters/$cluster"
        params={{ cluster: sync.line.sync.cluster }}
        className="font-semibold break-words hover:underline"
      >
        {sync.cluster_name || "a deleted cluster"}
      </Link>
      <span className="block text-xs break-words text-soft">{syncName(sync.line.sync.sync)}</span>
    </span>
  );
}

function Reached({ knot }: { knot: Knot }) {
  return (
    <span className="inline-flex items-center gap-2">
      <Mark state={knot.state} station={knot.station} size={12} />
      <span className="sr-only">{knotWord[knot.state]}</span>
      {knot.at ? <Time at={knot.at} /> : <span className="text-soft">{knotWord[knot.state]}</span>}
    </span>
  );
}

function Why({ sync: { line } }: { sync: CommitSync }) {
  if (line.left_out)
    return (
      <span className="break-words text-soft">
        <Prose text={sentence(line.reason ?? "it counts no more")} />
      </span>
    );
  return (
    <span className="break-words">
      {line.contained_in && (
        <span className="block text-soft">
          It came with <code>{shortRevision(line.contained_in)}</code>, which contains it.
        </span>
      )}
      {line.reason && <Prose text={sentence(line.reason)} />}
    </span>
  );
}
