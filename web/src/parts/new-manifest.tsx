import { useMutation } from "@tanstack/react-query";
import { api, bodyOf } from "../api/client";
import type { Cluster } from "../api/types";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { Install } from "./install";
import { useRefusal } from "./session";
import { FormFault } from "./trouble";

interface Props {
  organization: string;
  cluster: Cluster;
  /** The dialog stays also when the agent has come and the button is gone. */
  offered: boolean;
}

/** Another manifest, for a cluster whose first one ended unused or whose keys are revoked. */
export function NewManifest({ organization, cluster, offered }: Props) {
  const refusal = useRefusal("admin");
  const make = useMutation({
    mutationFn: () =>
      bodyOf(
        api.POST("/api/v1/organizations/{organization}/clusters/{cluster}/manifest", {
          params: { path: { organization, cluster: cluster.id } },
        }),
      ),
  });
  return (
    <>
      {offered && (
        <div className="mb-8 space-y-3">
          <Button small because={refusal} busy={make.isPending} onClick={() => make.mutate()}>
            Make a new manifest
          </Button>
          <FormFault error={make.error} />
        </div>
      )}
      <Dialog open={Boolean(make.data)} onClose={make.reset} wide title={`Manifest for ${cluster.name}`}>
        {make.data && <Install organization={organization} created={make.data} onConnected={make.reset} />}
      </Dialog>
    </>
  );
}
