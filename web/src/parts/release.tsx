// A tag that a person asks for at all places of an image in an environment.
import { useState } from "react";
import type { Wish } from "../api/types";
import { Button } from "../ui/button";
import { CheckField } from "../ui/field";
import { imageName } from "../words/shorten";
import { AskDialog } from "./ask";
import { Until, untilAt } from "./hold";
import { useOrganization, useRefusal } from "./session";

export interface Release {
  environment: string;
  image: string;
  /** Left out: the greatest that the rule allows. */
  tag?: string;
  /** By pull request, also where the rule commits. */
  byPullRequest?: boolean;
}

interface Props {
  organization: string;
  release: Release;
  onClose: () => void;
}

/** Opens the dialog for an image that no rule moves, because nothing says where its tag stands. */
export function ReleaseOnce({ release }: { release: Release }) {
  const { id: organization } = useOrganization();
  const refusal = useRefusal("operator");
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button small because={refusal} onClick={() => setOpen(true)}>
        Release a tag
        <span className="sr-only">
          {" "}
          of {imageName(release.image)} in {release.environment}
        </span>
      </Button>
      {open && (
        <ReleaseDialog
          organization={organization}
          release={{ ...release, byPullRequest: true }}
          onClose={() => setOpen(false)}
        />
      )}
    </>
  );
}

export function ReleaseDialog({ organization, release, onClose }: Props) {
  const { environment, image, tag, byPullRequest } = release;
  const [hold, setHold] = useState(false);
  const [until, setUntil] = useState("");
  const wish: Wish = {
    kind: "release",
    environment,
    image,
    ...(tag ? { tag } : {}),
    by_pull_request: byPullRequest ?? false,
    hold,
    ...(hold && untilAt(until) ? { hold_until: untilAt(until) } : {}),
  };
  return (
    <AskDialog
      organization={organization}
      title={`Release ${imageName(image)} in ${environment}`}
      description={<code className="break-all">{image}</code>}
      wish={wish}
      action={(shown) => `${shown.mode === "commit" ? "Commit" : "Propose"} ${shown.steps[0]?.to ?? ""}`}
      onClose={onClose}
      options={
        <div className="space-y-3">
          <CheckField
            label="Hold it there, so that the rule brings nothing else"
            checked={hold}
            onCheck={setHold}
          />
          {hold && <Until value={until} onValue={setUntil} />}
        </div>
      }
    />
  );
}
