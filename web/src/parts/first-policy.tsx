import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { ExternalLink } from "lucide-react";
import { findingsQuery, repositoriesQuery, workloadsQuery } from "../api/queries";
import { Button, buttonClass } from "../ui/button";
import { CodeBlock } from "../ui/code-block";
import { CopyButton } from "../ui/copy";
import { policyText, proposeAtGitHub } from "../words/policy";
import { Findings } from "./findings";

interface Props {
  organization: string;
  onSeen: () => void;
}

/** The file to write, with the environments and images that were found; it is the person's, so they propose it. */
export function FirstPolicy({ organization, onSeen }: Props) {
  const { data: repositories } = useQuery(repositoriesQuery(organization));
  const { data: findings } = useQuery(findingsQuery(organization));
  const { data: workloads } = useInfiniteQuery(workloadsQuery(organization));
  const repository = repositories?.[0];
  const images = workloads?.pages.flatMap((page) => page.items.flatMap((one) => one.images)) ?? [];
  const text = policyText(
    repository?.environments ?? [],
    images.map((image) => image.running.image),
  );
  return (
    <div className="space-y-4">
      <p className="max-w-prose text-pretty text-soft">
        This names what runs now and lets each image move within its major version, by pull request. Change it
        as you like and merge it as <code className="text-ink">.heddle.yaml</code> at the root of{" "}
        {repository ? <code className="text-ink">{repository.name}</code> : "the repository"}. Nothing is
        written to the repository before.
      </p>
      <div className="relative">
        <CodeBlock label=".heddle.yaml" className="max-h-96 border border-line bg-sunk p-3 pr-12 leading-6">
          {text}
        </CodeBlock>
        <div className="absolute top-2 right-2">
          <CopyButton text={text} label="Copy .heddle.yaml" />
        </div>
      </div>
      {findings && findings.length > 0 && <Findings findings={findings} />}
      <div className="flex flex-wrap gap-3">
        {repository && (
          <a
            className={buttonClass("primary")}
            href={proposeAtGitHub(repository.web_url, repository.default_branch, text)}
            target="_blank"
            rel="noreferrer"
          >
            Propose it at GitHub
            <ExternalLink size={15} aria-hidden />
          </a>
        )}
        <Button onClick={onSeen}>Later; go to the Overview</Button>
      </div>
    </div>
  );
}
