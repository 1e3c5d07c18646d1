import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { api, bodyOf, done } from "../api/client";
import { reportersQuery, topics } from "../api/queries";
import type { DriftTool, Reporter, ReporterCreated } from "../api/types";
import { Badge } from "../ui/badge";
import { Button } from "../ui/button";
import { Command } from "../ui/copy";
import { ChoiceField, TextField } from "../ui/field";
import { Time } from "../ui/time";
import { toolName } from "../words/drift";
import { AskedFirst } from "./asked-first";
import { EnvironmentChip } from "./names";
import { SecretOnce } from "./secret-once";
import { useOrganization, useRefusal } from "./session";
import { SettingsList } from "./settings-list";
import { FormFault, faultOf } from "./trouble";

export function ReporterSettings() {
  const { id } = useOrganization();
  const reporters = useQuery(reportersQuery(id));
  const refusal = useRefusal("admin");
  return (
    <SettingsList
      title="Reporters"
      about="Each has a token with which a job tells what heddle diff found of one Terraform folder or playbook in one environment, and nothing else."
      add="Make a reporter"
      refusal={refusal}
      query={reporters}
      empty="There is none yet."
      row={(one) => <Row key={one.id} organization={id} reporter={one} refusal={refusal} />}
    >
      <NewReporter organization={id} />
    </SettingsList>
  );
}

interface RowProps {
  organization: string;
  reporter: Reporter;
  refusal: string | false;
}

function Row({ organization, reporter, refusal }: RowProps) {
  return (
    <li className="flex flex-wrap items-center gap-x-6 gap-y-2 py-3">
      <span className="min-w-0 flex-1 basis-64">
        <span className="font-semibold break-words">{reporter.name}</span>
        <span className="flex flex-wrap items-center gap-x-3 gap-y-1">
          <Link to="/drift/$record" params={{ record: reporter.record }} className="link min-w-0 break-words">
            <code>{reporter.source}</code>
          </Link>
          <span className="text-soft">{toolName[reporter.tool]}</span>
          {reporter.repository && <span className="break-words text-soft">{reporter.repository}</span>}
          <EnvironmentChip name={reporter.environment} />
        </span>
      </span>
      <span className="text-soft">
        {reporter.reported_at ? (
          <>
            reported <Time at={reporter.reported_at} />
          </>
        ) : (
          "has not reported yet"
        )}
      </span>
      {reporter.revoked_at ? (
        <Badge tone="grey">
          Revoked{" "}
          <span className="text-soft">
            <Time at={reporter.revoked_at} />
          </span>
        </Badge>
      ) : (
        <Revoke organization={organization} reporter={reporter} refusal={refusal} />
      )}
    </li>
  );
}

function Revoke({ organization, reporter, refusal }: RowProps) {
  return (
    <AskedFirst
      verb="Revoke"
      name={reporter.name}
      action="Revoke the reporter"
      refusal={refusal}
      run={() =>
        done(
          api.DELETE("/api/v1/organizations/{organization}/reporters/{reporter}", {
            params: { path: { organization, reporter: reporter.id } },
          }),
        )
      }
      readAgain={[topics.drift, organization]}
    >
      <p>
        Its looks are refused from now on. What it said last is marked as by a revoked reporter, and counts as
        unknown until another one looks.
      </p>
    </AskedFirst>
  );
}

const tools: { value: DriftTool; label: string }[] = [
  { value: "terraform", label: "Terraform or OpenTofu" },
  { value: "ansible", label: "Ansible" },
  { value: "kubernetes", label: "Kubernetes, a folder that no agent follows" },
];

function NewReporter({ organization }: { organization: string }) {
  const queries = useQueryClient();
  const [name, setName] = useState("");
  const [environment, setEnvironment] = useState("");
  const [tool, setTool] = useState<DriftTool>("terraform");
  const [source, setSource] = useState("");
  const [repository, setRepository] = useState("");
  const [created, setCreated] = useState<ReporterCreated>();
  const make = useMutation({
    mutationFn: () =>
      bodyOf(
        api.POST("/api/v1/organizations/{organization}/reporters", {
          params: { path: { organization } },
          body: { name, environment, tool, source, repository: repository.trim() },
        }),
      ),
    onSuccess: async (reporter) => {
      setCreated(reporter);
      await queries.invalidateQueries({ queryKey: [topics.drift, organization] });
    },
  });
  if (created) {
    return (
      <div className="space-y-4">
        <SecretOnce what="The token" secret={created.token} />
        <p>
          It goes into <code>HEDDLE_REPORT_TOKEN</code>, and this address into <code>HEDDLE_API_URL</code>.
          Then, where the tool and its logins are:
        </p>
        <Command text={created.command} />
        <p className="text-soft">
          So that silence shows as well, let <code>drift:</code> in <code>.heddle.yaml</code> say how often
          somebody must look.
        </p>
      </div>
    );
  }
  return (
    <form
      className="space-y-5"
      onSubmit={(event) => {
        event.preventDefault();
        make.mutate();
      }}
    >
      <FormFault error={make.error} />
      <TextField
        label="Name"
        name="name"
        required
        value={name}
        onText={setName}
        hint="What reports: the job, the pipeline."
        fault={faultOf(make.error, "name")}
      />
      <TextField
        label="Environment"
        name="environment"
        required
        value={environment}
        onText={setEnvironment}
        hint="As .heddle.yaml names it: prod."
        fault={faultOf(make.error, "environment")}
      />
      <ChoiceField label="Tool" name="tool" value={tool} choices={tools} onChoose={setTool} />
      <TextField
        label="Folder or playbook"
        name="source"
        required
        value={source}
        onText={setSource}
        hint="By its path in the repository: infra/prod, site.yml."
        fault={faultOf(make.error, "source")}
      />
      <TextField
        label="Repository"
        name="repository"
        required
        value={repository}
        onText={setRepository}
        hint="That it lies in, by owner and name: acme/infra."
        fault={faultOf(make.error, "repository")}
      />
      <Button type="submit" look="primary" busy={make.isPending}>
        Make the reporter
      </Button>
    </form>
  );
}
