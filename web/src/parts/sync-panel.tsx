import type { ReactNode } from "react";
import type { Sync } from "../api/types";
import { Badge } from "../ui/badge";
import { Command } from "../ui/copy";
import { Notice } from "../ui/notice";
import { Prose } from "../ui/prose";
import { type Column, Table } from "../ui/table";
import { Time } from "../ui/time";
import { repositoryName, syncName } from "../words/shorten";
import { healthWord } from "../words/state";
import { EnvironmentChip, Revision } from "./names";

/** One Sync: what it follows, how far it is, and everything that is wrong. */
export function SyncPanel({ sync, stale }: { sync: Sync; stale: boolean }) {
  const { word, tone } = healthWord[sync.health];
  return (
    <section aria-label={`Sync ${syncName(sync.sync)}`}>
      <div className="mb-3 flex flex-wrap items-baseline gap-x-4 gap-y-1 border-b border-line pb-2">
        <h2 className="text-lg font-semibold">{sync.sync.name}</h2>
        <Badge tone={stale || sync.unseen_since != null ? "grey" : tone}>{word}</Badge>
        {sync.environment && <EnvironmentChip name={sync.environment} />}
        {sync.suspended && <Badge tone="grey">Suspended in the cluster</Badge>}
        <span className="ml-auto text-xs text-soft">
          reported <Time at={sync.reported_at} />
        </span>
      </div>
      <dl className="mb-4 grid gap-x-10 gap-y-3 grid-cols-2 lg:grid-cols-4">
        <Fact name="Follows">
          {repositoryName(sync.repository)}, branch <code>{sync.branch}</code>
          <code className="block text-soft">{sync.path || "/"}</code>
        </Fact>
        <Fact name="Applied">
          {sync.applied_revision ? <Revision id={sync.applied_revision} copy /> : "nothing yet"}
        </Fact>
        <Fact name="Last tried">
          {sync.attempted_revision ? <Revision id={sync.attempted_revision} copy /> : "nothing yet"}
        </Fact>
        <Fact name="Objects">{sync.objects}</Fact>
      </dl>
      <div className="space-y-4">
        {sync.unseen_since != null && (
          <Notice tone="grey">
            Not seen since <Time at={sync.unseen_since} as="clock" />, <Time at={sync.unseen_since} />: the
            agent has not looked at its objects again yet. Health and objects are from before.
          </Notice>
        )}
        {!sync.connected && (
          <Notice tone="wait">
            This repository is not connected to the organization, so the agent gets no token for it. Connect
            it, or give the agent a Secret of its own.
          </Notice>
        )}
        {sync.stopped_prune && <StoppedPrune sync={sync} prune={sync.stopped_prune} />}
        <Errors sync={sync} />
        <Conditions sync={sync} />
        <Drifts sync={sync} />
      </div>
    </section>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt className="text-xs text-soft">{name}</dt>
      <dd className="break-words">{children}</dd>
    </div>
  );
}

function Errors({ sync }: { sync: Sync }) {
  if (sync.errors.length === 0) return null;
  return (
    <div>
      <h3 className="mb-1 font-semibold text-bad">
        {sync.errors.length === 1 ? "1 error" : `${sync.errors.length} errors`}
      </h3>
      <ul className="divide-y divide-line border-y border-line">
        {sync.errors.map((error) => (
          <li key={`${error.file}:${error.line}:${error.object}:${error.message}`} className="py-2">
            <p className="break-words">
              <Prose text={error.message} />
            </p>
            <p className="text-xs break-words text-soft">
              {error.file && (
                <code>
                  {error.file}
                  {error.line != null && `:${error.line}`}
                </code>
              )}
              {error.object && <span> {error.object}</span>}
            </p>
          </li>
        ))}
      </ul>
      <p className="mt-1 text-xs text-soft">The objects without an error were applied all the same.</p>
    </div>
  );
}

type Condition = Sync["conditions"][number];

const conditionColumns: Column<Condition>[] = [
  { head: "Condition", title: true, cell: (one) => one.kind },
  { head: "Is", cell: (one) => <Is condition={one} /> },
  { head: "Reason", cell: (one) => <code>{one.reason}</code> },
  { head: "Message", cell: (one) => <span className="text-pretty break-words">{one.message}</span> },
  { head: "Since", cell: (one) => <Time at={one.since} className="whitespace-nowrap text-soft" /> },
];

/** Conditions that are there while something is not as it should be. */
const faultsWhileTrue = new Set([
  "FoughtOver",
  "Leftovers",
  "OtherController",
  "Reconciling",
  "Stalled",
  "TakeOver",
]);

/** Whether somebody ought to look at what a condition says. */
function isFault({ kind, status }: Condition) {
  return faultsWhileTrue.has(kind) ? status === "True" : status === "False";
}

function Is({ condition }: { condition: Condition }) {
  if (isFault(condition)) {
    return <Badge tone={condition.status === "True" ? "wait" : "bad"}>{condition.status}</Badge>;
  }
  return <Badge tone={condition.status === "Unknown" ? "grey" : "good"}>{condition.status}</Badge>;
}

function Conditions({ sync }: { sync: Sync }) {
  if (sync.conditions.length === 0) return null;
  return (
    <details className="group" open={sync.conditions.some(isFault)}>
      <summary className="py-1 font-semibold">Conditions</summary>
      <Table
        caption={`Conditions of ${sync.sync.name}`}
        columns={conditionColumns}
        rows={sync.conditions}
        rowKey={(one) => one.kind}
      />
    </details>
  );
}

type Drift = Sync["drifts"][number];

const driftColumns: Column<Drift>[] = [
  { head: "Object", title: true, cell: (one) => <span className="break-words">{one.object}</span> },
  { head: "What", cell: (one) => <Fields drift={one} /> },
  {
    head: "By",
    cell: (one) => (one.manager ? <code>{one.manager}</code> : <span className="text-soft">unknown</span>),
  },
  { head: "When", cell: (one) => <Time at={one.at} className="whitespace-nowrap" /> },
  { head: "Put back", cell: (one) => <PutBack drift={one} /> },
];

function Fields({ drift }: { drift: Drift }) {
  if (drift.fields.length === 0) return "deleted";
  return <code className="break-words">{drift.fields.join(", ")}</code>;
}

function PutBack({ drift }: { drift: Drift }) {
  return drift.healed_at ? (
    <Badge tone="good">
      <Time at={drift.healed_at} />
    </Badge>
  ) : (
    <Badge tone="wait">not yet</Badge>
  );
}

function Drifts({ sync }: { sync: Sync }) {
  if (sync.drifts.length === 0) return null;
  return (
    <details>
      <summary className="py-1 font-semibold">
        Changed in the cluster by others ({sync.drifts.length})
      </summary>
      <Table
        caption={`Drift of ${sync.sync.name}`}
        columns={driftColumns}
        rows={sync.drifts}
        rowKey={(one) => `${one.object} ${one.at}`}
      />
    </details>
  );
}

/** A prune that stopped, what it would delete, and the command that lets it go on. */
function StoppedPrune({ sync, prune }: { sync: Sync; prune: NonNullable<Sync["stopped_prune"]> }) {
  const { name, namespace } = sync.sync;
  return (
    <div className="space-y-3 rounded border border-line p-4">
      <h3 className="font-semibold text-wait">
        Nothing was deleted; {prune.count} objects wait for your word
      </h3>
      <p className="text-pretty">{prune.reason}</p>
      <details>
        <summary className="py-1">What it would delete</summary>
        <ul className="mt-1 max-h-48 space-y-0.5 overflow-auto">
          {prune.objects.map((object) => (
            <li key={object}>
              <code>{object}</code>
            </li>
          ))}
        </ul>
      </details>
      <p className="text-soft">
        If that is what you want, say so in the cluster; else bring the files back in Git.
      </p>
      <Command
        text={`kubectl annotate sync ${name} -n ${namespace} heddle.dev/approve-prune=${prune.plan}`}
      />
    </div>
  );
}
