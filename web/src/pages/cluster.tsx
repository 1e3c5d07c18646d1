import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { clusterQuery } from "../api/queries";
import type { Cluster, FaultySyncView } from "../api/types";
import { ClusterKeys } from "../parts/cluster-keys";
import { DeleteCluster } from "../parts/delete-cluster";
import { LinkState } from "../parts/link-state";
import { Loaded } from "../parts/loaded";
import { NewManifest } from "../parts/new-manifest";
import { useOrganization } from "../parts/session";
import { SyncPanel } from "../parts/sync-panel";
import { Badge } from "../ui/badge";
import { buttonClass } from "../ui/button";
import { Notice } from "../ui/notice";
import { PageHead } from "../ui/page-head";
import { Prose } from "../ui/prose";
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
  const faulty = cluster.faulty_syncs ?? [];
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
      <RejectedNotice cluster={cluster} />
      <NewManifest
        organization={organization}
        cluster={cluster}
        offered={cluster.link === "never-connected" || cluster.link === "revoked"}
      />
      <div className="space-y-10">
        {faulty.map((one) => (
          <FaultySync key={syncName(one.sync)} faulty={one} />
        ))}
        {cluster.syncs.map((sync) => (
          <SyncPanel key={syncName(sync.sync)} sync={sync} stale={cluster.link !== "connected"} />
        ))}
        {cluster.syncs.length === 0 && faulty.length === 0 && cluster.link === "connected" && (
          <p className="text-base text-soft">The agent is here and has reported no Sync yet.</p>
        )}
        <ClusterKeys organization={organization} cluster={cluster} />
        <DeleteCluster organization={organization} cluster={cluster} />
      </div>
    </>
  );
}

/** A Sync whose spec cannot be read. */
function FaultySync({ faulty }: { faulty: FaultySyncView }) {
  return (
    <section aria-label={`Faulty Sync ${syncName(faulty.sync)}`} className="space-y-3">
      <div className="flex flex-wrap items-baseline gap-x-4 gap-y-1 border-b border-line pb-2">
        <h2 className="text-lg font-semibold">{faulty.sync.name}</h2>
        <Badge tone="bad">Faulty spec</Badge>
        <span className="ml-auto text-xs text-soft">
          since <Time at={faulty.since} />
        </span>
      </div>
      <Notice tone="bad">
        <Prose text={faulty.message} />. Nothing of it is applied until its spec is mended; what runs keeps
        running.
      </Notice>
    </section>
  );
}

/** What the agent could not tell, so that it is missing here. */
function RejectedNotice({ cluster }: { cluster: Cluster }) {
  const rejected = cluster.rejected;
  if (!rejected) return null;
  return (
    <div className="mb-4">
      <Notice tone="bad">
        {count(rejected.facts, "fact")} of the agent could not be taken and are missing here, the last{" "}
        <Time at={rejected.at} />: <Prose text={rejected.reason} />. What was refused last stands in{" "}
        <code>rejected.json</code> in the agent's state directory.
      </Notice>
    </div>
  );
}

/** What it means that the agent is not there. */
function LinkNotice({ cluster }: { cluster: Cluster }) {
  const seen = cluster.link === "silent" ? cluster.last_report_at : cluster.last_seen_at;
  const words = {
    connected: null,
    silent:
      "The agent is there, and its reports do not arrive. What follows is from its last one; what runs keeps running. See its log.",
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
