import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, bodyOf, done } from "../api/client";
import { invitationsQuery } from "../api/queries";
import type { CreateInvitation, Invitation, InvitationCreated, Role } from "../api/types";
import { Button } from "../ui/button";
import { Command } from "../ui/copy";
import { Dialog } from "../ui/dialog";
import { TextField } from "../ui/field";
import { Notice } from "../ui/notice";
import { Part } from "../ui/part";
import { type Column, Table } from "../ui/table";
import { Time } from "../ui/time";
import { roleWord } from "../words/state";
import { invitationLink } from "./invitation";
import { Loaded } from "./loaded";
import { RoleField } from "./role-field";
import { useOrganization, useRefusal } from "./session";
import { FormFault, faultOf } from "./trouble";

export function Invitations({ organization }: { organization: string }) {
  const unseen = useRefusal("admin");
  const refusal = useRefusal("owner");
  const [open, setOpen] = useState(false);
  return (
    <Part
      title="Invitations"
      about="Each is for one address and lasts seven days. Heddle sends no mail; hand the link over yourself."
      action={
        <Button because={refusal} onClick={() => setOpen(true)}>
          Invite somebody
        </Button>
      }
    >
      {unseen ? (
        <p className="text-soft">Admins and owners see who is invited.</p>
      ) : (
        <Pending organization={organization} />
      )}
      <Dialog open={open} onClose={() => setOpen(false)} title="Invite somebody">
        <Invite organization={organization} />
      </Dialog>
    </Part>
  );
}

function Pending({ organization }: { organization: string }) {
  const queries = useQueryClient();
  const refusal = useRefusal("owner");
  const invitations = useQuery(invitationsQuery(organization));
  const withdraw = useMutation({
    mutationFn: (invitation: string) =>
      done(
        api.DELETE("/api/v1/organizations/{organization}/invitations/{invitation}", {
          params: { path: { organization, invitation } },
        }),
      ),
    onSuccess: () => queries.invalidateQueries({ queryKey: invitationsQuery(organization).queryKey }),
  });
  const columns: Column<Invitation>[] = [
    { head: "For", title: true, cell: (one) => <span className="font-semibold break-all">{one.email}</span> },
    { head: "May", cell: (one) => roleWord[one.role] },
    { head: "Made", cell: (one) => <Time at={one.created_at} /> },
    { head: "Ends", cell: (one) => <Time at={one.expires_at} /> },
    {
      head: "Action",
      bare: true,
      className: "md:text-right",
      cell: (one) => (
        <Button
          small
          because={refusal}
          busy={withdraw.isPending && withdraw.variables === one.id}
          onClick={() => withdraw.mutate(one.id)}
        >
          Withdraw<span className="sr-only"> the invitation of {one.email}</span>
        </Button>
      ),
    },
  ];
  return (
    <>
      <FormFault error={withdraw.error} />
      <Loaded query={invitations}>
        {(all) =>
          all.length === 0 ? (
            <p className="text-soft">Nobody is invited who has not joined.</p>
          ) : (
            <Table caption="Open invitations" columns={columns} rows={all} rowKey={(one) => one.id} />
          )
        }
      </Loaded>
    </>
  );
}

function Invite({ organization }: { organization: string }) {
  const queries = useQueryClient();
  const { name } = useOrganization();
  const [email, setEmail] = useState("");
  const [role, setRole] = useState<Role>("viewer");
  const invite = useMutation({
    mutationFn: (body: CreateInvitation) =>
      bodyOf(
        api.POST("/api/v1/organizations/{organization}/invitations", {
          params: { path: { organization } },
          body,
        }),
      ),
    onSuccess: () => queries.invalidateQueries({ queryKey: invitationsQuery(organization).queryKey }),
  });
  if (invite.data) return <HandOver invitation={invite.data} />;
  return (
    <form
      className="space-y-5"
      onSubmit={(event) => {
        event.preventDefault();
        invite.mutate({ email, role });
      }}
    >
      <FormFault error={invite.error} />
      <TextField
        label="E-mail"
        type="email"
        name="invited"
        autoComplete="off"
        required
        value={email}
        onText={setEmail}
        hint="The address of their account, or of the one they will make."
        fault={faultOf(invite.error, "email")}
      />
      <RoleField
        value={role}
        onChoose={setRole}
        most="owner"
        hint={`In ${name}. It can be changed later.`}
        error={invite.error}
      />
      <Button type="submit" look="primary" busy={invite.isPending}>
        Make the invitation
      </Button>
    </form>
  );
}

function HandOver({ invitation }: { invitation: InvitationCreated }) {
  return (
    <div className="space-y-3">
      <Notice tone="wait">
        The link is shown this once and works until <Time at={invitation.expires_at} as="clock" />.
      </Notice>
      <p>
        Give it to <b className="font-semibold break-all">{invitation.email}</b>; with another address it
        opens nothing.
      </p>
      <Command text={invitationLink(invitation.code)} />
    </div>
  );
}
