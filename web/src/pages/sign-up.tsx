import { useMutation } from "@tanstack/react-query";
import { Link, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { api, bodyOf } from "../api/client";
import type { SignUpRequest } from "../api/types";
import { FormFault, faultOf } from "../parts/trouble";
import { Button } from "../ui/button";
import { TextField } from "../ui/field";
import { useTitle } from "../ui/title";
import { Entrance } from "./entrance";
import { useEnter } from "./login";

export function SignUpPage() {
  useTitle("Sign up");
  const { invitation } = useSearch({ from: "/sign-up" });
  const enter = useEnter("/onboarding");
  const [name, setName] = useState("");
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const [code, setCode] = useState(invitation ?? "");
  const signUp = useMutation({
    mutationFn: (body: SignUpRequest) => bodyOf(api.POST("/api/v1/sign-up", { body })),
    onSuccess: enter,
  });
  const codeFault = faultOf(signUp.error, "invitation");
  return (
    <Entrance
      title="Sign up"
      below={
        <>
          Have an account?{" "}
          <Link to="/login" className="link">
            Sign in
          </Link>
        </>
      }
    >
      <form
        className="space-y-5"
        onSubmit={(event) => {
          event.preventDefault();
          signUp.mutate({ name, email, password, invitation: code || null });
        }}
      >
        <FormFault error={signUp.error} />
        <TextField
          label="Name"
          name="name"
          autoComplete="name"
          required
          maxLength={100}
          value={name}
          onText={setName}
          hint="Others in your organization see it."
          fault={faultOf(signUp.error, "name")}
        />
        <TextField
          label="E-mail"
          type="email"
          name="email"
          autoComplete="username"
          required
          value={email}
          onText={setEmail}
          fault={faultOf(signUp.error, "email")}
        />
        <TextField
          label="Password"
          type="password"
          name="new-password"
          autoComplete="new-password"
          required
          minLength={12}
          maxLength={128}
          value={password}
          onText={setPassword}
          hint="At least 12 characters; a few words in a row are good."
          fault={faultOf(signUp.error, "password")}
        />
        {(invitation || codeFault) && (
          <TextField label="Invitation" name="invitation" value={code} onText={setCode} fault={codeFault} />
        )}
        <Button type="submit" look="primary" className="w-full" busy={signUp.isPending}>
          {signUp.isPending ? "Making the account" : "Make the account"}
        </Button>
      </form>
    </Entrance>
  );
}
