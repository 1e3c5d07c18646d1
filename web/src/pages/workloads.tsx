import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useEffect } from "react";
import { clusterQuery, workloadsQuery } from "../api/queries";
import type { Workload } from "../api/types";
import { Loaded } from "../parts/loaded";
import { More } from "../parts/more";
import { useEnvironment, useOrganization } from "../parts/session";
import { VerdictsDialog } from "../parts/verdicts";
import { WorkloadTable } from "../parts/workload-table";
import { buttonClass } from "../ui/button";
import { Empty } from "../ui/empty";
import { PageHead } from "../ui/page-head";
import { count } from "../words/count";

export function WorkloadsPage() {
  const { id } = useOrganization();
  const environment = useEnvironment();
  const { q, why, in: within, cluster } = useSearch({ from: "/app/inside/workloads" });
  const navigate = useNavigate({ from: "/workloads" });
  const workloads = useInfiniteQuery(workloadsQuery(id, { environment, cluster }));
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = workloads;

  // A name may stand on any page, so the rest is read before it is said to be missing.
  useEffect(() => {
    if (q && hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [q, hasNextPage, isFetchingNextPage, fetchNextPage]);

  return (
    <div className="page">
      <PageHead title="Workloads">What runs, what could run, and why it does not.</PageHead>
      {cluster && <OnlyCluster organization={id} cluster={cluster} />}
      <label className="mb-4 block max-w-sm">
        <span className="sr-only">Filter by name, namespace or image</span>
        <input
          type="search"
          value={q ?? ""}
          placeholder="Name, namespace or image"
          className="h-9 w-full rounded border border-field bg-surface px-3"
          onChange={(event) => {
            const text = event.target.value;
            void navigate({ search: (search) => ({ ...search, q: text || undefined }), replace: true });
          }}
        />
      </label>
      <Loaded query={workloads}>
        {({ pages }) => {
          const items = pages.flatMap((page) => page.items);
          const shown = q ? items.filter((one) => matches(one, q)) : items;
          return (
            <>
              <p className="mb-2 text-xs text-soft" role="status">
                {q
                  ? `${shown.length} of ${pages[0]?.total ?? 0} workloads`
                  : count(pages[0]?.total ?? 0, "workload")}
              </p>
              {items.length === 0 ? (
                <NoWorkloads environment={environment} />
              ) : shown.length === 0 ? (
                <Empty title="None is called so">No workload, namespace or image holds “{q}”.</Empty>
              ) : (
                <WorkloadTable workloads={shown} />
              )}
              <More query={workloads} what="workloads" />
            </>
          );
        }}
      </Loaded>
      {why && within && (
        <VerdictsDialog
          organization={id}
          image={why}
          environment={within}
          onClose={() =>
            void navigate({ search: (search) => ({ ...search, why: undefined, in: undefined }) })
          }
        />
      )}
    </div>
  );
}

function OnlyCluster({ organization, cluster }: { organization: string; cluster: string }) {
  const { data } = useQuery(clusterQuery(organization, cluster));
  return (
    <p className="mb-4">
      Only those in <b className="font-semibold">{data?.name ?? "one cluster"}</b>.{" "}
      <Link to="/workloads" search={(search) => ({ ...search, cluster: undefined })} className="link">
        Show all
      </Link>
    </p>
  );
}

function NoWorkloads({ environment }: { environment: string | undefined }) {
  return environment ? (
    <Empty title={`No workload in ${environment}`}>
      Choose another environment at the top, or all of them.
    </Empty>
  ) : (
    <Empty
      title="No workload was seen yet"
      action={
        <Link to="/clusters" className={buttonClass("primary")}>
          Add a cluster
        </Link>
      }
    >
      Each workload that a cluster's agent applies from Git stands here, with what runs, what Git says, and
      the newest tag that its policy allows.
    </Empty>
  );
}

function matches(workload: Workload, text: string): boolean {
  const where = [
    `${workload.namespace}/${workload.name}`,
    workload.kind,
    workload.cluster_name,
    workload.environment ?? "",
    ...workload.images.map((image) => image.running.image),
  ]
    .join(" ")
    .toLowerCase();
  return text
    .toLowerCase()
    .split(/\s+/)
    .every((word) => where.includes(word));
}
