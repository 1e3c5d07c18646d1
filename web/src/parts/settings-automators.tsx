import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, bodyOf, done } from "../api/client";
import { ownAutomatorsQuery, topics } from "../api/queries";
import type { OwnAutomator, OwnAutomatorAdded } from "../api/types";
import { Badge } from "../ui/badge";
import { Button } from "../ui/button";
import { Command } from "../ui/copy";
import { TextField } from "../ui/field";
import { useNow } from "../ui/now";
import { Time } from "../ui/time";
import { AskedFirst } from "./asked-first";
import { SecretOnce } from "./secret-once";
import { useOrganization, useRefusal } from "./session";
import { SettingsList } from "./settings-list";
import { FormFault, faultOf } from "./trouble";

/** An automator asks for work at least each minute. */
const silent = 120_000;

export function AutomatorSettings() {
  const { id } = useOrganization();
  const automators = useQuery(ownAutomatorsQuery(id));
  const refusal = useRefusal("admin");
  return (
    <SettingsList
      title="Automators"
      about="For registries whose secrets must not leave your cluster: an automator there scans them with a pull secret of yours. It writes nothing and sees no repository."
      add="Add an automator"
      refusal={refusal}
      query={automators}
      empty="There is none. The hosted automators scan every registry."
      row={(one) => <Automator key={one.id} organization={id} automator={one} refusal={refusal} />}
    >
      <NewAutomator organization={id} />
    </SettingsList>
  );
}

interface AutomatorProps {
  organization: string;
  automator: OwnAutomator;
  refusal: string | false;
}

function Automator({ organization, automator, refusal }: AutomatorProps) {
  const now = useNow(5_000);
  const alive = automator.seen_at != null && now - Date.parse(automator.seen_at) < silent;
  return (
    <li className="flex flex-wrap items-start gap-x-6 gap-y-3 py-4">
      <div className="min-w-0 flex-1 basis-72 space-y-1">
        <p className="font-semibold">{automator.name}</p>
        <p className="break-all text-soft">
          {automator.hosts.map((host, at) => (
            <span key={host}>
              {at > 0 && ", "}
              <code>{host}</code>
            </span>
          ))}
        </p>
        <p className="text-xs text-soft">
          Added <Time at={automator.added_at} /> by {automator.added_by}
        </p>
      </div>
      <div className="min-w-0 flex-1 basis-48 space-y-1">
        <p>
          <Badge tone={alive ? "good" : "bad"}>{alive ? "Alive" : "Silent"}</Badge>{" "}
          <span className="text-soft">
            {automator.seen_at ? (
              <>
                seen <Time at={automator.seen_at} />
              </>
            ) : (
              "has not asked for work yet"
            )}
          </span>
        </p>
        <p className="text-soft">{automator.images === 1 ? "1 image" : `${automator.images} images`}</p>
      </div>
      <RemoveAutomator organization={organization} automator={automator} refusal={refusal} />
    </li>
  );
}

function RemoveAutomator({ organization, automator, refusal }: AutomatorProps) {
  return (
    <AskedFirst
      verb="Remove"
      name={automator.name}
      action="Remove the automator"
      refusal={refusal}
      run={() =>
        done(
          api.DELETE("/api/v1/organizations/{organization}/automators/{automator}", {
            params: { path: { organization, automator: automator.id } },
          }),
        )
      }
      readAgain={[topics.status, organization]}
    >
      <p>
        Its token counts no more. The hosted automators scan its registries with the logins that are kept
        here.
      </p>
    </AskedFirst>
  );
}

const pullSecret =
  "kubectl create secret docker-registry heddle-registries -n heddle-automator \\\n" +
  "  --docker-server=registry.example.com --docker-username=heddle --docker-password=…";

function NewAutomator({ organization }: { organization: string }) {
  const queries = useQueryClient();
  const [name, setName] = useState("");
  const [hosts, setHosts] = useState("");
  const [added, setAdded] = useState<OwnAutomatorAdded>();
  const make = useMutation({
    mutationFn: () =>
      bodyOf(
        api.POST("/api/v1/organizations/{organization}/automators", {
          params: { path: { organization } },
          body: { name, hosts: hosts.split(/[\s,]+/).filter((host) => host !== "") },
        }),
      ),
    onSuccess: async (answer) => {
      setAdded(answer);
      await queries.invalidateQueries({ queryKey: [topics.status, organization] });
    },
  });
  if (added) {
    return (
      <div className="space-y-4">
        <SecretOnce what="The token, which this manifest holds," secret={added.token} />
        <p>Save the manifest and apply it with kubectl:</p>
        <Command text={added.manifest} />
        <p>Then make a pull secret beside it:</p>
        <Command text={pullSecret} />
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
        hint="Such as that of its cluster."
        fault={faultOf(make.error, "name")}
      />
      <TextField
        label="Registries"
        name="hosts"
        required
        value={hosts}
        onText={setHosts}
        hint="Hosts, such as registry.example.com:5000 or *.example.com, with commas between them. Nobody else scans them from then on."
        fault={faultOf(make.error, "hosts")}
      />
      <Button type="submit" look="primary" busy={make.isPending}>
        Add the automator
      </Button>
    </form>
  );
}
