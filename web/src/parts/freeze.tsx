// Freezes: times in which nothing is written, and their end.
import { useState } from "react";
import type { FreezeEntry } from "../api/types";
import { Button } from "../ui/button";
import { TextField } from "../ui/field";
import { AskDialog } from "./ask";
import { untilAt } from "./hold";
import { useRefusal } from "./session";

interface FreezeProps {
  organization: string;
  /** The one that the page is about; else all of them. */
  environment: string | undefined;
}

/** Opens the dialog that asks for a freeze. */
export function Freeze(props: FreezeProps) {
  const refusal = useRefusal("admin");
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button because={refusal} onClick={() => setOpen(true)}>
        Freeze
      </Button>
      {open && <FreezeDialog {...props} onClose={() => setOpen(false)} />}
    </>
  );
}

/** A field's text of an instant by the browser's clock, to the minute. */
export function fieldOf(at: Date): string {
  const local = new Date(at.getTime() - at.getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 16);
}

function FreezeDialog({ organization, environment, onClose }: FreezeProps & { onClose: () => void }) {
  const [from, setFrom] = useState(() => fieldOf(new Date()));
  const [to, setTo] = useState(() => fieldOf(new Date(Date.now() + 24 * 3_600_000)));
  return (
    <AskDialog
      organization={organization}
      title={environment ? `Freeze ${environment}` : "Freeze every environment"}
      wish={{
        kind: "freeze",
        environments: environment ? [environment] : [],
        from: untilAt(from) ?? new Date().toISOString(),
        to: untilAt(to) ?? "",
      }}
      action={() => "Propose the freeze"}
      onClose={onClose}
      options={
        <div className="grid gap-4 md:grid-cols-2">
          <TextField label="From" type="datetime-local" value={from} onText={setFrom} hint="By your clock." />
          <TextField label="Until" type="datetime-local" value={to} onText={setTo} hint="By your clock." />
        </div>
      }
    />
  );
}

export function Thaw({
  organization,
  repository,
  freeze,
}: {
  organization: string;
  repository: string;
  freeze: FreezeEntry;
}) {
  const refusal = useRefusal("admin");
  const [open, setOpen] = useState(false);
  const name = freeze.environments?.join(" and ") || "every environment";
  return (
    <>
      <Button small because={refusal} onClick={() => setOpen(true)}>
        Thaw<span className="sr-only"> {name}</span>
      </Button>
      {open && (
        <AskDialog
          organization={organization}
          title={`Thaw ${name}`}
          wish={{ kind: "thaw", repository, freeze }}
          action={() => "Propose the end of the freeze"}
          onClose={() => setOpen(false)}
        />
      )}
    </>
  );
}
