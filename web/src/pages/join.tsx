import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { api, bodyOf } from "../api/client";
import { meQuery } from "../api/queries";
import { useSession } from "../parts/session";
import { FormFault, faultOf } from "../parts/trouble";
import { Button } from "../ui/button";
import { TextField } from "../ui/field";
import { PageHead } from "../ui/page-head";

/** Takes an invitation with the account that is signed in. */
export function JoinPage() {
  const { me, choose } = useSession();
  const { invitation } = useSearch({ from: "/app/join" });
  const queries = useQueryClient();
  const [code, setCode] = useState(invitation ?? "");
  const join = useMutation({
    mutationFn: () => bodyOf(api.POST("/api/v1/invitations/accept", { body: { code } })),
    onSuccess: async (organization) => {
      await queries.invalidateQueries({ queryKey: meQuery.queryKey });
      choose(organization.id);
    },
  });
  const fault = faultOf(join.error, "code");
  return (
    <div className="page">
      <PageHead title="Join an organization">
        You are {me.email}; the invitation must be for that address.
      </PageHead>
      <form
        className="max-w-sm space-y-4"
        onSubmit={(event) => {
          event.preventDefault();
          join.mutate();
        }}
      >
        {!fault && <FormFault error={join.error} />}
        <TextField
          label="Invitation"
          name="invitation"
          required
          value={code}
          onText={setCode}
          hint="The code at the end of the link that you were sent."
          fault={fault}
        />
        <Button type="submit" look="primary" busy={join.isPending}>
          Join
        </Button>
      </form>
    </div>
  );
}
