import { useMutation } from "@tanstack/react-query";
import { Link, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { api, bodyOf } from "../api/client";
import type { LoginRequest } from "../api/types";
import { useEnter } from "../parts/enter";
import { EmailField, Entrance, EntranceForm, PasswordField } from "./entrance";

export function LoginPage() {
  const { next } = useSearch({ from: "/login" });
  const enter = useEnter(next ?? "/");
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const login = useMutation({
    mutationFn: (body: LoginRequest) => bodyOf(api.POST("/api/v1/login", { body })),
    onSuccess: enter,
  });
  return (
    <Entrance
      title="Sign in"
      below={
        <>
          No account yet?{" "}
          <Link to="/sign-up" search={{ next }} className="link">
            Sign up
          </Link>
          . Forgot the password?{" "}
          <Link to="/password" className="link">
            Choose a new one
          </Link>
        </>
      }
    >
      <EntranceForm
        error={login.error}
        busy={login.isPending}
        action="Sign in"
        acting="Signing in"
        onSubmit={() => login.mutate({ email, password })}
      >
        <EmailField value={email} onText={setEmail} error={login.error} />
        <PasswordField value={password} onText={setPassword} error={login.error} />
      </EntranceForm>
    </Entrance>
  );
}
