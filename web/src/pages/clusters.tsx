import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { clustersQuery } from "../api/queries";
import type { Cluster, Sync } from "../api/types";
import { AddCluster } from "../parts/add-cluster";
import { LinkState } from "../parts/link-state";
import { Loaded } from "../parts/loaded";
import { Revision } from "../parts/names";
import { useOrganization, useRefusal } from "../parts/session";
import { Badge } from "../ui/badge";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { Empty } from "../ui/empty";
import { PageHead } from "../ui/page-head";
import { type Column, Table } from "../ui/table";
import { count } from "../words/count";
import { repositoryName, syncName } from "../words/shorten";
import { healthWord, isOld } from "../words/state";

const columns: Column<Cluster>[] = [
  { head: "Cluster", title: true, cell: (cluster) => <Name cluster={cluster} /> },
  { head: "Agent", cell: (cluster) => <LinkState link={cluster.link} seen={cluster.last_seen_at} /> },
  { head: "Follows, health, applied", cell: (cluster) => <Syncs cluster={cluster} />, className: "md:w-1/2" },
  { head: "Errors", cell: (cluster) => <Errors cluster={cluster} /> },
  { head: "Workloads", cell: (cluster) => cluster.workloads },
  { head: "Version", cell: (cluster) => cluster.agent && <code>{cluster.agent.version}</code> },
];

export function ClustersPage() {
  const { id } = useOrganization();
  const clusters = useQuery(clustersQuery(id));
  const { add } = useSearch({ from: "/app/inside/clusters" });
  const navigate = useNavigate({ from: "/clusters" });
  const refusal = useRefusal("admin");
  const setAdd = (open: boolean) =>
    void navigate({ search: (search) => ({ ...search, add: open || undefined }), replace: !open });
  const button = (
    <Button look="primary" because={refusal} onClick={() => setAdd(true)}>
      Add a cluster
    </Button>
  );
  return (
    <div className="page">
      <PageHead title="Clusters" action={clusters.data && clusters.data.length > 0 && button}>
        Each runs one agent, which follows Git. Nothing reaches into a cluster from here.
      </PageHead>
      <Loaded query={clusters}>
        {(all) =>
          all.length === 0 ? (
            <Empty title="No cluster yet" action={button}>
              One manifest installs the agent. It only makes connections outwards, and writes only to the
              namespaces that you name.
            </Empty>
          ) : (
            <Table caption="Clusters" columns={columns} rows={all} rowKey={(cluster) => cluster.id} />
          )
        }
      </Loaded>
      <Dialog
        open={Boolean(add)}
        onClose={() => setAdd(false)}
        wide
        title="Add a cluster"
        description="You get one manifest to apply with kubectl; its text is shown before you copy it."
      >
        <AddCluster
          organization={id}
          onConnected={(cluster) => void navigate({ to: "/clusters/$cluster", params: { cluster } })}
        />
      </Dialog>
    </div>
  );
}

function Name({ cluster }: { cluster: Cluster }) {
  return (
    <Link to="/clusters/$cluster" params={{ cluster: cluster.id }} className="font-semibold hover:underline">
      {cluster.name}
    </Link>
  );
}

/** Each Sync in a line: what it follows, how it is, and what is applied. */
function Syncs({ cluster }: { cluster: Cluster }) {
  if (cluster.syncs.length === 0) return <span className="text-soft">nothing reported yet</span>;
  return (
    <ul className="w-full min-w-0 space-y-1">
      {cluster.syncs.map((sync) => (
        <li
          key={syncName(sync.sync)}
          className="flex flex-wrap items-center gap-x-4 lg:grid lg:grid-cols-[minmax(0,1fr)_112px_64px]"
        >
          <span className="min-w-0 break-words">
            <span className="text-soft">{repositoryName(sync.repository)}</span>{" "}
            <code>{sync.path || "/"}</code>
          </span>
          <SyncHealth cluster={cluster} sync={sync} />
          {sync.applied_revision ? (
            <Revision id={sync.applied_revision} />
          ) : (
            <span className="text-soft">nothing</span>
          )}
        </li>
      ))}
    </ul>
  );
}

function SyncHealth({ cluster, sync }: { cluster: Cluster; sync: Sync }) {
  const away = isOld(cluster.link) || sync.unseen_since != null;
  const { word, tone } = healthWord[sync.health];
  const seen = sync.unseen_since != null ? "Not seen" : word;
  return <Badge tone={away ? "grey" : tone}>{sync.suspended ? "Suspended" : seen}</Badge>;
}

function Errors({ cluster }: { cluster: Cluster }) {
  const faulty = cluster.faulty_syncs ?? [];
  const errors = cluster.syncs.reduce((sum, sync) => sum + sync.errors.length, faulty.length);
  const asks = cluster.syncs.some((sync) => sync.stopped_prune);
  return (
    <span className="flex flex-col">
      {errors > 0 ? (
        <Badge tone="bad">{count(errors, "error")}</Badge>
      ) : (
        <span className="text-soft">none</span>
      )}
      {asks && <Badge tone="wait">A prune asks</Badge>}
    </span>
  );
}
