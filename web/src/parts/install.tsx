import { useQuery } from "@tanstack/react-query";
import { Download } from "lucide-react";
import { useMemo } from "react";
import { clusterQuery } from "../api/queries";
import type { Cluster, ClusterCreated } from "../api/types";
import { Button } from "../ui/button";
import { CodeBlock } from "../ui/code-block";
import { Command, CopyButton, CopyTextButton } from "../ui/copy";
import { Notice } from "../ui/notice";
import { Time } from "../ui/time";
import { count } from "../words/count";

interface Props {
  organization: string;
  created: ClusterCreated;
  onConnected: (cluster: string) => void;
}

/** The manifest, its checksum, the command, and the agent's arrival. */
export function Install({ organization, created, onConnected }: Props) {
  const file = `heddle-${created.cluster.name}.yaml`;
  const { data: cluster = created.cluster } = useQuery(clusterQuery(organization, created.cluster.id));
  return (
    <div className="space-y-6">
      <section aria-labelledby="manifest" className="space-y-2">
        <h3 id="manifest" className="text-base font-semibold">
          1. Read the manifest
        </h3>
        <p className="text-soft">
          It holds a token that works once, until <Time at={created.bootstrap_expires_at} as="clock" />. It is
          shown this once.
        </p>
        <CodeBlock label="Manifest" className="max-h-72 border border-line bg-sunk p-3 text-xs leading-5">
          {created.manifest}
        </CodeBlock>
        <p className="flex min-w-0 items-center gap-1 text-xs text-soft">
          <span className="shrink-0">SHA-256</span>
          <code className="min-w-0 break-all">{created.manifest_sha256}</code>
          <CopyButton text={created.manifest_sha256} label="Copy the SHA-256" />
        </p>
        <div className="flex flex-wrap gap-3">
          <CopyTextButton text={created.manifest} look="primary">
            Copy the manifest
          </CopyTextButton>
          <DownloadButton text={created.manifest} file={file} />
        </div>
      </section>
      <section aria-labelledby="apply" className="space-y-2">
        <h3 id="apply" className="text-base font-semibold">
          2. Apply it to the right cluster
        </h3>
        <p className="text-soft">The first line tells which cluster kubectl speaks to.</p>
        <Command text={`kubectl config current-context\nkubectl apply -f ${file}`} />
      </section>
      <section aria-labelledby="arrival" className="space-y-2">
        <h3 id="arrival" className="text-base font-semibold">
          3. Wait for the agent
        </h3>
        <Arrival cluster={cluster} onConnected={onConnected} />
        {cluster.link === "connected" || cluster.keys.length > 0 ? null : (
          <Image name={created.agent_image} />
        )}
      </section>
    </div>
  );
}

function Arrival({ cluster, onConnected }: { cluster: Cluster; onConnected: (cluster: string) => void }) {
  const here = cluster.link === "connected";
  return (
    <div role="status">
      {here ? (
        <Notice
          tone="good"
          action={
            <Button small onClick={() => onConnected(cluster.id)}>
              Go on
            </Button>
          }
        >
          The agent is connected.{" "}
          {cluster.workloads > 0
            ? `${count(cluster.workloads, "workload")} seen.`
            : "It is reading the repository."}
        </Notice>
      ) : (
        <Notice tone="move">
          {cluster.keys.length > 0
            ? "The token was used; the agent is starting."
            : "Nothing was heard yet. This line changes by itself."}
        </Notice>
      )}
    </div>
  );
}

/** What to look at when nothing comes: an image that nobody pushed is the commonest reason. */
function Image({ name }: { name: string }) {
  return (
    <div className="space-y-2 text-soft">
      <p>
        The cluster pulls <code className="break-all">{name}</code>. When its pod says ImagePullBackOff, it
        cannot: the image was not pushed there, or the registry wants a login. Whoever runs Heddle names
        another one with HEDDLE_AGENT_IMAGE.
      </p>
      <Command text="kubectl -n heddle-system get pods" />
    </div>
  );
}

function DownloadButton({ text, file }: { text: string; file: string }) {
  const save = useMemo(
    () => () => {
      const url = URL.createObjectURL(new Blob([text], { type: "application/yaml" }));
      const link = document.createElement("a");
      link.href = url;
      link.download = file;
      link.click();
      URL.revokeObjectURL(url);
    },
    [text, file],
  );
  return (
    <Button onClick={save}>
      <Download size={16} aria-hidden />
      Save as {file}
    </Button>
  );
}
