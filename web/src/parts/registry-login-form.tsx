import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, bodyOf } from "../api/client";
import { registryLoginsQuery } from "../api/queries";
import type { EnterRegistryLogin, LoginKind, RegistryLogin, RegistrySecret } from "../api/types";
import { Button } from "../ui/button";
import { AreaField, ChoiceField, TextField } from "../ui/field";
import { Notice } from "../ui/notice";
import { kindOfHost, loginKinds, loginKindWord } from "../words/registry";
import { FormFault, faultOf } from "./trouble";

interface Props {
  organization: string;
  /** The one that is entered again. */
  login?: RegistryLogin;
  onDone: () => void;
}

const noTexts = { name: "", secret: "", role: "", external: "", tenant: "" };

/** A login's fields. Whatever is changed, the secret is asked for: nobody can read the old one. */
export function EnterLogin({ organization, login, onDone }: Props) {
  const queries = useQueryClient();
  const [host, setHost] = useState(login?.host ?? "");
  const [prefix, setPrefix] = useState(login?.prefix ?? "");
  const [server, setServer] = useState(login?.offered_host ?? login?.auth_host ?? "");
  const [chosen, setChosen] = useState<LoginKind | undefined>(login?.kind);
  const [texts, setTexts] = useState({ ...noTexts, name: login && named(login.kind) ? login.user_name : "" });
  const kind = chosen ?? kindOfHost(host);
  const own = kind === "basic" || kind === "identity-token";
  const enter = useMutation({
    mutationFn: (body: EnterRegistryLogin) =>
      login
        ? bodyOf(
            api.PUT("/api/v1/organizations/{organization}/registry-logins/{login}", {
              params: { path: { organization, login: login.id } },
              body,
            }),
          )
        : bodyOf(
            api.POST("/api/v1/organizations/{organization}/registry-logins", {
              params: { path: { organization } },
              body,
            }),
          ),
    onSuccess: async () => {
      onDone();
      await queries.invalidateQueries({ queryKey: registryLoginsQuery(organization).queryKey });
    },
  });
  return (
    <form
      className="space-y-5"
      onSubmit={(event) => {
        event.preventDefault();
        enter.mutate({
          host,
          prefix,
          auth_host: own ? server || null : null,
          secret: secretOf(kind, texts),
        });
      }}
    >
      <FormFault error={enter.error} />
      {login?.offered_host && (
        <Notice tone="wait">
          The registry names the token server <code>{login.offered_host}</code>. Keep it below only if you
          know that it belongs to the registry: the secret goes there.
        </Notice>
      )}
      <TextField
        label="Registry"
        name="host"
        required
        value={host}
        onText={setHost}
        placeholder="ghcr.io"
        hint="The host, as images name it. Docker Hub is docker.io."
        fault={faultOf(enter.error, "host")}
      />
      <TextField
        label="Only images below (optional)"
        name="prefix"
        value={prefix}
        onText={setPrefix}
        placeholder="acme/team"
        hint="The longest one wins where several logins of a host are for an image."
        fault={faultOf(enter.error, "prefix")}
      />
      <ChoiceField
        label="Kind"
        value={kind}
        choices={loginKinds.map((value) => ({ value, label: loginKindWord[value] }))}
        onChoose={setChosen}
      />
      <SecretFields kind={kind} texts={texts} onTexts={setTexts} error={enter.error} />
      {own && (
        <TextField
          label="Token server at another host (optional)"
          name="auth_host"
          value={server}
          onText={setServer}
          placeholder="gitlab.example.com"
          hint="A test shows the host when a registry names one. The secret goes there, too."
          fault={faultOf(enter.error, "auth_host")}
        />
      )}
      <Button type="submit" look="primary" busy={enter.isPending}>
        {login ? "Enter the login" : "Add the login"}
      </Button>
    </form>
  );
}

type Texts = typeof noTexts;

interface SecretProps {
  kind: LoginKind;
  texts: Texts;
  onTexts: (texts: Texts) => void;
  error: Error | null;
}

function SecretFields({ kind, texts, onTexts, error }: SecretProps) {
  const field = (key: keyof Texts, label: string, at: string, hint?: string) => ({
    label,
    name: at,
    value: texts[key],
    onText: (text: string) => onTexts({ ...texts, [key]: text }),
    hint,
    fault: faultOf(error, `secret.${at}`),
  });
  const secret = { type: "password", autoComplete: "off", required: true } as const;
  switch (kind) {
    case "basic":
      return (
        <>
          <TextField {...field("name", "User name", "username")} required autoComplete="off" />
          <TextField {...field("secret", "Password or token", "password")} {...secret} />
        </>
      );
    case "identity-token":
      return <TextField {...field("secret", "Identity token", "token")} {...secret} />;
    case "ecr":
      return (
        <>
          <TextField {...field("name", "Access key id", "access_key_id")} required autoComplete="off" />
          <TextField {...field("secret", "Secret access key", "secret_access_key")} {...secret} />
          <TextField {...field("role", "Role to assume (optional)", "role_arn")} />
          <TextField {...field("external", "External id (optional)", "external_id", "Goes with a role.")} />
        </>
      );
    case "gar":
      return (
        <AreaField
          {...field("secret", "Key of a service account", "key", "The JSON file that Google made, whole.")}
          required
          rows={8}
        />
      );
    case "acr":
      return (
        <>
          <TextField {...field("tenant", "Tenant", "tenant", "Its id or domain.")} required />
          <TextField {...field("name", "Application (client) id", "client_id")} required autoComplete="off" />
          <TextField {...field("secret", "Client secret", "client_secret")} {...secret} />
        </>
      );
  }
}

function named(kind: LoginKind): boolean {
  return kind === "basic" || kind === "ecr" || kind === "acr";
}

function secretOf(kind: LoginKind, { name, secret, role, external, tenant }: Texts): RegistrySecret {
  switch (kind) {
    case "basic":
      return { kind, username: name, password: secret };
    case "identity-token":
      return { kind, token: secret };
    case "ecr":
      return {
        kind,
        access_key_id: name,
        secret_access_key: secret,
        role_arn: role || null,
        external_id: external || null,
      };
    case "gar":
      return { kind, key: secret };
    case "acr":
      return { kind, tenant, client_id: name, client_secret: secret };
  }
}

/** All hosts of a file at once. */
export function DockerLogins({ organization, onDone }: { organization: string; onDone: () => void }) {
  const queries = useQueryClient();
  const [config, setConfig] = useState("");
  const add = useMutation({
    mutationFn: () =>
      bodyOf(
        api.POST("/api/v1/organizations/{organization}/registry-logins/docker-config", {
          params: { path: { organization } },
          body: { config },
        }),
      ),
    onSuccess: async () => {
      onDone();
      await queries.invalidateQueries({ queryKey: registryLoginsQuery(organization).queryKey });
    },
  });
  return (
    <form
      className="space-y-5"
      onSubmit={(event) => {
        event.preventDefault();
        add.mutate();
      }}
    >
      <FormFault error={add.error} />
      <AreaField
        label="Configuration"
        name="config"
        required
        rows={10}
        value={config}
        onText={setConfig}
        hint="~/.docker/config.json, or .dockerconfigjson of a pull secret. One login for each host is added, or none. Hosts whose secret lies in a credential store are added by themselves."
        fault={faultOf(add.error, "config")}
      />
      <Button type="submit" look="primary" busy={add.isPending}>
        Add the logins
      </Button>
    </form>
  );
}
