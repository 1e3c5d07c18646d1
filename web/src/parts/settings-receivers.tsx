import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, bodyOf, done } from "../api/client";
import { receiversQuery } from "../api/queries";
import type { Receiver, ReceiverCreated } from "../api/types";
import { Button } from "../ui/button";
import { Command, CopyButton } from "../ui/copy";
import { Confirm, Dialog } from "../ui/dialog";
import { TextField } from "../ui/field";
import { Part } from "../ui/part";
import { Time } from "../ui/time";
import { Loaded } from "./loaded";
import { SecretOnce } from "./secret-once";
import { useOrganization, useRefusal } from "./session";
import { FormFault, faultOf } from "./trouble";

export function ReceiverSettings() {
  const { id } = useOrganization();
  const receivers = useQuery(receiversQuery(id));
  const refusal = useRefusal("admin");
  const [open, setOpen] = useState(false);
  return (
    <Part
      title="Receivers"
      about="Addresses that a registry posts its push notices to. They make Heddle fast; without one it reads the registry by timer."
      action={
        <Button because={refusal} onClick={() => setOpen(true)}>
          Add a receiver
        </Button>
      }
    >
      <Loaded query={receivers}>
        {(all) =>
          all.length === 0 ? (
            <p className="text-soft">There is none yet.</p>
          ) : (
            <ul className="divide-y divide-line border-y border-line">
              {all.map((one) => (
                <li key={one.id} className="flex flex-wrap items-center gap-x-6 gap-y-2 py-3">
                  <span className="min-w-0 flex-1 basis-64">
                    <span className="font-semibold">{one.name}</span>
                    <span className="flex min-w-0 items-center gap-1">
                      <code className="truncate text-soft">{one.url}</code>
                      <CopyButton text={one.url} label={`Copy the address of ${one.name}`} />
                    </span>
                  </span>
                  <span className="text-soft">
                    {one.last_notice_at ? (
                      <>
                        last notice <Time at={one.last_notice_at} />
                      </>
                    ) : (
                      "no notice yet"
                    )}
                  </span>
                  <DeleteReceiver organization={id} receiver={one} refusal={refusal} />
                </li>
              ))}
            </ul>
          )
        }
      </Loaded>
      <Dialog open={open} onClose={() => setOpen(false)} title="Add a receiver" wide>
        <NewReceiver organization={id} />
      </Dialog>
    </Part>
  );
}

interface DeleteProps {
  organization: string;
  receiver: Receiver;
  refusal: string | false;
}

function DeleteReceiver({ organization, receiver, refusal }: DeleteProps) {
  const queries = useQueryClient();
  const [asked, setAsked] = useState(false);
  const remove = useMutation({
    mutationFn: () =>
      done(
        api.DELETE("/api/v1/organizations/{organization}/receivers/{receiver}", {
          params: { path: { organization, receiver: receiver.id } },
        }),
      ),
    onSuccess: async () => {
      setAsked(false);
      await queries.invalidateQueries({ queryKey: ["receivers", organization] });
    },
  });
  return (
    <>
      <Button small because={refusal} onClick={() => setAsked(true)}>
        Delete<span className="sr-only"> {receiver.name}</span>
      </Button>
      <Confirm
        open={asked}
        onClose={() => setAsked(false)}
        title={`Delete ${receiver.name}`}
        action="Delete the receiver"
        busy={remove.isPending}
        onConfirm={() => remove.mutate()}
      >
        <FormFault error={remove.error} />
        <p>Its address takes no notice any more. Heddle goes on reading the registry by timer.</p>
      </Confirm>
    </>
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
