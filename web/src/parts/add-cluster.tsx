import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { api, bodyOf } from "../api/client";
import { repositoriesQuery, topics } from "../api/queries";
import type { ClusterCreated, CreateCluster, Repository } from "../api/types";
import { Button } from "../ui/button";
import { ChoiceField, TextField } from "../ui/field";
import { Notice } from "../ui/notice";
import { Install } from "./install";
import { Loaded } from "./loaded";
import { useRefusal } from "./session";
import { FormFault, faultOf } from "./trouble";

interface Props {
  organization: string;
  onConnected: (cluster: string) => void;
}

/** First the form, then the manifest, then the wait for the agent, which ends by itself. */
export function AddCluster({ organization, onConnected }: Props) {
  const repositories = useQuery(repositoriesQuery(organization));
  const [created, setCreated] = useState<ClusterCreated>();
  if (created) return <Install organization={organization} created={created} onConnected={onConnected} />;
  return (
    <Loaded query={repositories}>
      {(all) => {
        const first = all[0];
        return first ? (
          <ClusterForm
            organization={organization}
            repositories={[first, ...all.slice(1)]}
            onMade={setCreated}
          />
        ) : (
          <Notice
            tone="wait"
            action={
              <Link to="/onboarding" className="link">
                Connect one
              </Link>
            }
          >
            A cluster follows a config repository, and none is connected yet.
          </Notice>
        );
      }}
    </Loaded>
  );
}

interface FormProps {
  organization: string;
  repositories: [Repository, ...Repository[]];
  onMade: (created: ClusterCreated) => void;
}

function ClusterForm({ organization, repositories, onMade }: FormProps) {
  const queries = useQueryClient();
  const refusal = useRefusal("admin");
  const [name, setName] = useState("");
  const [repository, setRepository] = useState(repositories[0].id);
  const bound = repositories.find((one) => one.id === repository) ?? repositories[0];
  const [branch, setBranch] = useState<string>();
  const [path, setPath] = useState<string>();
  const [namespaces, setNamespaces] = useState("");
  const make = useMutation({
    mutationFn: (body: CreateCluster) =>
      bodyOf(
        api.POST("/api/v1/organizations/{organization}/clusters", {
          params: { path: { organization } },
          body,
        }),
      ),
    onSuccess: (created) => {
      void queries.invalidateQueries({ queryKey: [topics.clusters, organization] });
      void queries.invalidateQueries({ queryKey: [topics.onboarding, organization] });
      onMade(created);
    },
  });
  const suggested = bound.environments[0]?.path ?? "";
  const fault = (field: string) => faultOf(make.error, field);
  return (
    <form
      className="max-w-lg space-y-5"
      onSubmit={(event) => {
        event.preventDefault();
        make.mutate({
          name,
          repository,
          branch: branch ?? bound.default_branch,
          path: path ?? suggested,
          namespaces: namespaces.split(/[\s,]+/).filter(Boolean),
        });
      }}
    >
      <FormFault error={make.error} />
      <TextField
        label="Name"
        name="name"
        required
        pattern="[a-z0-9]([a-z0-9\-]*[a-z0-9])?"
        maxLength={63}
        value={name}
        onText={setName}
        hint="Small letters, digits and hyphens: prod, staging-eu."
        fault={fault("name")}
      />
      <ChoiceField
        label="Repository"
        value={repository}
        choices={repositories.map((one) => ({ value: one.id, label: one.name }))}
        onChoose={(next) => {
          setRepository(next);
          setBranch(undefined);
          setPath(undefined);
        }}
        fault={fault("repository")}
      />
      <div className="grid gap-5 md:grid-cols-2">
        <TextField
          label="Branch"
          name="branch"
          required
          value={branch ?? bound.default_branch}
          onText={setBranch}
          fault={fault("branch")}
        />
        <TextField
          label="Path"
          name="path"
          value={path ?? suggested}
          onText={setPath}
          placeholder="clusters/prod"
          hint="Empty for the whole repository."
          fault={fault("path")}
        />
      </div>
      <TextField
        label="Namespaces"
        name="namespaces"
        required
        value={namespaces}
        onText={setNamespaces}
        placeholder="shop, shop-jobs"
        hint="The agent may write to these and to no other. They must exist; the manifest does not make them."
        fault={fault("namespaces")}
      />
      <Button type="submit" look="primary" busy={make.isPending} because={refusal}>
        Show the manifest
      </Button>
    </form>
  );
}
