import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { api, done } from "../api/client";
import { topics } from "../api/queries";
import type { Cluster } from "../api/types";
import { Button } from "../ui/button";
import { Command } from "../ui/copy";
import { Confirm } from "../ui/dialog";
import { useRefusal } from "./session";
import { FormFault } from "./trouble";

const removal = `kubectl config current-context
kubectl delete namespace heddle-system
kubectl delete crd syncs.heddle.dev`;

export function DeleteCluster({ organization, cluster }: { organization: string; cluster: Cluster }) {
  const queries = useQueryClient();
  const navigate = useNavigate();
  const refusal = useRefusal("admin");
  const [asked, setAsked] = useState(false);
  const remove = useMutation({
    mutationFn: () =>
      done(
        api.DELETE("/api/v1/organizations/{organization}/clusters/{cluster}", {
          params: { path: { organization, cluster: cluster.id } },
        }),
      ),
    onSuccess: async () => {
      await navigate({ to: "/clusters" });
      await queries.invalidateQueries({ queryKey: [topics.clusters, organization] });
    },
  });
  return (
    <section aria-labelledby="delete" className="border-t border-line pt-6">
      <h2 id="delete" className="text-base font-semibold">
        Delete
      </h2>
      <p className="mt-1 mb-3 max-w-prose text-soft">
        Heddle forgets the cluster and keeps its history. Nothing in the cluster is deleted.
      </p>
      <Button look="danger" because={refusal} onClick={() => setAsked(true)}>
        Delete {cluster.name}
      </Button>
      <Confirm
        open={asked}
        onClose={() => setAsked(false)}
        title={`Delete ${cluster.name}`}
        action={`Delete ${cluster.name}`}
        busy={remove.isPending}
        onConfirm={() => remove.mutate()}
      >
        <FormFault error={remove.error} />
        <p>
          Here, its keys are revoked within 5 seconds, and the changes that still roll out to it end. The
          history stays.
        </p>
        <p>
          In the cluster, nothing is deleted and what runs keeps running. The agent is still there: without a
          token from Heddle it cannot read a private repository any more; with a Secret of its own, or a
          public repository, it goes on following Git.
        </p>
        <p>
          To take the agent out too, run this against the right cluster. It deletes the agent and its Syncs,
          and leaves everything that they applied:
        </p>
        <Command text={removal} />
      </Confirm>
    </section>
  );
}
