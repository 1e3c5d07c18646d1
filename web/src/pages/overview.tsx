import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { changesQuery, onboardingQuery, statusQuery } from "../api/queries";
import type { Change, ChangePage, Status } from "../api/types";
import { ChangeRows } from "../parts/change-row";
import { ChangeTable } from "../parts/change-table";
import { Promote, RollbackSince } from "../parts/environment-actions";
import { ExampleThread } from "../parts/example-rows";
import { Freeze } from "../parts/freeze";
import { KeptBack } from "../parts/hold";
import { Loaded } from "../parts/loaded";
import { More } from "../parts/more";
import { BigNumber, Heartbeat, Numbers, Troubles } from "../parts/platform";
import { Requests } from "../parts/requests";
import { useEnvironment, useOrganization } from "../parts/session";
import { Undecided } from "../parts/undecided";
import { buttonClass } from "../ui/button";
import { Empty } from "../ui/empty";
import { Notice } from "../ui/notice";
import { PageHead } from "../ui/page-head";
import { Skeleton } from "../ui/skeleton";
import { frontier, isStuck } from "../words/state";

const movingShown = 100;
const endedShown = 8;

export function OverviewPage() {
  const { id } = useOrganization();
  const environment = useEnvironment();
  const moving = useInfiniteQuery(changesQuery(id, { state: "in-flight", environment, limit: movingShown }));
  const status = useQuery(statusQuery(id));
  return (
    <div className="page">
      <PageHead
        title="Overview"
        action={
          <div className="flex flex-wrap gap-2">
            <Promote organization={id} environment={environment} />
            <RollbackSince organization={id} environment={environment} />
            <Freeze organization={id} environment={environment} />
          </div>
        }
      >
        {moving.data && <Answer pages={moving.data.pages} />}
      </PageHead>
      <Loaded query={moving} skeleton={<Skeleton rows={4} tall />}>
        {({ pages }) => (
          <>
            <Counts counts={pages[0]?.counts} status={status.data} />
            <div className="mb-8 space-y-2">
              <SetUp organization={id} />
              {status.data && <Troubles organization={id} status={status.data} />}
              <Undecided organization={id} />
            </div>
            <Requests organization={id} />
            <KeptBack organization={id} />
            <InFlight changes={pages.flatMap((page) => page.items)} />
            <More query={moving} what="changes" />
          </>
        )}
      </Loaded>
      <LatelyEnded organization={id} environment={environment} />
    </div>
  );
}

function Counts({
  counts,
  status,
}: {
  counts: ChangePage["counts"] | undefined;
  status: Status | undefined;
}) {
  return (
    <Numbers>
      <BigNumber label="In flight" value={counts?.in_flight ?? 0} note="not yet healthy" />
      <BigNumber
        label="Stuck, waiting"
        value={counts?.stuck ?? 0}
        tone={counts?.stuck ? "wait" : undefined}
        note={counts?.stuck ? "someone can move them" : "nothing needs you"}
      />
      <BigNumber label="Healthy" value={counts?.healthy_today ?? 0} note="in the last 24 hours" />
      {status && (
        <>
          <BigNumber
            label="Clusters"
            value={`${status.clusters_connected} of ${status.clusters}`}
            note="connected"
          />
          <Heartbeat status={status} />
        </>
      )}
    </Numbers>
  );
}

function InFlight({ changes }: { changes: Change[] }) {
  return (
    <section aria-labelledby="in-flight">
      <h2 id="in-flight" className="text-base font-semibold">
        In flight
      </h2>
      {changes.length > 0 ? (
        <ChangeRows changes={changes.toSorted(byUrgency)} />
      ) : (
        <Empty title="Nothing is on its way" picture={<ExampleThread />}>
          When a new image is pushed that a policy allows, its thread stands here, from the push to healthy.
        </Empty>
      )}
    </section>
  );
}

function LatelyEnded({
  organization,
  environment,
}: {
  organization: string;
  environment: string | undefined;
}) {
  const ended = useInfiniteQuery(
    changesQuery(organization, { state: "ended", environment, limit: endedShown }),
  );
  const changes = ended.data?.pages[0]?.items ?? [];
  if (changes.length === 0) return null;
  return (
    <section aria-labelledby="ended" className="mt-10">
      <div className="mb-1 flex items-baseline justify-between gap-4">
        <h2 id="ended" className="text-base font-semibold">
          Lately ended
        </h2>
        <Link to="/changes" search={{ show: "all" }} className="link">
          All changes
        </Link>
      </div>
      <ChangeTable changes={changes} caption="Changes that ended lately" />
    </section>
  );
}

/** "Is anything stuck?", answered in one sentence. */
function Answer({ pages }: { pages: ChangePage[] }) {
  const moving = pages.flatMap((page) => page.items).filter((change) => !change.line.end);
  const failed = moving.filter((change) => frontier(change.line).state === "failed").length;
  const stuck = pages[0]?.counts.stuck ?? 0;
  if (stuck === 0) return moving.length === 0 ? "Nothing is on its way." : "Nothing is stuck.";
  const parts = [
    failed > 0 && `${failed} ${failed === 1 ? "is" : "are"} stuck on a fault`,
    stuck > failed && `${stuck - failed} ${stuck - failed === 1 ? "waits" : "wait"} for someone`,
  ].filter(Boolean);
  return `${parts.join(", ")}.`;
}

/** What is stuck on a fault comes first, then what waits for someone, then what moves. */
function byUrgency(a: Change, b: Change): number {
  return urgency(a) - urgency(b) || b.created_at.localeCompare(a.created_at);
}

function urgency({ line }: Change): number {
  if (!isStuck(line)) return 2;
  return frontier(line).state === "failed" ? 0 : 1;
}

function SetUp({ organization }: { organization: string }) {
  const { data } = useQuery(onboardingQuery(organization));
  const done = data?.steps.filter((step) => step.done).length ?? 0;
  const next = data?.steps.find((step) => !step.done);
  if (!data || !next) return null;
  return (
    <Notice
      tone="move"
      action={
        <Link to="/onboarding" className={buttonClass("plain", true)}>
          Go on
        </Link>
      }
    >
      <b className="font-semibold">
        {done} of {data.steps.length} steps are done.
      </b>{" "}
      Next: {next.message}
    </Notice>
  );
}
