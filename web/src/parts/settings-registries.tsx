import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, bodyOf, done } from "../api/client";
import { registryLoginsQuery } from "../api/queries";
import type { RegistryLogin } from "../api/types";
import { Badge } from "../ui/badge";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { TextField } from "../ui/field";
import { Notice } from "../ui/notice";
import { Part } from "../ui/part";
import { Prose } from "../ui/prose";
import { Time } from "../ui/time";
import { loginKindWord, loginName, loginState } from "../words/registry";
import { sentence } from "../words/sentence";
import { AskedFirst } from "./asked-first";
import { Loaded } from "./loaded";
import { DockerLogins, EnterLogin } from "./registry-login-form";
import { useOrganization, useRefusal } from "./session";
import { FormFault, faultOf } from "./trouble";

export function RegistrySettings() {
  const { id } = useOrganization();
  const logins = useQuery(registryLoginsQuery(id));
  const role = useRefusal("admin");
  const missing = logins.data?.missing;
  const refusal = role || (missing ? "no sealing key is set on this server" : false);
  const [open, setOpen] = useState<"one" | "docker">();
  const close = () => setOpen(undefined);
  return (
    <Part
      title="Registries"
      about="Logins that private images are read with. A secret is kept sealed, goes to its registry alone, and is never shown again."
      action={
        <span className="flex flex-wrap gap-3">
          <Button because={refusal} onClick={() => setOpen("docker")}>
            Paste a Docker configuration
          </Button>
          <Button because={refusal} onClick={() => setOpen("one")}>
            Add a login
          </Button>
        </span>
      }
    >
      <Loaded query={logins}>
        {({ missing: told, logins: all }) => (
          <div className="space-y-4">
            {told && (
              <Notice tone="wait">
                <Prose text={sentence(told)} />
              </Notice>
            )}
            {all.length === 0 ? (
              <p className="text-soft">There is none yet. Images that anybody may pull need none.</p>
            ) : (
              <ul className="divide-y divide-line border-y border-line">
                {all.map((one) => (
                  <Login key={one.id} organization={id} login={one} refusal={refusal} />
                ))}
              </ul>
            )}
          </div>
        )}
      </Loaded>
      <Dialog open={open === "one"} onClose={close} title="Add a login" wide>
        <EnterLogin organization={id} onDone={close} />
      </Dialog>
      <Dialog open={open === "docker"} onClose={close} title="Paste a Docker configuration" wide>
        <DockerLogins organization={id} onDone={close} />
      </Dialog>
    </Part>
  );
}

interface LoginProps {
  organization: string;
  login: RegistryLogin;
  refusal: string | false;
}

function Login({ organization, login, refusal }: LoginProps) {
  const { word, tone } = loginState(login);
  const reason = login.unreadable ?? login.reason;
  return (
    <li className="flex flex-wrap items-start gap-x-6 gap-y-3 py-4">
      <div className="min-w-0 flex-1 basis-72 space-y-1">
        <p className="break-all font-semibold">{loginName(login)}</p>
        <p className="text-soft">
          {loginKindWord[login.kind]}: <span className="break-all">{login.user_name}</span>
          {login.last_four && (
            <>
              , ends in <code>{login.last_four}</code>
            </>
          )}
          {login.auth_host && (
            <>
              , token server <code>{login.auth_host}</code>
            </>
          )}
        </p>
        <p className="text-xs text-soft">
          Added <Time at={login.added_at} /> by {login.added_by}
        </p>
      </div>
      <div className="min-w-0 flex-1 basis-72 space-y-1">
        <p>
          <Badge tone={tone}>{word}</Badge>
          {login.used_at && (
            <span className="text-soft">
              {" "}
              <Time at={login.used_at} />
            </span>
          )}
        </p>
        {reason && (
          <p className="text-pretty">
            <Prose text={sentence(reason)} />
          </p>
        )}
        <Tested login={login} />
      </div>
      <div className="flex flex-wrap gap-2">
        <TestLogin organization={organization} login={login} refusal={refusal} />
        <EnterAgain organization={organization} login={login} refusal={refusal} />
        <RemoveLogin organization={organization} login={login} refusal={refusal} />
      </div>
    </li>
  );
}

/** How the last test ended. What its login says of itself already is not said twice. */
function Tested({ login }: { login: RegistryLogin }) {
  const test = login.test;
  if (!test) return null;
  if (!test.done_at) {
    return (
      <p role="status">
        <Badge tone="move">An automator tries it</Badge>{" "}
        <span className="text-soft">
          since <Time at={test.asked_at} />
        </span>
      </p>
    );
  }
  if (!test.message || test.message === login.reason) return null;
  return (
    <p role="status" className="text-pretty text-soft">
      Test <Time at={test.done_at} />: <Prose text={sentence(test.message)} />
    </p>
  );
}

function TestLogin({ organization, login, refusal }: LoginProps) {
  const queries = useQueryClient();
  const [open, setOpen] = useState(false);
  const [image, setImage] = useState(login.test?.image ?? "");
  const ask = useMutation({
    mutationFn: () =>
      bodyOf(
        api.POST("/api/v1/organizations/{organization}/registry-logins/{login}/test", {
          params: { path: { organization, login: login.id } },
          body: { image },
        }),
      ),
    onSuccess: async () => {
      setOpen(false);
      await queries.invalidateQueries({ queryKey: registryLoginsQuery(organization).queryKey });
    },
  });
  return (
    <>
      <Button small because={refusal} onClick={() => setOpen(true)}>
        Test<span className="sr-only"> {loginName(login)}</span>
      </Button>
      <Dialog open={open} onClose={() => setOpen(false)} title={`Test ${loginName(login)}`}>
        <form
          className="space-y-5"
          onSubmit={(event) => {
            event.preventDefault();
            ask.mutate();
          }}
        >
          <FormFault error={ask.error} />
          <TextField
            label="Image"
            name="image"
            required
            value={image}
            onText={setImage}
            placeholder={login.prefix ? `${login.prefix}/api` : "acme/api"}
            hint="One that this login should be able to read. An automator lists its tags; nothing is changed."
            fault={faultOf(ask.error, "image")}
          />
          <Button type="submit" look="primary" busy={ask.isPending}>
            Try the login
          </Button>
        </form>
      </Dialog>
    </>
  );
}

function EnterAgain({ organization, login, refusal }: LoginProps) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button small because={refusal} onClick={() => setOpen(true)}>
        Enter again<span className="sr-only"> {loginName(login)}</span>
      </Button>
      <Dialog open={open} onClose={() => setOpen(false)} title={`Enter ${loginName(login)} again`} wide>
        <EnterLogin organization={organization} login={login} onDone={() => setOpen(false)} />
      </Dialog>
    </>
  );
}

function RemoveLogin({ organization, login, refusal }: LoginProps) {
  return (
    <AskedFirst
      verb="Remove"
      name={loginName(login)}
      action="Remove the login"
      refusal={refusal}
      run={() =>
        done(
          api.DELETE("/api/v1/organizations/{organization}/registry-logins/{login}", {
            params: { path: { organization, login: login.id } },
          }),
        )
      }
      readAgain={registryLoginsQuery(organization).queryKey}
    >
      <p>
        Its images are read without it from now on; those that need it stay as they are, and say so. Workloads
        keep running. The token itself goes on working at the registry until you end it there.
      </p>
    </AskedFirst>
  );
}
