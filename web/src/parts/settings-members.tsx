import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, done } from "../api/client";
import { membersQuery, meQuery } from "../api/queries";
import type { Member, Role } from "../api/types";
import { Button } from "../ui/button";
import { Confirm, Dialog } from "../ui/dialog";
import { Select } from "../ui/field";
import { Part } from "../ui/part";
import { type Column, Table } from "../ui/table";
import { Time } from "../ui/time";
import { roleChoices } from "../words/state";
import { InviteMember } from "./invite-member";
import { Loaded } from "./loaded";
import { useOrganization, useRefusal, useSession } from "./session";
import { FormFault } from "./trouble";

export function MemberSettings() {
  const { id } = useOrganization();
  const { me } = useSession();
  const queries = useQueryClient();
  const members = useQuery(membersQuery(id));
  const refusal = useRefusal("owner");
  const [inviting, setInviting] = useState(false);
  const [leaving, setLeaving] = useState<Member>();
  const changed = async () => {
    await queries.invalidateQueries({ queryKey: membersQuery(id).queryKey });
    await queries.invalidateQueries({ queryKey: meQuery.queryKey });
  };
  const setRole = useMutation({
    mutationFn: ({ user, role }: { user: string; role: Role }) =>
      done(
        api.PUT("/api/v1/organizations/{organization}/members/{user}/role", {
          params: { path: { organization: id, user } },
          body: { role },
        }),
      ),
    onSuccess: changed,
  });
  const remove = useMutation({
    mutationFn: (user: string) =>
      done(
        api.DELETE("/api/v1/organizations/{organization}/members/{user}", {
          params: { path: { organization: id, user } },
        }),
      ),
    onSuccess: async () => {
      setLeaving(undefined);
      await changed();
    },
  });
  const columns: Column<Member>[] = [
    {
      head: "Member",
      title: true,
      cell: (member) => (
        <span className="min-w-0">
          <span className="font-semibold">{member.name}</span>
          {member.user === me.id && <span className="text-soft"> (you)</span>}
          <span className="block break-words text-soft">{member.email}</span>
        </span>
      ),
    },
    {
      head: "Role",
      cell: (member) => (
        <Select
          aria-label={`Role of ${member.name}`}
          className="h-9 rounded border border-field bg-surface px-2 text-ink disabled:text-soft"
          value={member.role}
          choices={roleChoices}
          disabled={refusal !== false || setRole.isPending}
          title={refusal || undefined}
          onChoose={(role) => setRole.mutate({ user: member.user, role })}
        />
      ),
    },
    { head: "Since", cell: (member) => <Time at={member.joined_at} /> },
    {
      head: "Action",
      bare: true,
      className: "md:text-right",
      cell: (member) => (
        <Button small because={member.user !== me.id && refusal} onClick={() => setLeaving(member)}>
          {member.user === me.id ? "Leave" : "Remove"}
          <span className="sr-only"> {member.name}</span>
        </Button>
      ),
    },
  ];
  return (
    <Part
      title="Members"
      about="Who sees this organization, and what they may do. One owner always stays."
      action={
        <Button because={refusal} onClick={() => setInviting(true)}>
          Invite somebody
        </Button>
      }
    >
      <FormFault error={setRole.error} />
      <Loaded query={members}>
        {(all) => (
          <Table
            caption="Members of the organization"
            columns={columns}
            rows={all}
            rowKey={(member) => member.user}
          />
        )}
      </Loaded>
      <Dialog open={inviting} onClose={() => setInviting(false)} title="Invite somebody">
        <InviteMember organization={id} />
      </Dialog>
      <Confirm
        open={leaving !== undefined}
        onClose={() => setLeaving(undefined)}
        title={leaving?.user === me.id ? "Leave the organization" : `Remove ${leaving?.name ?? ""}`}
        action={leaving?.user === me.id ? "Leave" : "Remove the member"}
        busy={remove.isPending}
        onConfirm={() => leaving && remove.mutate(leaving.user)}
      >
        <FormFault error={remove.error} />
        <p>
          {leaving?.user === me.id
            ? "You see nothing of it any more, and your API tokens for it stop working. An owner can invite you again."
            : "They see nothing of it any more, and their API tokens for it stop working. What they did stays in the audit log."}
        </p>
      </Confirm>
    </Part>
  );
}
