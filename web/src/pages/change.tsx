import { useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { changeQuery } from "../api/queries";
import type { Change, ChangeDetail, Knot } from "../api/types";
import { useFoundChange } from "../parts/found-change";
import { Loaded } from "../parts/loaded";
import { EnvironmentChip, ProposalLink, Tags } from "../parts/names";
import { Rollback } from "../parts/rollback";
import { Rollouts } from "../parts/rollouts";
import { useOrganization } from "../parts/session";
import { ThreadTall } from "../parts/thread";
import { Badge } from "../ui/badge";
import { buttonClass } from "../ui/button";
import { Diff } from "../ui/diff";
import { Notice } from "../ui/notice";
import { PageHead } from "../ui/page-head";
import { Part } from "../ui/part";
import { Prose } from "../ui/prose";
import { Time } from "../ui/time";
import { sentence } from "../words/sentence";
import { imageName } from "../words/shorten";
import { frontier, goal, lineWord, modeWord } from "../words/state";

export function ChangePage() {
  const { id } = useOrganization();
  const { change } = useParams({ from: "/app/inside/changes/$change" });
  const detail = useQuery(changeQuery(id, change));
  useFoundChange(change, detail.error);
  return (
    <div className="page">
      <Loaded query={detail}>{(data) => <Detail detail={data} />}</Loaded>
    </div>
  );
}

function Detail({ detail }: { detail: ChangeDetail }) {
  const { change } = detail;
  const { word, tone } = lineWord(change.line);
  return (
    <>
      <PageHead
        title={`${imageName(change.image)} ${change.to} in ${change.environment}`}
        action={<Move change={change} />}
      >
        <span className="flex flex-wrap items-center gap-x-4 gap-y-1 text-sm">
          <Badge tone={tone} className="font-semibold">
            {word}
            {change.line.ended_at && (
              <span className="font-normal">
                <Time at={change.line.ended_at} />
              </span>
            )}
          </Badge>
          <code title="image">{change.image}</code>
          <Tags from={change.from} to={goal(change)} />
          <EnvironmentChip name={change.environment} />
        </span>
      </PageHead>
      <div className="grid gap-x-12 gap-y-10 md:grid-cols-[minmax(0,340px)_minmax(0,1fr)]">
        <section aria-label="Line">
          <ThreadTall change={change} beside={(knot) => <Beside change={change} knot={knot} />} />
        </section>
        <div className="min-w-0">
          <Ended change={change} />
          <Part title="Why this tag">
            <p className="max-w-prose text-base text-pretty">
              <Prose text={sentence(detail.why)} />
            </p>
            <p className="mt-1 text-soft">
              {modeWord[change.mode]}: <code>{change.repository}</code>, branch <code>{change.branch}</code>.
            </p>
          </Part>
          <Part title="What changes">
            <ul className="mb-3 space-y-1">
              {detail.places.map((place) => (
                <li key={`${place.file}:${place.line}`} className="break-words">
                  <code>
                    {place.file}:{place.line}
                  </code>{" "}
                  <span className="text-soft">
                    {place.object}, <code>{place.field}</code>
                  </span>
                </li>
              ))}
            </ul>
            {detail.diff && <Diff text={detail.diff} label="The lines that change" />}
          </Part>
          <Part title="In each cluster">
            <Rollouts change={change} rollouts={detail.rollouts} />
          </Part>
          <TakeBack change={change} />
        </div>
      </div>
    </>
  );
}

/** The one thing to do next, where a person can do it. */
function Move({ change }: { change: Change }) {
  const { proposal, line } = change;
  if (proposal?.kind !== "pull-request") return null;
  const waits = !line.end && frontier(line).index === 2;
  return (
    <a
      href={proposal.url}
      target="_blank"
      rel="noreferrer"
      className={buttonClass(waits ? "primary" : "plain")}
    >
      {waits ? `Review and merge #${proposal.number}` : `Open #${proposal.number}`}
    </a>
  );
}

function Beside({ change, knot }: { change: Change; knot: Knot }) {
  if (knot.station === "proposed" && change.proposal) {
    return (
      <p>
        {change.proposal.kind === "commit" ? "Commit " : "Pull request "}
        <ProposalLink proposal={change.proposal} />
      </p>
    );
  }
  if (knot.station === "pushed") {
    return (
      <p className="truncate text-soft">
        <code>
          {imageName(change.image)}:{change.to}
        </code>
      </p>
    );
  }
  return null;
}

const endMeaning: Partial<Record<NonNullable<Change["line"]["end"]>, string>> = {
  superseded: "A newer tag took its place before it was healthy.",
  declined:
    "A person closed the pull request or merged another value. Heddle proposes nothing at or below this tag here until something newer comes.",
  reverted:
    "A person took it back in Git. Heddle proposes nothing at or below this tag here until something newer comes.",
  retired: "Its place, environment or repository is gone.",
  "no-cluster": "It is merged, and no cluster follows this place. Add one that does, or leave it so.",
};

function Ended({ change }: { change: Change }) {
  const meaning = change.line.end && endMeaning[change.line.end];
  return meaning ? (
    <div className="mb-8">
      <Notice tone="grey">{meaning}</Notice>
    </div>
  ) : null;
}

/** Undo is a request like any other, or a revert in Git. */
function TakeBack({ change }: { change: Change }) {
  const { id } = useOrganization();
  const merged = change.line.knots.some((knot) => knot.station === "merged" && knot.state === "done");
  const { proposal } = change;
  if (!merged || !proposal || (change.line.end && change.line.end !== "healthy")) return null;
  return (
    <Part title="Take it back">
      <p className="mb-3 max-w-prose text-base text-pretty text-soft">
        Only its own places go back to what stood there before, also where its commit carried others.{" "}
        {proposal.kind === "pull-request" ? (
          <>
            To take back all of <ProposalLink proposal={proposal} />, press{" "}
            <b className="font-semibold">Revert</b> there, and merge what it opens.
          </>
        ) : (
          <>
            To take back all of the commit, run <code>git revert {proposal.revision.slice(0, 12)}</code> in{" "}
            <code>{change.repository}</code> and push.
          </>
        )}{" "}
        Either way Heddle does not propose {change.to} here again; a newer tag it does.
      </p>
      <Rollback organization={id} change={change} />
    </Part>
  );
}
