// Holds: images that stay as they are, and the end of that.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { holdsQuery } from "../api/queries";
import type { FreezeEntry, HoldEntry } from "../api/types";
import { Badge } from "../ui/badge";
import { Button } from "../ui/button";
import { CheckField, TextField } from "../ui/field";
import { Time } from "../ui/time";
import { imageName } from "../words/shorten";
import { AskDialog } from "./ask";
import { Thaw } from "./freeze";
import { EnvironmentChip } from "./names";
import { useRefusal } from "./session";

/** When a hold ends, as a browser's field gives it. */
export function Until({ value, onValue }: { value: string; onValue: (value: string) => void }) {
  return (
    <TextField
      label="Until"
      type="datetime-local"
      value={value}
      onText={onValue}
      hint="By your clock. Left empty: until somebody ends it."
    />
  );
}

/** The instant that a field means; `undefined` while it is empty. */
export function untilAt(value: string): string | undefined {
  const at = Date.parse(value);
  return Number.isNaN(at) ? undefined : new Date(at).toISOString();
}

interface HoldProps {
  organization: string;
  image: string;
  environment: string;
  /** What Git says now. */
  tag?: string | null | undefined;
}

/** Opens the dialog that asks for a hold. */
export function Hold(props: HoldProps) {
  const refusal = useRefusal("operator");
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button small because={refusal} onClick={() => setOpen(true)}>
        Hold
        <span className="sr-only">
          {" "}
          {imageName(props.image)} in {props.environment}
        </span>
      </Button>
      {open && <HoldDialog {...props} onClose={() => setOpen(false)} />}
    </>
  );
}

function HoldDialog({ organization, image, environment, tag, onClose }: HoldProps & { onClose: () => void }) {
  const [named, setNamed] = useState(true);
  const [until, setUntil] = useState("");
  const at = untilAt(until);
  return (
    <AskDialog
      organization={organization}
      title={`Hold ${imageName(image)} in ${environment}`}
      description={<code className="break-all">{image}</code>}
      wish={{
        kind: "hold",
        image,
        environment,
        ...(named && tag ? { tag } : {}),
        ...(at ? { until: at } : {}),
      }}
      action={() => "Propose the hold"}
      onClose={onClose}
      options={
        <div className="space-y-3">
          {tag && (
            <CheckField
              label={`At ${tag}: a change to that tag goes on`}
              checked={named}
              onCheck={setNamed}
            />
          )}
          <Until value={until} onValue={setUntil} />
        </div>
      }
    />
  );
}

/** What the rules keep back; nothing where they keep nothing. */
export function KeptBack({ organization }: { organization: string }) {
  const { data } = useQuery(holdsQuery(organization));
  const kept = (data ?? []).filter(({ holds, freezes }) => holds.length + freezes.length > 0);
  if (kept.length === 0) return null;
  return (
    <section aria-labelledby="kept-back" className="mb-8">
      <h2 id="kept-back" className="mb-1 text-base font-semibold">
        Kept back
      </h2>
      <ul className="divide-y divide-line border-y border-line" aria-label="Holds and freezes">
        {kept.flatMap(({ repository, repository_name, holds, freezes }) => [
          ...holds.map((hold) => (
            <li
              key={`${repository} ${JSON.stringify(hold)}`}
              className="flex flex-wrap items-baseline gap-x-4 gap-y-2 py-3"
            >
              <div className="min-w-0 flex-1 basis-64">
                <HoldLine hold={hold} repository={repository_name} />
              </div>
              <Resume organization={organization} repository={repository} hold={hold} />
            </li>
          )),
          ...freezes.map((freeze) => (
            <li
              key={`${repository} ${JSON.stringify(freeze)}`}
              className="flex flex-wrap items-baseline gap-x-4 gap-y-2 py-3"
            >
              <div className="min-w-0 flex-1 basis-64">
                <FreezeLine freeze={freeze} repository={repository_name} />
              </div>
              <Thaw organization={organization} repository={repository} freeze={freeze} />
            </li>
          )),
        ])}
      </ul>
    </section>
  );
}

function HoldLine({ hold, repository }: { hold: HoldEntry; repository: string }) {
  return (
    <>
      <p className="flex flex-wrap items-center gap-x-2 gap-y-1">
        <span className="font-semibold" title={hold.image ?? undefined}>
          {hold.image ? imageName(hold.image) : "Every image"}
        </span>
        {hold.tag ? (
          <span>
            at <code>{hold.tag}</code>
          </span>
        ) : (
          <span>as it is</span>
        )}
        {hold.environment ? <EnvironmentChip name={hold.environment} /> : <span>in every environment</span>}
        <Badge tone="wait">Held</Badge>
      </p>
      <p className="text-xs break-words text-soft">
        {hold.by && <>By {hold.by}, </>}
        {hold.until ? (
          <>
            until <Time at={hold.until} />
          </>
        ) : (
          "until somebody ends it"
        )}
        , in <code>.heddle.yaml</code> of {repository}
        {hold.reason && <>: {hold.reason}</>}
      </p>
    </>
  );
}

function FreezeLine({ freeze, repository }: { freeze: FreezeEntry; repository: string }) {
  const environments = freeze.environments ?? [];
  return (
    <>
      <p className="flex flex-wrap items-center gap-x-2 gap-y-1">
        <span className="font-semibold">Nothing is written</span>
        {environments.length > 0 ? (
          environments.map((name) => <EnvironmentChip key={name} name={name} />)
        ) : (
          <span>in any environment</span>
        )}
        <Badge tone="wait">Frozen</Badge>
      </p>
      <p className="text-xs break-words text-soft">
        From <Time at={freeze.from} /> until <Time at={freeze.to} />, in <code>.heddle.yaml</code> of{" "}
        {repository}
        {freeze.reason && <>: {freeze.reason}</>}
      </p>
    </>
  );
}

function Resume({
  organization,
  repository,
  hold,
}: {
  organization: string;
  repository: string;
  hold: HoldEntry;
}) {
  const refusal = useRefusal("operator");
  const [open, setOpen] = useState(false);
  const { image, environment } = hold;
  const name = `${image ? imageName(image) : "every image"}${environment ? ` in ${environment}` : ""}`;
  return (
    <>
      <Button small because={refusal} onClick={() => setOpen(true)}>
        Resume<span className="sr-only"> {name}</span>
      </Button>
      {open && (
        <AskDialog
          organization={organization}
          title={`Resume ${name}`}
          wish={{
            kind: "resume",
            repository,
            ...(image ? { image } : {}),
            ...(environment ? { environment } : {}),
          }}
          action={() => "Propose the end of the hold"}
          onClose={() => setOpen(false)}
        />
      )}
    </>
  );
}
