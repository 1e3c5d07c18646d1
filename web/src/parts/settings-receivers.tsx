import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, bodyOf, done } from "../api/client";
import { receiversQuery } from "../api/queries";
import type { Receiver, ReceiverCreated } from "../api/types";
import { Button } from "../ui/button";
import { Command, CopyButton } from "../ui/copy";
import { TextField } from "../ui/field";
import { Time } from "../ui/time";
import { AskedFirst } from "./asked-first";
import { SecretOnce } from "./secret-once";
import { useOrganization, useRefusal } from "./session";
import { SettingsList } from "./settings-list";
import { FormFault, faultOf } from "./trouble";

export function ReceiverSettings() {
  const { id } = useOrganization();
  const receivers = useQuery(receiversQuery(id));
  const refusal = useRefusal("admin");
  return (
    <SettingsList
      title="Receivers"
      about="Addresses that a registry posts its push notices to. They make Heddle fast; without one it reads the registry by timer."
      add="Add a receiver"
      refusal={refusal}
      query={receivers}
      empty="There is none yet."
      row={(one) => <Row key={one.id} organization={id} receiver={one} refusal={refusal} />}
    >
      <NewReceiver organization={id} />
    </SettingsList>
  );
}

interface RowProps {
  organization: string;
  receiver: Receiver;
  refusal: string | false;
}

function Row({ organization, receiver, refusal }: RowProps) {
  return (
    <li className="flex flex-wrap items-center gap-x-6 gap-y-2 py-3">
      <span className="min-w-0 flex-1 basis-64">
        <span className="font-semibold">{receiver.name}</span>
        <span className="flex min-w-0 items-center gap-1">
          <code className="truncate text-soft">{receiver.url}</code>
          <CopyButton text={receiver.url} label={`Copy the address of ${receiver.name}`} />
        </span>
      </span>
      <span className="text-soft">
        {receiver.last_notice_at ? (
          <>
            last notice <Time at={receiver.last_notice_at} />
          </>
        ) : (
          "no notice yet"
        )}
      </span>
      <DeleteReceiver organization={organization} receiver={receiver} refusal={refusal} />
    </li>
  );
}

function DeleteReceiver({ organization, receiver, refusal }: RowProps) {
  return (
    <AskedFirst
      verb="Delete"
      name={receiver.name}
      action="Delete the receiver"
      refusal={refusal}
      run={() =>
        done(
          api.DELETE("/api/v1/organizations/{organization}/receivers/{receiver}", {
            params: { path: { organization, receiver: receiver.id } },
          }),
        )
      }
      readAgain={receiversQuery(organization).queryKey}
    >
      <p>Its address takes no notice any more. Heddle goes on reading the registry by timer.</p>
    </AskedFirst>
  );
}

/** The secret comes from the pipeline's own store: it does not belong in its file. */
function pipelineNotice(url: string): string {
  const lines = [
    'curl --fail --header "Authorization: Bearer $HEDDLE_NOTICE_SECRET"',
    `--json '{"name": "ghcr.io/acme/api", "tag": "1.4.2"}'`,
    url,
  ];
  return lines.join(" \\\n  ");
}

function NewReceiver({ organization }: { organization: string }) {
  const queries = useQueryClient();
  const [name, setName] = useState("");
  const [created, setCreated] = useState<ReceiverCreated>();
  const make = useMutation({
    mutationFn: () =>
      bodyOf(
        api.POST("/api/v1/organizations/{organization}/receivers", {
          params: { path: { organization } },
          body: { name },
        }),
      ),
    onSuccess: async (receiver) => {
      setCreated(receiver);
      await queries.invalidateQueries({ queryKey: ["receivers", organization] });
    },
  });
  if (created) {
    return (
      <div className="space-y-4">
        <SecretOnce what="The secret" secret={created.secret} />
        <p>
          Harbor, Azure, Artifactory, Amazon (by EventBridge) and CloudEvents send it in the header{" "}
          <code>Authorization</code>; Quay and Docker Hub as the password in the address. From a pipeline:
        </p>
        <Command text={pipelineNotice(created.receiver.url)} />
        <p>For a CNCF Distribution registry, put this into its configuration and start it again:</p>
        <Command text={created.configuration} />
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
        hint="What posts to it: the registry's name."
        fault={faultOf(make.error, "name")}
      />
      <Button type="submit" look="primary" busy={make.isPending}>
        Add the receiver
      </Button>
    </form>
  );
}
