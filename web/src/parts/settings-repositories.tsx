import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, done } from "../api/client";
import { findingsQuery, onboardingQuery, repositoriesQuery, topics } from "../api/queries";
import type { Repository } from "../api/types";
import { Badge } from "../ui/badge";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { Part } from "../ui/part";
import { Time } from "../ui/time";
import { count } from "../words/count";
import { AskedFirst } from "./asked-first";
import { ConnectRepository } from "./connect-repository";
import { Findings } from "./findings";
import { Loaded } from "./loaded";
import { EnvironmentChip, Revision } from "./names";
import { useOrganization, useRefusal } from "./session";

export function RepositorySettings() {
  const { id } = useOrganization();
  const repositories = useQuery(repositoriesQuery(id));
  const findings = useQuery(findingsQuery(id));
  const refusal = useRefusal("admin");
  const [connecting, setConnecting] = useState(false);
  return (
    <>
      <Part
        title="Config repositories"
        about="What should run stands in them. Heddle reads them, and writes to them what a policy allows."
        action={
          <Button because={refusal} onClick={() => setConnecting(true)}>
            Connect a repository
          </Button>
        }
      >
        <Loaded query={repositories}>
          {(all) =>
            all.length === 0 ? (
              <p className="text-soft">None is connected yet.</p>
            ) : (
              <ul className="divide-y divide-line border-y border-line">
                {all.map((one) => (
                  <RepositoryRow key={one.id} organization={id} repository={one} refusal={refusal} />
                ))}
              </ul>
            )
          }
        </Loaded>
      </Part>
      <Part
        title="Findings"
        about="What is wrong in a .heddle.yaml or a manifest. What blocks is never guessed around."
      >
        <Loaded query={findings}>
          {(all) =>
            all.length === 0 ? (
              <p className="text-soft">Nothing was found wrong.</p>
            ) : (
              <Findings findings={all} />
            )
          }
        </Loaded>
      </Part>
      <ConnectDialog organization={id} open={connecting} onClose={() => setConnecting(false)} />
    </>
  );
}

function ConnectDialog({
  organization,
  open,
  onClose,
}: {
  organization: string;
  open: boolean;
  onClose: () => void;
}) {
  const onboarding = useQuery({ ...onboardingQuery(organization), enabled: open });
  return (
    <Dialog open={open} onClose={onClose} title="Connect a repository" wide>
      <Loaded query={onboarding}>
        {(data) => <ConnectRepository organization={organization} installUrl={data.github_install_url} />}
      </Loaded>
    </Dialog>
  );
}

interface RowProps {
  organization: string;
  repository: Repository;
  refusal: string | false;
}

function RepositoryRow({ organization, repository, refusal }: RowProps) {
  return (
    <li className="flex flex-wrap items-start gap-x-6 gap-y-2 py-3">
      <div className="min-w-0 flex-1 basis-64 space-y-1">
        <p className="flex flex-wrap items-center gap-2">
          <a
            href={repository.web_url}
            target="_blank"
            rel="noreferrer"
            className="font-semibold hover:underline"
          >
            {repository.name}
          </a>
          {repository.environments.map((one) => (
            <EnvironmentChip key={one.name} name={one.name} />
          ))}
        </p>
        <p className="text-soft">
          branch <code>{repository.default_branch}</code>
          {repository.head && (
            <>
              {" "}
              at <Revision id={repository.head} />
            </>
          )}
          , {count(repository.images, "image")}
          {repository.read_at && (
            <>
              , read <Time at={repository.read_at} />
            </>
          )}
        </p>
        {repository.error ? (
          <Badge tone="bad" className="whitespace-normal">
            {repository.error}
          </Badge>
        ) : (
          !repository.read_at && <Badge tone="move">Being read for the first time</Badge>
        )}
      </div>
      <AskedFirst
        verb="Disconnect"
        name={repository.name}
        action="Disconnect"
        refusal={refusal}
        run={() =>
          done(
            api.DELETE("/api/v1/organizations/{organization}/repositories/{repository}", {
              params: { path: { organization, repository: repository.id } },
            }),
          )
        }
        readAgain={[topics.repositories, organization]}
      >
        <p>
          Heddle writes nothing to it any more, and agents get no token for it. What runs keeps running; its
          changes in flight end here.
        </p>
      </AskedFirst>
    </li>
  );
}
