// For which environments a member may ask as an operator.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, done } from "../api/client";
import { membersQuery, repositoriesQuery } from "../api/queries";
import type { Grant, Member, Repository } from "../api/types";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { CheckField } from "../ui/field";
import { Loaded } from "./loaded";
import { FormFault } from "./trouble";

interface Props {
  organization: string;
  member: Member;
  onClose: () => void;
}

export function GrantDialog({ organization, member, onClose }: Props) {
  const repositories = useQuery(repositoriesQuery(organization));
  return (
    <Dialog
      open
      onClose={onClose}
      title={`Environments of ${member.name}`}
      description="In these, they may ask for tags to be written. A place that several environments share needs each of them."
    >
      <Loaded query={repositories}>
        {(all) => (
          <GrantForm organization={organization} member={member} repositories={all} onClose={onClose} />
        )}
      </Loaded>
    </Dialog>
  );
}

function GrantForm({ organization, member, repositories, onClose }: Props & { repositories: Repository[] }) {
  const queries = useQueryClient();
  const [granted, setGranted] = useState<Grant[]>(
    () => member.grants?.map(({ repository, environment }) => ({ repository, environment })) ?? [],
  );
  const save = useMutation({
    mutationFn: () =>
      done(
        api.PUT("/api/v1/organizations/{organization}/members/{user}/grants", {
          params: { path: { organization, user: member.user } },
          body: { grants: granted },
        }),
      ),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: membersQuery(organization).queryKey });
      onClose();
    },
  });
  const isSame = (one: Grant) => (other: Grant) =>
    one.repository === other.repository && one.environment === other.environment;
  return (
    <form
      className="space-y-5"
      onSubmit={(event) => {
        event.preventDefault();
        save.mutate();
      }}
    >
      <FormFault error={save.error} />
      {repositories.length === 0 && <p className="text-soft">No repository is connected yet.</p>}
      {repositories.map((repository) => (
        <fieldset key={repository.id}>
          <legend className="font-semibold">{repository.name}</legend>
          <div className="flex flex-wrap gap-x-6 gap-y-1">
            {repository.environments.map(({ name }) => {
              const one = { repository: repository.id, environment: name };
              return (
                <CheckField
                  key={name}
                  label={name}
                  checked={granted.some(isSame(one))}
                  onCheck={(checked) =>
                    setGranted(checked ? [...granted, one] : granted.filter((other) => !isSame(one)(other)))
                  }
                />
              );
            })}
          </div>
        </fieldset>
      ))}
      <Button type="submit" look="primary" busy={save.isPending}>
        Save
      </Button>
    </form>
  );
}
