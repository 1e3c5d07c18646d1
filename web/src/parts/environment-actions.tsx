// What a person asks of a whole environment: back to an instant, and what is healthy before it.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { previewQuery } from "../api/queries";
import type { Wish } from "../api/types";
import { Button } from "../ui/button";
import { TextField } from "../ui/field";
import { AskDialog, notTaken } from "./ask";
import { fieldOf } from "./freeze";
import { untilAt } from "./hold";
import { useRefusal } from "./session";
import { faultOf } from "./trouble";

interface Props {
  organization: string;
  /** The one that the page is about. */
  environment: string | undefined;
}

interface DialogProps {
  organization: string;
  environment: string;
  onClose: () => void;
}

const whichOne = "Choose an environment at the top first: it is about one";

/** Opens the dialog that brings what is healthy in the environment before. */
export function Promote({ organization, environment }: Props) {
  const refusal = useRefusal("operator");
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button because={refusal || (!environment && whichOne)} onClick={() => setOpen(true)}>
        Promote
      </Button>
      {open && environment && (
        <PromoteDialog organization={organization} environment={environment} onClose={() => setOpen(false)} />
      )}
    </>
  );
}

function PromoteDialog({ organization, environment, onClose }: DialogProps) {
  const [typed, setTyped] = useState("");
  const [from, setFrom] = useState("");
  const wish: Wish = { kind: "promote", environment, ...(from ? { from } : {}) };
  const { error } = useQuery(previewQuery(organization, wish));
  return (
    <AskDialog
      organization={organization}
      title={`Promote to ${environment}`}
      description="What is healthy in the environment before comes now, without waiting longer."
      wish={wish}
      field="from"
      because={typed.trim() !== from && notTaken}
      action={(shown) => {
        const what = shown.steps.length === 1 ? shown.steps[0]?.to : `${shown.steps.length} images`;
        return `${shown.mode === "commit" ? "Commit" : "Propose"} ${what ?? ""}`;
      }}
      onClose={onClose}
      options={
        <TextField
          label="From"
          value={typed}
          onText={setTyped}
          onBlur={() => setFrom(typed.trim())}
          hint="Left empty: the environment that `promote` of .heddle.yaml names."
          fault={faultOf(error, "from")}
        />
      }
    />
  );
}

/** Opens the dialog that brings an environment back to what stood there at an instant. */
export function RollbackSince({ organization, environment }: Props) {
  const refusal = useRefusal("operator");
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button because={refusal || (!environment && whichOne)} onClick={() => setOpen(true)}>
        Roll back
      </Button>
      {open && environment && (
        <RollbackSinceDialog
          organization={organization}
          environment={environment}
          onClose={() => setOpen(false)}
        />
      )}
    </>
  );
}

function RollbackSinceDialog({ organization, environment, onClose }: DialogProps) {
  const [since, setSince] = useState(() => fieldOf(new Date(Date.now() - 3_600_000)));
  const [typed, setTyped] = useState("");
  const [named, setNamed] = useState("");
  const wish: Wish = {
    kind: "rollback-since",
    environment,
    since: untilAt(since) ?? "",
    to: tagsOf(named),
  };
  const { error } = useQuery(previewQuery(organization, wish));
  const word = wordsOf(named).find((one) => !isTag(one));
  const odd = word && `“${word}” names no tag of an image: write IMAGE=TAG`;
  return (
    <AskDialog
      organization={organization}
      title={`Roll ${environment} back`}
      description="What was merged since then goes back to what stood before it, as one pull request."
      wish={wish}
      field="to"
      because={odd ?? (typed !== named && notTaken)}
      action={(shown) => {
        const places = shown.steps.flatMap((step) => step.places).length;
        return `Propose ${places} ${places === 1 ? "place" : "places"}`;
      }}
      onClose={onClose}
      options={
        <div className="grid gap-4 md:grid-cols-2">
          <TextField
            label="Everything since"
            type="datetime-local"
            value={since}
            onText={setSince}
            hint="By your clock."
          />
          <TextField
            label="Back to, by name"
            value={typed}
            onText={setTyped}
            onBlur={() => setNamed(typed)}
            hint="IMAGE=TAG, with spaces between several. Left empty: what stood there before, if it was healthy."
            fault={odd ?? faultOf(error, "to")}
          />
        </div>
      }
    />
  );
}

function wordsOf(text: string): string[] {
  return text.split(/\s+/).filter(Boolean);
}

function isTag(word: string): boolean {
  return /^[^=]+=[^=]+$/.test(word);
}

/** The images and tags of `ghcr.io/acme/api=1.4.1 ghcr.io/acme/web=2.0.0`. */
function tagsOf(text: string): { image: string; tag: string }[] {
  return wordsOf(text)
    .filter(isTag)
    .map((word) => {
      const at = word.lastIndexOf("=");
      return { image: word.slice(0, at), tag: word.slice(at + 1) };
    });
}
