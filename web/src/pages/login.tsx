import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link, useRouter, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { api, bodyOf } from "../api/client";
import { meQuery } from "../api/queries";
import type { LoginRequest } from "../api/types";
import { FormFault, faultOf } from "../parts/trouble";
import { Button } from "../ui/button";
import { TextField } from "../ui/field";
import { useTitle } from "../ui/title";
import { Entrance } from "./entrance";

export function LoginPage() {
  useTitle("Sign in");
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
          <Link to="/sign-up" className="link">
            Sign up
          </Link>
        </>
      }
    >
      <form
        className="space-y-5"
        onSubmit={(event) => {
          event.preventDefault();
          login.mutate({ email, password });
        }}
      >
        <FormFault error={login.error} />
        <TextField
          label="E-mail"
          type="email"
          name="email"
          autoComplete="username"
          required
          value={email}
          onText={setEmail}
          fault={faultOf(login.error, "email")}
        />
        <TextField
          label="Password"
          type="password"
          name="password"
          autoComplete="current-password"
          required
          value={password}
          onText={setPassword}
          fault={faultOf(login.error, "password")}
        />
        <Button type="submit" look="primary" className="w-full" busy={login.isPending}>
          {login.isPending ? "Signing in" : "Sign in"}
        </Button>
      </form>
    </Entrance>
  );
}

/** Goes on to `path` with nothing left over from before the session. */
export function useEnter(path: string) {
  const router = useRouter();
  const queries = useQueryClient();
  return async () => {
    queries.clear();
    await queries.prefetchQuery(meQuery);
    router.history.push(path);
  };
}
