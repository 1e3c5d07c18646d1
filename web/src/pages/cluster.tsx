import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { clusterQuery } from "../api/queries";
import type { Cluster } from "../api/types";
import { ClusterKeys } from "../parts/cluster-keys";
import { DeleteCluster } from "../parts/delete-cluster";
import { LinkState } from "../parts/link-state";
import { Loaded } from "../parts/loaded";
import { NewManifest } from "../parts/new-manifest";
import { useOrganization } from "../parts/session";
import { SyncPanel } from "../parts/sync-panel";
import { buttonClass } from "../ui/button";
import { Notice } from "../ui/notice";
import { PageHead } from "../ui/page-head";
import { Time } from "../ui/time";
import { count } from "../words/count";
import { syncName } from "../words/shorten";

export function ClusterPage() {
  const { id } = useOrganization();
  const { cluster } = useParams({ from: "/app/inside/clusters/$cluster" });
  const query = useQuery(clusterQuery(id, cluster));
  return (
    <div className="page">
      <Loaded query={query}>{(data) => <Detail organization={id} cluster={data} />}</Loaded>
    </div>
  );
}

function Detail({ organization, cluster }: { organization: string; cluster: Cluster }) {
  const { agent } = cluster;
  return (
    <>
      <PageHead
        title={cluster.name}
        action={
          <Link to="/workloads" search={{ cluster: cluster.id }} className={buttonClass()}>
            {count(cluster.workloads, "workload")}
          </Link>
        }
      >
        <span className="flex flex-wrap items-center gap-x-4 gap-y-1 text-sm">
          <LinkState link={cluster.link} seen={cluster.last_seen_at} />
          {agent && (
            <>
              <span>
                agent <code className="text-ink">{agent.version}</code>
              </span>
              <span>
                Kubernetes <code className="text-ink">{agent.kubernetes_version}</code>
              </span>
              <span>
                up for <Time at={agent.started_at} as="age" />
              </span>
            </>
          )}
        </span>
      </PageHead>
      <LinkNotice cluster={cluster} />
      <NewManifest
        organization={organization}
        cluster={cluster}
        offered={cluster.link === "never-connected" || cluster.link === "revoked"}
      />
      <div className="space-y-10">
        {cluster.syncs.map((sync) => (
          <SyncPanel key={syncName(sync.sync)} sync={sync} stale={cluster.link !== "connected"} />
        ))}
        {cluster.syncs.length === 0 && cluster.link === "connected" && (
          <p className="text-base text-soft">The agent is here and has reported no Sync yet.</p>
        )}
        <ClusterKeys organization={organization} cluster={cluster} />
        <DeleteCluster organization={organization} cluster={cluster} />
      </div>
    </>
  );
}

/** What it means that the agent is not there. */
function LinkNotice({ cluster }: { cluster: Cluster }) {
  const seen = cluster.last_seen_at;
  const words = {
    connected: null,
    late: "The agent is late. What follows is its last word; what runs keeps running.",
    offline:
      "The agent is away. What follows is its last word. What runs keeps running, and the agent goes on following Git if it only lost the way to Heddle.",
    "never-connected": "The agent was never heard of. Apply the manifest you were given, or make a new one.",
    revoked: "Its key is revoked, so the agent is not listened to any more. What runs keeps running.",
  }[cluster.link];
  if (!words) return null;
  return (
    <div className="mb-4">
      <Notice tone={cluster.link === "late" ? "wait" : "grey"}>
        {seen && (
          <>
            As of <Time at={seen} as="clock" />, <Time at={seen} />.{" "}
          </>
        )}
        {words}
      </Notice>
    </div>
  );
}
