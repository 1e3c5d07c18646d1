// Going back to what stood before a change, at its places alone.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { previewQuery } from "../api/queries";
import type { Change, Wish } from "../api/types";
import { Button } from "../ui/button";
import { TextField } from "../ui/field";
import { imageName } from "../words/shorten";
import { AskDialog, notTaken } from "./ask";
import { useRefusal } from "./session";
import { faultOf } from "./trouble";

export function Rollback({ organization, change }: { organization: string; change: Change }) {
  const refusal = useRefusal("operator");
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button because={refusal} onClick={() => setOpen(true)}>
        Roll back
      </Button>
      {open && <RollbackDialog organization={organization} change={change} onClose={() => setOpen(false)} />}
    </>
  );
}

function RollbackDialog({
  organization,
  change,
  onClose,
}: {
  organization: string;
  change: Change;
  onClose: () => void;
}) {
  const [typed, setTyped] = useState("");
  const [to, setTo] = useState("");
  const wish: Wish = { kind: "rollback", change: change.id, ...(to ? { to } : {}) };
  const { error } = useQuery(previewQuery(organization, wish));
  return (
    <AskDialog
      organization={organization}
      title={`Roll back ${imageName(change.image)} ${change.to} in ${change.environment}`}
      description={<code className="break-all">{change.image}</code>}
      wish={wish}
      field="to"
      because={typed.trim() !== to && notTaken}
      action={(shown) => `${shown.mode === "commit" ? "Commit" : "Propose"} ${shown.steps[0]?.to ?? ""}`}
      onClose={onClose}
      options={
        <TextField
          label="Back to"
          value={typed}
          onText={setTyped}
          onBlur={() => setTo(typed.trim())}
          placeholder={change.from ?? undefined}
          hint="Left empty: what stood there before, if it was healthy there."
          fault={faultOf(error, "to")}
        />
      }
    />
  );
}
