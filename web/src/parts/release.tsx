// A tag that a person asks for: what it will do is said before, and where it is afterwards.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, bodyOf } from "../api/client";
import { releaseQuery, requestQuery, topics } from "../api/queries";
import type { Override, ReleasePreview } from "../api/types";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { CheckField, TextField } from "../ui/field";
import { Notice } from "../ui/notice";
import { Prose } from "../ui/prose";
import { overrideWord } from "../words/request";
import { sentence } from "../words/sentence";
import { imageName } from "../words/shorten";
import { Loaded } from "./loaded";
import { RequestLine } from "./requests";
import { useOrganization, useRefusal } from "./session";
import { FormFault, faultOf } from "./trouble";

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
  const preview = useQuery(releaseQuery(organization, release));
  const [asked, setAsked] = useState<string>();
  return (
    <Dialog
      open
      wide
      onClose={onClose}
      title={`Release ${imageName(release.image)} in ${release.environment}`}
      description={<code className="break-all">{release.image}</code>}
    >
      {asked ? (
        <Asked organization={organization} request={asked} onClose={onClose} />
      ) : (
        <Loaded query={preview}>
          {(shown) => (
            <ReleaseForm
              organization={organization}
              preview={shown}
              byPullRequest={release.byPullRequest ?? false}
              onAsked={setAsked}
            />
          )}
        </Loaded>
      )}
    </Dialog>
  );
}

interface FormProps {
  organization: string;
  preview: ReleasePreview;
  byPullRequest: boolean;
  onAsked: (request: string) => void;
}

function ReleaseForm({ organization, preview, byPullRequest, onAsked }: FormProps) {
  const queries = useQueryClient();
  const [reason, setReason] = useState("");
  const [despite, setDespite] = useState<Override[]>([]);
  const ask = useMutation({
    mutationFn: () =>
      bodyOf(
        api.POST("/api/v1/organizations/{organization}/requests", {
          params: { path: { organization } },
          body: {
            wish: {
              kind: "release",
              repository: preview.repository,
              environment: preview.environment,
              image: preview.image,
              tag: preview.to,
              by_pull_request: byPullRequest,
              despite,
            },
            reason: reason.trim() || undefined,
            shown: preview.shown,
          },
        }),
      ),
    onSuccess: async (request) => {
      onAsked(request.id);
      await queries.invalidateQueries({ queryKey: [topics.changes, organization] });
    },
    // What was shown may be old: it is read again, so that the next try is about what is.
    onError: () => queries.invalidateQueries({ queryKey: [topics.repositories, organization, "release"] }),
  });
  return (
    <form
      className="space-y-5"
      onSubmit={(event) => {
        event.preventDefault();
        if (!preview.refusal) ask.mutate();
      }}
    >
      <FormFault error={ask.error} />
      <Shown preview={preview} />
      <TextField
        label="Reason"
        value={reason}
        onText={setReason}
        maxLength={200}
        hint="It stands in the commit beside your name: one line, without addresses. It may be left out."
        fault={faultOf(ask.error, "reason")}
      />
      <fieldset className="space-y-1.5">
        <legend className="font-semibold">Goes against</legend>
        <p className="text-xs text-soft">
          Policy does not stop a person. What else stands in its way must be named, else nothing is written.
        </p>
        <div className="flex flex-wrap gap-x-6 gap-y-1">
          {overrides.map((one) => (
            <CheckField
              key={one}
              label={overrideWord[one]}
              checked={despite.includes(one)}
              onCheck={(checked) =>
                setDespite(checked ? [...despite, one] : despite.filter((other) => other !== one))
              }
            />
          ))}
        </div>
      </fieldset>
      <Button type="submit" look="primary" busy={ask.isPending} because={preview.refusal ?? false}>
        {preview.mode === "commit" ? "Commit" : "Propose"} {preview.to}
      </Button>
      {preview.refusal && <p className="text-soft">{sentence(preview.refusal)}.</p>}
    </form>
  );
}

const overrides: Override[] = ["hold", "freeze", "schedule"];

/** What it does, where, and what the rule says of it. */
function Shown({ preview }: { preview: ReleasePreview }) {
  return (
    <div className="space-y-3">
      <p className="text-base">
        <Prose text={sentence(preview.does)} />:
      </p>
      <ul className="divide-y divide-line border-y border-line" aria-label="Places">
        {preview.places.map(({ place, tag, digest, environments }) => (
          <li key={`${place.file}/${place.object}/${place.field}`} className="py-2">
            <code className="break-all">
              {place.file}:{place.line}
            </code>{" "}
            <span className="whitespace-nowrap">
              <code className="text-soft">{tag ?? digest?.slice(0, 19) ?? "no tag"}</code>
              <span className="text-soft"> → </span>
              <code className="font-semibold">{preview.to}</code>
            </span>
            {environments.length > 1 && (
              <span className="block text-xs text-soft">counts in {environments.join(", ")}</span>
            )}
          </li>
        ))}
      </ul>
      {preview.passed_over && (
        <Notice tone="wait">
          The rule passes <code>{preview.passed_over.tag}</code> over:{" "}
          <Prose text={preview.passed_over.reason} />
        </Notice>
      )}
      {preview.unknown && (
        <Notice tone="wait">
          <Prose text={sentence(preview.unknown)} />.
        </Notice>
      )}
      {preview.afterwards && (
        <Notice tone="grey">
          Afterwards the rule brings <code>{preview.afterwards}</code>. To keep <code>{preview.to}</code>,
          write a hold into <code>.heddle.yaml</code>.
        </Notice>
      )}
    </div>
  );
}

function Asked({
  organization,
  request,
  onClose,
}: {
  organization: string;
  request: string;
  onClose: () => void;
}) {
  const query = useQuery(requestQuery(organization, request));
  return (
    <div className="space-y-5">
      <Loaded query={query}>{(seen) => <RequestLine request={seen} />}</Loaded>
      <Button onClick={onClose}>Done</Button>
    </div>
  );
}
