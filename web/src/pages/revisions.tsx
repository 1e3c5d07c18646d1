import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useParams } from "@tanstack/react-router";
import { type FormEvent, useEffect, useState } from "react";
import { api, bodyOf } from "../api/client";
import { revisionQuery, topics } from "../api/queries";
import type { Commit, UnplacedCommit, Where } from "../api/types";
import { Loaded } from "../parts/loaded";
import { EnvironmentChip, Revision } from "../parts/names";
import { RevisionSyncs } from "../parts/revision-syncs";
import { RevisionThread } from "../parts/revision-thread";
import { useOrganization } from "../parts/session";
import { Trouble } from "../parts/trouble";
import { Badge } from "../ui/badge";
import { Button } from "../ui/button";
import { Empty } from "../ui/empty";
import { TextField } from "../ui/field";
import { Notice } from "../ui/notice";
import { PageHead } from "../ui/page-head";
import { Prose } from "../ui/prose";
import { Time } from "../ui/time";
import { isBeginning, pullWord, revisionWord } from "../words/revision";
import { sentence } from "../words/sentence";

/** The way in: which commit? */
export function RevisionsPage() {
  return (
    <div className="page">
      <PageHead title="Where is my commit?">
        Any commit of a connected repository: of a branch, of a pull request that was merged or squashed, of
        one that is open.
      </PageHead>
      <Ask />
    </div>
  );
}

/** One commit, or all that begin alike; its address can be passed on. */
export function RevisionPage() {
  const { id } = useOrganization();
  const { revision } = useParams({ from: "/app/inside/revisions/$revision" });
  const found = useQuery(revisionQuery(id, revision));
  return (
    <div className="page">
      <PageHead title={`Where is ${revision.slice(0, 12)}?`} />
      <Ask key={revision} start={revision} />
      <div className="mt-8">
        <Loaded query={found}>{(where) => <Answer revision={revision} where={where} />}</Loaded>
      </div>
    </div>
  );
}

function Ask({ start = "" }: { start?: string }) {
  const [typed, setTyped] = useState(start);
  const [fault, setFault] = useState<string>();
  const navigate = useNavigate();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const revision = typed.trim().toLowerCase();
    if (!isBeginning(revision)) {
      setFault("Write a commit's id, or at least its first seven digits");
      return;
    }
    setFault(undefined);
    void navigate({ to: "/revisions/$revision", params: { revision } });
  };
  return (
    <form onSubmit={submit} className="flex max-w-2xl flex-wrap items-end gap-3">
      <div className="min-w-60 flex-1">
        <TextField
          label="Commit"
          value={typed}
          onText={setTyped}
          fault={fault}
          spellCheck={false}
          autoCapitalize="none"
          placeholder="4b825dc"
          className="font-mono"
        />
      </div>
      <Button type="submit" look="primary">
        Find it
      </Button>
    </form>
  );
}

function Answer({ revision, where }: { revision: string; where: Where }) {
  const { id } = useOrganization();
  const queries = useQueryClient();
  const look = useMutation({
    mutationFn: () =>
      bodyOf(
        api.POST("/api/v1/organizations/{organization}/revisions/{revision}/looks", {
          params: { path: { organization: id, revision } },
          body: {},
        }),
      ),
    onSuccess: () => queries.invalidateQueries({ queryKey: [topics.repositories, id, "revision", revision] }),
  });
  const { mutate, isIdle } = look;
  // What nobody has looked for yet is looked for at once; what was looked for, when somebody asks again.
  const isKnown = where.found.length > 0 || where.unplaced.length > 0;
  const isLooking = where.looking.length > 0;
  const isNew = !isKnown && !isLooking && where.unasked.length > 0;
  const isMerged = where.found.some((one) => one.branch);
  const lacksPull = isMerged && !where.found.some((one) => one.branch && one.pull_request_known);
  const lacksPlace = !isMerged && where.unplaced.some((one) => one.repository);
  const isWanted = isNew || ((lacksPull || lacksPlace) && !isLooking);
  useEffect(() => {
    if (isWanted && isIdle) mutate();
  }, [isWanted, isIdle, mutate]);
  return (
    <>
      {where.found.map((one) => (
        <CommitPart key={`${one.repository}/${one.branch ?? ""}/${one.revision}`} commit={one} />
      ))}
      {where.unplaced.map((one) => (
        <UnplacedPart key={`${one.repository_url}/${one.branch}/${one.revision}`} commit={one} />
      ))}
      {isLooking && (
        <Notice tone="wait">
          <span role="status">It is being looked for in {where.looking.join(", ")}.</span>
        </Notice>
      )}
      {look.error && <Trouble error={look.error} />}
      {isNew && !isIdle && (
        <Notice tone="wait">
          <span role="status">It could not be looked for in {where.unasked.join(", ")}.</span>
        </Notice>
      )}
      {!isKnown && !isLooking && !isNew && (
        <Empty title="No such commit">
          {where.absent.length > 0
            ? `No commit of ${where.absent.join(", ")} begins so, or several do. Was it pushed?`
            : "No repository is connected in which it could be looked for."}
        </Empty>
      )}
      {!isMerged && !isLooking && (!isNew || !isIdle) && (
        <div className="mt-6">
          <Button onClick={() => mutate()}>Look again</Button>
        </div>
      )}
    </>
  );
}

/** What runs, or ran, and no read has met: of another host, or on no branch any more. */
function UnplacedPart({ commit }: { commit: UnplacedCommit }) {
  return (
    <section aria-label={`${commit.revision.slice(0, 7)} in ${commit.repository_url}`} className="mb-10">
      <h2 className="text-lg font-semibold break-words">
        <Revision id={commit.revision} /> of {commit.repository_url}, branch {commit.branch}
      </h2>
      <p className="mt-1 mb-4 max-w-prose text-soft">
        <Prose text={sentence(commit.note)} />
      </p>
      <RevisionSyncs syncs={commit.syncs} chip={(name) => <EnvironmentChip name={name} />} />
    </section>
  );
}

function CommitPart({ commit }: { commit: Commit }) {
  const { word, tone } = revisionWord(commit.line);
  const { reason, since } = commit.line;
  return (
    <section aria-label={`${commit.revision.slice(0, 7)} in ${commit.repository}`} className="mb-10">
      <h2 className="text-lg font-semibold break-words">{commit.subject ?? "A commit that no read met"}</h2>
      <p className="mt-1 mb-4 flex flex-wrap items-center gap-x-4 gap-y-1 text-sm text-soft">
        <Badge tone={tone} className="font-semibold">
          {word}
        </Badge>
        <a href={commit.url} target="_blank" rel="noreferrer" className="link">
          <Revision id={commit.revision} />
        </a>
        <span>
          {commit.repository}
          {commit.branch && `, branch ${commit.branch}`}
        </span>
        {commit.author && <span>by {commit.author}</span>}
        {commit.pull_request && (
          <a href={commit.pull_request.url} target="_blank" rel="noreferrer" className="link">
            {pullWord(commit.pull_request)}
          </a>
        )}
        {commit.branch && !commit.pull_request_known && !commit.pull_request && (
          <span>by which pull request it came, if by one, is not known yet</span>
        )}
        {commit.carried_by && (
          <span>
            carried by <Revision id={commit.carried_by} />
          </span>
        )}
      </p>
      <RevisionThread line={commit.line} />
      {reason && !commit.line.end && (
        <div className="mt-4 max-w-prose">
          <Notice tone={tone === "bad" ? "bad" : "wait"}>
            <Prose text={sentence(reason)} />
            {since && (
              <span className="whitespace-nowrap text-soft">
                {" "}
                since <Time at={since} as="clock" />
              </span>
            )}
          </Notice>
        </div>
      )}
      {commit.note && commit.note !== reason && (
        <p className="mt-3 max-w-prose text-soft">
          <Prose text={sentence(commit.note)} />
        </p>
      )}
      {commit.syncs.length > 0 && (
        <div className="mt-6">
          <RevisionSyncs syncs={commit.syncs} chip={(name) => <EnvironmentChip name={name} />} />
        </div>
      )}
    </section>
  );
}
