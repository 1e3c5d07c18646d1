import { useMutation } from "@tanstack/react-query";
import { Link, useLocation, useNavigate } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { api, done } from "../api/client";
import { buttonClass } from "../ui/button";
import { Entrance, EntranceForm, PasswordField } from "./entrance";

/** Where a link for a new password leads. The link's secret stands behind the `#` and is kept by this page alone. */
export function PasswordPage() {
  const { hash } = useLocation();
  const navigate = useNavigate();
  const [link, setLink] = useState("");
  useEffect(() => {
    if (!hash) return;
    setLink(decodeURIComponent(hash));
    // A secret that was read stands in no history.
    void navigate({ to: "/password", hash: "", replace: true });
  }, [hash, navigate]);
  if (hash) return null;
  return (
    <Entrance
      title="Choose a new password"
      below={
        <>
          Know it after all?{" "}
          <Link to="/login" className="link">
            Sign in
          </Link>
        </>
      }
    >
      {link ? <Choose link={link} /> : <NoLink />}
    </Entrance>
  );
}

function Choose({ link }: { link: string }) {
  const [password, setPassword] = useState("");
  const reset = useMutation({
    mutationFn: () => done(api.POST("/api/v1/password/reset", { body: { link, password } })),
  });
  if (reset.isSuccess) {
    return (
      <div className="space-y-5">
        <p className="text-base text-pretty">
          The new password holds from now on, and every browser that was signed in as you is signed out.
        </p>
        <Link to="/login" className={buttonClass("primary")}>
          Sign in
        </Link>
      </div>
    );
  }
  return (
    <EntranceForm
      error={reset.error}
      busy={reset.isPending}
      action="Choose this password"
      acting="Choosing"
      onSubmit={() => reset.mutate()}
    >
      <PasswordField value={password} onText={setPassword} error={reset.error} chosen />
    </EntranceForm>
  );
}

function NoLink() {
  return (
    <p className="text-base text-pretty">
      A new password is chosen by a link. Whoever runs this installation makes one for your address, with{" "}
      <code className="break-all">heddle-api password-link ADDRESS</code>, and hands it on to you.
    </p>
  );
}
