// Names as they stand in lists: what differs is kept, what is long is shortened, the whole is one hover away.
import { Link } from "@tanstack/react-router";
import { ExternalLink } from "lucide-react";
import type { Change, Proposal } from "../api/types";
import { CopyButton } from "../ui/copy";
import { imageName, shortRevision } from "../words/shorten";
import { proposalWord } from "../words/state";

export function EnvironmentChip({ name }: { name: string }) {
  return (
    <span className="inline-flex max-w-40 items-center rounded-sm border border-line px-1.5 text-xs leading-5 text-soft">
      <span className="truncate">{name}</span>
    </span>
  );
}

/** `1.4.1 → 1.4.2`, with words for who cannot see the arrow. */
export function Tags({ from, to }: { from?: string | null; to: string }) {
  return (
    <code className="break-words">
      {from && (
        <>
          <span className="text-soft">{from}</span>
          <span className="text-soft" aria-hidden>
            {" → "}
          </span>
          <span className="sr-only"> to </span>
        </>
      )}
      {to}
    </code>
  );
}

export function Revision({ id, copy }: { id: string; copy?: boolean }) {
  return (
    <span className="inline-flex items-center gap-1">
      <code title={id}>{shortRevision(id)}</code>
      {copy && <CopyButton text={id} label={`Copy revision ${id}`} />}
    </span>
  );
}

export function ProposalLink({ proposal }: { proposal: Proposal }) {
  const word = proposalWord(proposal);
  if (!proposal.url) return <code>{word}</code>;
  return (
    <a href={proposal.url} target="_blank" rel="noreferrer" className="link inline-flex items-center gap-1">
      {proposal.kind === "commit" ? <code>{word}</code> : word}
      <ExternalLink size={12} aria-hidden />
      <span className="sr-only"> at GitHub</span>
    </a>
  );
}

/** The image's name and where it goes, as a link to the change. The link takes the whole row where `stretch` is set. */
export function ChangeLink({ change, stretch }: { change: Change; stretch?: boolean }) {
  return (
    <Link
      to="/changes/$change"
      params={{ change: change.id }}
      title={change.image}
      className={
        stretch
          ? "font-semibold after:absolute after:inset-0 hover:underline hover:underline-offset-3"
          : "font-semibold hover:underline hover:underline-offset-3"
      }
    >
      {imageName(change.image)}
      <span className="sr-only">
        {" "}
        to {change.to} in {change.environment}
      </span>
    </Link>
  );
}
