import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, bodyOf } from "../api/client";
import { meQuery } from "../api/queries";
import { Button } from "../ui/button";
import { TextField } from "../ui/field";
import { FormFault, faultOf } from "./trouble";

export function OrganizationForm({ onMade }: { onMade: (organization: string) => void }) {
  const queries = useQueryClient();
  const [name, setName] = useState("");
  const make = useMutation({
    mutationFn: () => bodyOf(api.POST("/api/v1/organizations", { body: { name } })),
    onSuccess: async (made) => {
      await queries.invalidateQueries({ queryKey: meQuery.queryKey });
      onMade(made.id);
    },
  });
  const fault = faultOf(make.error, "name");
  return (
    <form
      className="space-y-4"
      onSubmit={(event) => {
        event.preventDefault();
        make.mutate();
      }}
    >
      {!fault && <FormFault error={make.error} />}
      <TextField
        label="Name of the organization"
        name="organization"
        required
        maxLength={60}
        value={name}
        onText={setName}
        hint="Usually your company or team."
        fault={fault}
      />
      <Button type="submit" look="primary" busy={make.isPending}>
        Make the organization
      </Button>
    </form>
  );
}
