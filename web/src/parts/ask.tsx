// What a person asks to be written: what it will do is said before, and where it is afterwards.
import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { api, bodyOf } from "../api/client";
import { previewQuery, requestQuery, topics } from "../api/queries";
import type { Override, RequestPreview, Wish } from "../api/types";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { Diff } from "../ui/diff";
import { CheckField, TextField } from "../ui/field";
import { Notice } from "../ui/notice";
import { Prose } from "../ui/prose";
import { Skeleton } from "../ui/skeleton";
import { overrideWord } from "../words/request";
import { sentence } from "../words/sentence";
import { imageName } from "../words/shorten";
import { Loaded } from "./loaded";
import { RequestLine } from "./requests";
import { FormFault, faultOf } from "./trouble";

interface Props {
  organization: string;
  title: string;
  description?: ReactNode;
  /** What is asked for; it may change with what the person chooses in `options`. */
  wish: Wish;
  /** What the person may choose, above what it does. */
  options?: ReactNode;
  /** The field of the wish that `options` marks itself. */
  field?: string;
  /** What the button says. */
  action: (preview: RequestPreview) => string;
  /** Why it cannot be asked for yet: what was chosen is not what is shown. */
  because?: string | false;
  onClose: () => void;
}

/** Why a button waits while a field is typed in. */
export const notTaken = "What was typed is shown once the field is left";

export function AskDialog({ organization, title, description, onClose, ...form }: Props) {
  const [asked, setAsked] = useState<string>();
  return (
    <Dialog open wide onClose={onClose} title={title} description={description}>
      {asked ? (
        <Asked organization={organization} request={asked} onClose={onClose} />
      ) : (
        <AskForm organization={organization} onAsked={setAsked} {...form} />
      )}
    </Dialog>
  );
}

type FormProps = Omit<Props, "title" | "description" | "onClose"> & {
  organization: string;
  onAsked: (request: string) => void;
};

function AskForm({ organization, wish, options, field, action, because: unsettled, onAsked }: FormProps) {
  const queries = useQueryClient();
  const preview = useQuery({ ...previewQuery(organization, wish), placeholderData: keepPreviousData });
  const [reason, setReason] = useState("");
  const [despite, setDespite] = useState<Override[]>([]);
  const shown = preview.isError ? undefined : preview.data;
  const ask = useMutation({
    mutationFn: (shown: RequestPreview) =>
      bodyOf(
        api.POST("/api/v1/organizations/{organization}/requests", {
          params: { path: { organization } },
          body: { wish: goingAgainst(wish, despite), reason: reason.trim() || undefined, shown: shown.shown },
        }),
      ),
    onSuccess: async (request) => {
      onAsked(request.id);
      await queries.invalidateQueries({ queryKey: [topics.changes, organization] });
    },
    // What was shown may be old: it is read again, so that the next try is about what is.
    onError: () => queries.invalidateQueries({ queryKey: [topics.repositories, organization, "preview"] }),
  });
  const missing = shown?.gates.find((gate) => !gate.despite || !despite.includes(gate.despite));
  const unknown = shown && !preview.isPlaceholderData ? undefined : "What it would do is not known yet";
  const because = unsettled || unknown || (shown?.refusal ?? missing?.reason);
  const fault = preview.error && !(field && faultOf(preview.error, field)) ? preview.error : null;
  return (
    <form
      className="space-y-5"
      onSubmit={(event) => {
        event.preventDefault();
        if (shown && !because) ask.mutate(shown);
      }}
    >
      <FormFault error={ask.error ?? fault} />
      {options}
      {shown ? <Shown preview={shown} /> : preview.isPending && <Skeleton rows={3} />}
      <TextField
        label="Reason"
        value={reason}
        onText={setReason}
        maxLength={200}
        hint="It stands in the commit beside your name: one line, without addresses. It may be left out."
        fault={faultOf(ask.error, "reason")}
      />
      {shown && shown.gates.length > 0 && (
        <fieldset className="space-y-1.5">
          <legend className="font-semibold">Goes against</legend>
          <ul className="space-y-2">
            {shown.gates.map(({ despite: named, reason: why }) => (
              <li key={why}>
                <Prose text={sentence(why)} />
                {named && (
                  <span className="block">
                    <CheckField
                      label={`Write it despite ${overrideWord[named]}`}
                      checked={despite.includes(named)}
                      onCheck={(checked) =>
                        setDespite(checked ? [...despite, named] : despite.filter((other) => other !== named))
                      }
                    />
                  </span>
                )}
              </li>
            ))}
          </ul>
        </fieldset>
      )}
      <Button type="submit" look="primary" busy={ask.isPending} because={because ?? false}>
        {shown ? action(shown) : "Ask for it"}
      </Button>
      {shown?.refusal && <p className="text-soft">{sentence(shown.refusal)}.</p>}
    </form>
  );
}

/** Only a tag goes against something; entries of the rules say it themselves. */
function goingAgainst(wish: Wish, despite: Override[]): Wish {
  switch (wish.kind) {
    case "release":
    case "rollback":
    case "rollback-since":
    case "promote":
      return { ...wish, despite };
    case "hold":
    case "resume":
    case "freeze":
    case "thaw":
      return wish;
  }
}

/** What it does, where, and what is to be known of it. */
function Shown({ preview }: { preview: RequestPreview }) {
  return (
    <div className="space-y-3">
      <p className="text-base">
        <Prose text={sentence(preview.does)} />:
      </p>
      {preview.steps.map((step) => (
        <ul
          key={`${step.image} ${step.places[0]?.place.file} ${step.places[0]?.place.line}`}
          className="divide-y divide-line border-y border-line"
          aria-label={`Places of ${imageName(step.image)}`}
        >
          {preview.steps.length > 1 && (
            <li className="py-2 font-semibold" title={step.image}>
              {imageName(step.image)}
            </li>
          )}
          {step.places.map(({ place, tag, digest, environments }) => (
            <li key={`${place.file}/${place.object}/${place.field}`} className="py-2">
              <code className="break-all">
                {place.file}:{place.line}
              </code>{" "}
              <span className="whitespace-nowrap">
                <code className="text-soft">{build(tag, step.to === tag || !tag ? digest : null)}</code>
                <span className="text-soft"> → </span>
                <code className="font-semibold">
                  {build(step.to, step.to === tag ? step.to_digest : null)}
                </code>
              </span>
              {environments.length > 1 && (
                <span className="block text-xs text-soft">counts in {environments.join(", ")}</span>
              )}
            </li>
          ))}
        </ul>
      ))}
      {preview.rules_diff && <Diff text={preview.rules_diff} label="The lines of .heddle.yaml that change" />}
      {preview.left.length > 0 && (
        <Notice tone="wait">
          Left as it is:
          <ul className="list-disc pl-5">
            {preview.left.map((left) => (
              <li key={left}>
                <Prose text={left} />
              </li>
            ))}
          </ul>
        </Notice>
      )}
      {preview.passed_over && (
        <Notice tone="wait">
          The rule passes <code>{preview.passed_over.tag}</code> over:{" "}
          <Prose text={preview.passed_over.reason} />
        </Notice>
      )}
      {preview.afterwards && (
        <Notice tone="grey">
          Afterwards the rule brings <code>{preview.afterwards}</code>, unless a hold is written with it.
        </Notice>
      )}
      {preview.notes.map((note) => (
        <p key={note} className="text-soft">
          <Prose text={sentence(note)} />.
        </p>
      ))}
    </div>
  );
}

/** A tag; with its digest where that is what is new. */
function build(tag: string | null | undefined, digest: string | null | undefined): string {
  return [tag, digest?.slice(0, 19)].filter(Boolean).join("@") || "no tag";
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
