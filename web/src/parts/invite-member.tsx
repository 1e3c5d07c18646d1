import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { api, bodyOf } from "../api/client";
import type { Role } from "../api/types";
import { Button } from "../ui/button";
import { ChoiceField, TextField } from "../ui/field";
import { roleChoices, roleMeaning } from "../words/state";
import { SecretOnce } from "./secret-once";
import { FormFault, faultOf } from "./trouble";

/** Makes an invitation and shows its link, which Heddle does not send by itself. */
export function InviteMember({ organization }: { organization: string }) {
  const [email, setEmail] = useState("");
  const [role, setRole] = useState<Role>("viewer");
  const invite = useMutation({
    mutationFn: () =>
      bodyOf(
        api.POST("/api/v1/organizations/{organization}/invitations", {
          params: { path: { organization } },
          body: { email, role },
        }),
      ),
  });
  if (invite.data) {
    const link = new URL(`/sign-up?invitation=${encodeURIComponent(invite.data.code)}`, location.origin);
    return (
      <div className="space-y-4">
        <p>Send this link to {invite.data.email}. It works for that address alone, once, for seven days.</p>
        <SecretOnce what="The link" secret={link.href} />
      </div>
    );
  }
  return (
    <form
      className="space-y-5"
      onSubmit={(event) => {
        event.preventDefault();
        invite.mutate();
      }}
    >
      <FormFault error={invite.error} />
      <TextField
        label="E-mail"
        type="email"
        name="email"
        required
        value={email}
        onText={setEmail}
        fault={faultOf(invite.error, "email")}
      />
      <ChoiceField
        label="Role"
        value={role}
        choices={roleChoices}
        onChoose={setRole}
        hint={`Somebody with it ${roleMeaning[role]}.`}
      />
      <Button type="submit" look="primary" busy={invite.isPending}>
        Make the invitation
      </Button>
    </form>
  );
}
