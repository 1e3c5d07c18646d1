import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, done } from "../api/client";
import { topics } from "../api/queries";
import type { Cluster, ClusterKey } from "../api/types";
import { Badge } from "../ui/badge";
import { Button } from "../ui/button";
import { Confirm } from "../ui/dialog";
import { type Column, Table } from "../ui/table";
import { Time } from "../ui/time";
import { useRefusal } from "./session";
import { FormFault } from "./trouble";

/** The keys that the agent signs with; they never leave the cluster. */
export function ClusterKeys({ organization, cluster }: { organization: string; cluster: Cluster }) {
  const queries = useQueryClient();
  const refusal = useRefusal("admin");
  const [asked, setAsked] = useState<ClusterKey>();
  const revoke = useMutation({
    mutationFn: (key: string) =>
      done(
        api.DELETE("/api/v1/organizations/{organization}/clusters/{cluster}/keys/{key}", {
          params: { path: { organization, cluster: cluster.id, key } },
        }),
      ),
    onSuccess: async () => {
      setAsked(undefined);
      await queries.invalidateQueries({ queryKey: [topics.clusters, organization] });
    },
  });
  const columns: Column<ClusterKey>[] = [
    { head: "Key", title: true, cell: (key) => <code title={key.id}>{key.id.slice(-12)}</code> },
    { head: "Made", cell: (key) => <Time at={key.created_at} /> },
    { head: "Last used", cell: (key) => (key.last_used_at ? <Time at={key.last_used_at} /> : "never") },
    {
      head: "State",
      cell: (key) =>
        key.revoked_at ? (
          <Badge tone="grey">
            Revoked <Time at={key.revoked_at} />
          </Badge>
        ) : (
          <Badge tone="good">In use</Badge>
        ),
    },
    {
      head: "Action",
      bare: true,
      className: "md:text-right",
      cell: (key) =>
        !key.revoked_at && (
          <Button small because={refusal} onClick={() => setAsked(key)}>
            Revoke
          </Button>
        ),
    },
  ];
  return (
    <section aria-labelledby="keys">
      <h2 id="keys" className="mb-1 text-base font-semibold">
        Keys
      </h2>
      {cluster.keys.length === 0 ? (
        <p className="text-soft">None yet. The agent makes its key when it first connects.</p>
      ) : (
        <Table
          caption="Keys of this cluster"
          columns={columns}
          rows={cluster.keys}
          rowKey={(key) => key.id}
        />
      )}
      <Confirm
        open={Boolean(asked)}
        onClose={() => setAsked(undefined)}
        title={`Revoke the key of ${cluster.name}`}
        action="Revoke the key"
        busy={revoke.isPending}
        onConfirm={() => asked && revoke.mutate(asked.id)}
      >
        <FormFault error={revoke.error} />
        <p>Within 5 seconds Heddle listens to this agent no more and gives it no token for the repository.</p>
        <p>What runs in the cluster keeps running. To connect it again, make a new manifest on this page.</p>
      </Confirm>
    </section>
  );
}
