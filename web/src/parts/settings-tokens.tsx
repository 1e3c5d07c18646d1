import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, bodyOf, done } from "../api/client";
import { tokensQuery } from "../api/queries";
import type { CreateToken, Role, Token } from "../api/types";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { ChoiceField, TextField } from "../ui/field";
import { Part } from "../ui/part";
import { type Column, Table } from "../ui/table";
import { Time } from "../ui/time";
import { roleWord } from "../words/state";
import { Loaded } from "./loaded";
import { RoleField } from "./role-field";
import { SecretOnce } from "./secret-once";
import { useOrganization, useSession } from "./session";
import { FormFault, faultOf } from "./trouble";

export function TokenSettings() {
  const { me } = useSession();
  const queries = useQueryClient();
  const tokens = useQuery(tokensQuery);
  const [open, setOpen] = useState(false);
  const revoke = useMutation({
    mutationFn: (token: string) =>
      done(api.DELETE("/api/v1/tokens/{token}", { params: { path: { token } } })),
    onSuccess: () => queries.invalidateQueries({ queryKey: tokensQuery.queryKey }),
  });
  const columns: Column<Token>[] = [
    { head: "Token", title: true, cell: (token) => <span className="font-semibold">{token.name}</span> },
    {
      head: "For",
      cell: (token) =>
        me.organizations.find((one) => one.id === token.organization)?.name ?? token.organization,
    },
    { head: "May", cell: (token) => roleWord[token.role] },
    { head: "Made", cell: (token) => <Time at={token.created_at} /> },
    { head: "Last used", cell: (token) => (token.last_used_at ? <Time at={token.last_used_at} /> : "never") },
    { head: "Ends", cell: (token) => <Time at={token.expires_at} /> },
    {
      head: "Action",
      bare: true,
      className: "md:text-right",
      cell: (token) => (
        <Button
          small
          busy={revoke.isPending && revoke.variables === token.id}
          onClick={() => revoke.mutate(token.id)}
        >
          Revoke<span className="sr-only"> {token.name}</span>
        </Button>
      ),
    },
  ];
  return (
    <Part
      title="API tokens"
      about="For the command line and CI. A token may do what its role may, in one organization, until it ends."
      action={<Button onClick={() => setOpen(true)}>Make a token</Button>}
    >
      <FormFault error={revoke.error} />
      <Loaded query={tokens}>
        {(all) =>
          all.length === 0 ? (
            <p className="text-soft">You have none.</p>
          ) : (
            <Table caption="Your API tokens" columns={columns} rows={all} rowKey={(token) => token.id} />
          )
        }
      </Loaded>
      <Dialog open={open} onClose={() => setOpen(false)} title="Make a token">
        <NewToken />
      </Dialog>
    </Part>
  );
}

const lengths = ["7", "30", "90", "365"] as const;

function NewToken() {
  const organization = useOrganization();
  const queries = useQueryClient();
  const [name, setName] = useState("");
  const [role, setRole] = useState<Role>("viewer");
  const [days, setDays] = useState<(typeof lengths)[number]>("30");
  const make = useMutation({
    mutationFn: (body: CreateToken) => bodyOf(api.POST("/api/v1/tokens", { body })),
    onSuccess: () => queries.invalidateQueries({ queryKey: tokensQuery.queryKey }),
  });
  if (make.data) return <SecretOnce what="The token" secret={make.data.secret} />;
  return (
    <form
      className="space-y-5"
      onSubmit={(event) => {
        event.preventDefault();
        make.mutate({ name, role, organization: organization.id, expires_in_days: Number(days) });
      }}
    >
      <FormFault error={make.error} />
      <TextField
        label="Name"
        name="name"
        required
        value={name}
        onText={setName}
        hint="Where it is used: deploy job, my laptop."
        fault={faultOf(make.error, "name")}
      />
      <RoleField
        value={role}
        onChoose={setRole}
        most={organization.role}
        hint={`In ${organization.name}.`}
        error={make.error}
      />
      <ChoiceField
        label="Ends after"
        value={days}
        choices={lengths.map((value) => ({ value, label: `${value} days` }))}
        onChoose={setDays}
        fault={faultOf(make.error, "expires_in_days")}
      />
      <Button type="submit" look="primary" busy={make.isPending}>
        Make the token
      </Button>
    </form>
  );
}
