// What changes for a member, said before it is done.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, done } from "../api/client";
import { membersQuery, meQuery } from "../api/queries";
import type { Member, Role } from "../api/types";
import { Button } from "../ui/button";
import { Confirm, Dialog } from "../ui/dialog";
import { roleWord } from "../words/state";
import { RoleField } from "./role-field";
import { useOrganization, useSession } from "./session";
import { FormFault } from "./trouble";

interface Props {
  organization: string;
  member: Member;
  onClose: () => void;
}

/** What both read again: the list, and what the asker may do. */
function useReadAgain(organization: string) {
  const queries = useQueryClient();
  return async () => {
    await queries.invalidateQueries({ queryKey: membersQuery(organization).queryKey });
    await queries.invalidateQueries({ queryKey: meQuery.queryKey });
  };
}

export function ChangeRole({ organization, member, onClose }: Props) {
  const readAgain = useReadAgain(organization);
  const [role, setRole] = useState<Role>(member.role);
  const change = useMutation({
    mutationFn: () =>
      done(
        api.PUT("/api/v1/organizations/{organization}/members/{user}/role", {
          params: { path: { organization, user: member.user } },
          body: { role },
        }),
      ),
    onSuccess: async () => {
      await readAgain();
      onClose();
    },
  });
  return (
    <Dialog open onClose={onClose} title={`Role of ${member.name}`} description={member.email}>
      <form
        className="space-y-5"
        onSubmit={(event) => {
          event.preventDefault();
          if (role !== member.role) change.mutate();
        }}
      >
        <FormFault error={change.error} />
        <RoleField
          value={role}
          onChoose={setRole}
          most="owner"
          hint="Holds from their next request on, for their API tokens too."
          error={change.error}
        />
        <Button
          type="submit"
          look="primary"
          busy={change.isPending}
          because={role === member.role && `${member.name} is ${roleWord[role]} already`}
        >
          Make {member.name} {roleWord[role]}
        </Button>
      </form>
    </Dialog>
  );
}

export function TakeOut({ organization, member, onClose }: Props) {
  const { me } = useSession();
  const { name } = useOrganization();
  const readAgain = useReadAgain(organization);
  const leaves = member.user === me.id;
  const remove = useMutation({
    mutationFn: () =>
      done(
        api.DELETE("/api/v1/organizations/{organization}/members/{user}", {
          params: { path: { organization, user: member.user } },
        }),
      ),
    onSuccess: async () => {
      // Who left sees nothing of it any more, so the page begins anew.
      if (leaves) location.assign("/");
      else await readAgain();
      onClose();
    },
  });
  return (
    <Confirm
      open
      onClose={onClose}
      title={leaves ? `Leave ${name}` : `Remove ${member.name} from ${name}`}
      action={leaves ? "Leave" : `Remove ${member.name}`}
      busy={remove.isPending}
      onConfirm={() => remove.mutate()}
    >
      <FormFault error={remove.error} />
      <p>
        {leaves ? "You see" : `${member.name} sees`} nothing of {name} any more, from the next request on, and{" "}
        {leaves ? "your" : "their"} API tokens for it stop working. What was done stays in the audit record.
      </p>
      <p>What was connected keeps working: repositories and clusters belong to the organization.</p>
    </Confirm>
  );
}
