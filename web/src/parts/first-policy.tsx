import { useQuery } from "@tanstack/react-query";
import { findingsQuery, repositoriesQuery } from "../api/queries";
import { Button } from "../ui/button";
import { CodeBlock } from "../ui/code-block";
import { CopyButton } from "../ui/copy";
import { Findings } from "./findings";

interface Props {
  organization: string;
  onSeen: () => void;
}

/** The file to write, with the environments that were found; it is the person's, so they commit it. */
export function FirstPolicy({ organization, onSeen }: Props) {
  const { data: repositories } = useQuery(repositoriesQuery(organization));
  const { data: findings } = useQuery(findingsQuery(organization));
  const repository = repositories?.[0];
  const text = policyText(repository?.environments.map((one) => ({ name: one.name, path: one.path })) ?? []);
  return (
    <div className="space-y-4">
      <p className="text-soft">
        Write this as <code className="text-ink">.heddle.yaml</code> at the root of{" "}
        {repository ? <code className="text-ink">{repository.name}</code> : "the repository"}, with the images
        you want to move, and push it. Nothing is written to the repository before.
      </p>
      <div className="relative">
        <CodeBlock label=".heddle.yaml" className="border border-line bg-sunk p-3 pr-12 leading-6">
          {text}
        </CodeBlock>
        <div className="absolute top-2 right-2">
          <CopyButton text={text} label="Copy .heddle.yaml" />
        </div>
      </div>
      {findings && findings.length > 0 && <Findings findings={findings} />}
      <Button onClick={onSeen}>Later; go to the Overview</Button>
    </div>
  );
}

function policyText(environments: { name: string; path: string }[]): string {
  const named = environments.length > 0 ? environments : [{ name: "prod", path: "clusters/prod" }];
  return [
    "version: 1",
    "environments:",
    ...named.map((one) => `  - {name: ${one.name}, path: ${one.path || "."}}`),
    "images:",
    '  - name: "ghcr.io/acme/*"     # which images',
    '    policy: {semver: ">=1.0"}  # which tags',
    "    mode: pull-request         # or: commit",
    "",
  ].join("\n");
}
