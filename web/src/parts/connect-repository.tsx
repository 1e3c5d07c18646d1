import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { ExternalLink } from "lucide-react";
import { api, bodyOf } from "../api/client";
import { isApiError } from "../api/problem";
import { availableRepositoriesQuery, topics } from "../api/queries";
import type { AvailableRepository } from "../api/types";
import { Button, buttonClass } from "../ui/button";
import { Skeleton } from "../ui/skeleton";
import { useRefusal } from "./session";
import { FormFault, Trouble } from "./trouble";

interface Props {
  organization: string;
  installUrl: string;
}

/** First the person proves at GitHub who they are, then they pick one of the repositories that GitHub names. */
export function ConnectRepository({ organization, installUrl }: Props) {
  const available = useQuery(availableRepositoriesQuery(organization));
  if (available.isPending) return <Skeleton rows={2} />;
  if (available.error) {
    // 4xx: no proof of identity yet, or one that GitHub does not take any more.
    const status = isApiError(available.error) ? available.error.problem.status : 0;
    if (status < 400 || status >= 500) {
      return <Trouble error={available.error} onRetry={() => void available.refetch()} />;
    }
    return <SignInAtGitHub organization={organization} />;
  }
  return <Pick organization={organization} repositories={available.data} installUrl={installUrl} />;
}

function SignInAtGitHub({ organization }: { organization: string }) {
  return (
    <div className="space-y-4">
      <ul className="list-disc space-y-1 pl-5 text-soft">
        <li>You sign in at GitHub, so that only your own repositories are offered.</li>
        <li>
          The App may read and write the contents and pull requests of the repositories that you choose, and
          nothing else. It cannot touch workflows or settings.
        </li>
        <li>Nothing is written until a policy says so.</li>
      </ul>
      <a className={buttonClass("primary")} href={authorizeUrl(organization)}>
        Continue at GitHub
        <ExternalLink size={15} aria-hidden />
      </a>
    </div>
  );
}

function authorizeUrl(organization: string): string {
  return `/api/v1/github/authorize?organization=${encodeURIComponent(organization)}`;
}

interface PickProps {
  organization: string;
  repositories: AvailableRepository[];
  installUrl: string;
}

function Pick({ organization, repositories, installUrl }: PickProps) {
  const queries = useQueryClient();
  const refusal = useRefusal("admin");
  const connect = useMutation({
    mutationFn: ({ installation_id, name }: AvailableRepository) =>
      bodyOf(
        api.POST("/api/v1/organizations/{organization}/repositories", {
          params: { path: { organization } },
          body: { installation_id, name },
        }),
      ),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: [topics.repositories, organization] });
      await queries.invalidateQueries({ queryKey: [topics.onboarding, organization] });
    },
  });
  return (
    <div className="space-y-4">
      <FormFault error={connect.error} />
      {repositories.length === 0 ? (
        <p className="text-soft">The App is installed on none of your repositories yet.</p>
      ) : (
        <ul className="divide-y divide-line rounded border border-line">
          {repositories.map((one) => (
            <li key={one.name} className="flex flex-wrap items-center gap-3 px-4 py-2">
              <span className="min-w-0 flex-1 basis-40">
                <span className="font-semibold break-words">{one.name}</span>
                <span className="block text-xs text-soft">
                  {one.private ? "private" : "public"}, branch {one.default_branch}
                </span>
              </span>
              {one.connected ? (
                <span className="text-good">Connected</span>
              ) : (
                <Button
                  small
                  because={refusal}
                  busy={connect.isPending && connect.variables.name === one.name}
                  onClick={() => connect.mutate(one)}
                >
                  Connect<span className="sr-only"> {one.name}</span>
                </Button>
              )}
            </li>
          ))}
        </ul>
      )}
      <div className="flex flex-wrap gap-3">
        <a
          className={buttonClass(repositories.length === 0 ? "primary" : "quiet")}
          href={installUrl}
          target="_blank"
          rel="noreferrer"
        >
          {repositories.length === 0 ? "Install the App" : "Another repository"}
          <ExternalLink size={15} aria-hidden />
        </a>
        <a className={buttonClass("quiet")} href={authorizeUrl(organization)}>
          Read the list again
        </a>
      </div>
    </div>
  );
}
