import { useMutation } from "@tanstack/react-query";
import { Link, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { api, bodyOf } from "../api/client";
import { isApiError } from "../api/problem";
import type { SignUpRequest } from "../api/types";
import { useEnter } from "../parts/enter";
import { dropInvitation, keptInvitation } from "../parts/invitation";
import { faultOf } from "../parts/trouble";
import { TextField } from "../ui/field";
import { EmailField, Entrance, EntranceForm, PasswordField } from "./entrance";

export function SignUpPage() {
  const { next } = useSearch({ from: "/sign-up" });
  const [name, setName] = useState("");
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const [code, setCode] = useState(keptInvitation);
  const [invited] = useState(code !== "");
  // Who was invited has an organization already; who was not makes one.
  const enter = useEnter(code ? "/" : "/onboarding");
  const signUp = useMutation({
    mutationFn: (body: SignUpRequest) => bodyOf(api.POST("/api/v1/sign-up", { body })),
    onSuccess: async () => {
      dropInvitation();
      await enter();
    },
  });
  const codeFault = faultOf(signUp.error, "invitation");
  const codeNeeded = isApiError(signUp.error) && signUp.error.problem.code === "invitation-needed";
  return (
    <Entrance
      title={invited ? "Sign up to join" : "Sign up"}
      below={
        <>
          Have an account?{" "}
          <Link to="/login" search={{ next: invited ? "/join" : next }} className="link">
            Sign in
          </Link>
        </>
      }
    >
      <EntranceForm
        error={signUp.error}
        busy={signUp.isPending}
        action="Make the account"
        acting="Making the account"
        onSubmit={() => signUp.mutate({ name, email, password, invitation: code || null })}
      >
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
        <EmailField value={email} onText={setEmail} error={signUp.error} />
        <PasswordField value={password} onText={setPassword} error={signUp.error} chosen />
        {(invited || code || codeFault || codeNeeded) && (
          <TextField
            label="Invitation"
            name="invitation"
            autoComplete="off"
            value={code}
            onText={setCode}
            hint="An owner of the organization hands it out; it is for one address."
            fault={codeFault}
          />
        )}
      </EntranceForm>
    </Entrance>
  );
}
