import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, done } from "../api/client";
import { sessionsQuery } from "../api/queries";
import type { ChangePassword } from "../api/types";
import { Button } from "../ui/button";
import { TextField } from "../ui/field";
import { Notice } from "../ui/notice";
import { Part } from "../ui/part";
import { FormFault, faultOf } from "./trouble";

export function PasswordSettings() {
  const queries = useQueryClient();
  const [current, setCurrent] = useState("");
  const [password, setPassword] = useState("");
  const change = useMutation({
    mutationFn: (body: ChangePassword) => done(api.POST("/api/v1/password", { body })),
    onSuccess: async () => {
      setCurrent("");
      setPassword("");
      await queries.invalidateQueries({ queryKey: sessionsQuery.queryKey });
    },
  });
  return (
    <Part
      title="Your password"
      about="Every other browser that is signed in as you is signed out by a change. API tokens stay."
    >
      <form
        className="max-w-sm space-y-5"
        onSubmit={(event) => {
          event.preventDefault();
          change.mutate({ current, password });
        }}
      >
        <FormFault error={change.error} />
        {change.isSuccess && <Notice tone="good">The new password holds from now on.</Notice>}
        <TextField
          label="Password now"
          type="password"
          name="password"
          autoComplete="current-password"
          required
          value={current}
          onText={setCurrent}
          fault={faultOf(change.error, "current")}
        />
        <TextField
          label="New password"
          type="password"
          name="new-password"
          autoComplete="new-password"
          required
          minLength={12}
          maxLength={128}
          value={password}
          onText={setPassword}
          hint="At least 12 characters; a few words in a row are good."
          fault={faultOf(change.error, "password")}
        />
        <Button type="submit" look="primary" busy={change.isPending}>
          {change.isPending ? "Changing" : "Change the password"}
        </Button>
      </form>
    </Part>
  );
}
