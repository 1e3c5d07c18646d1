import { useMutation, useQuery } from "@tanstack/react-query";
import { Link, useLocation, useNavigate } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { api, bodyOf } from "../api/client";
import { isApiError } from "../api/problem";
import { meQuery } from "../api/queries";
import type { Me } from "../api/types";
import { useEnter } from "../parts/enter";
import { dropInvitation, keepInvitation, keptInvitation } from "../parts/invitation";
import { Loaded } from "../parts/loaded";
import { faultOf } from "../parts/trouble";
import { buttonClass } from "../ui/button";
import { TextField } from "../ui/field";
import { Entrance, EntranceForm } from "./entrance";

/** Where an invitation's link leads: with an account one joins, without one it is made first. */
export function JoinPage() {
  const { hash } = useLocation();
  const navigate = useNavigate();
  const me = useQuery({ ...meQuery, retry: false });
  useEffect(() => {
    if (!hash) return;
    keepInvitation(decodeURIComponent(hash));
    // A code that was read stands in no history.
    void navigate({ to: "/join", hash: "", replace: true });
  }, [hash, navigate]);
  if (hash) return null;
  const signedOut = isApiError(me.error, 401);
  return (
    <Entrance title="Join an organization" below="An invitation is for one address and lasts seven days.">
      {signedOut ? <Choose /> : <Loaded query={me}>{(data) => <Accept me={data} />}</Loaded>}
    </Entrance>
  );
}

function Choose() {
  return (
    <div className="space-y-5">
      <p className="text-base text-pretty">
        You were invited. Make an account with the address that the invitation is for, or sign in with it.
      </p>
      <div className="flex flex-wrap gap-3">
        <Link to="/sign-up" className={buttonClass("primary")}>
          Sign up
        </Link>
        <Link to="/login" search={{ next: "/join" }} className={buttonClass()}>
          Sign in
        </Link>
      </div>
    </div>
  );
}

function Accept({ me }: { me: Me }) {
  const [code, setCode] = useState(keptInvitation);
  const enter = useEnter("/");
  const accept = useMutation({
    mutationFn: () => bodyOf(api.POST("/api/v1/invitations/accept", { body: { code } })),
    onSuccess: async () => {
      dropInvitation();
      await enter();
    },
  });
  return (
    <EntranceForm
      error={accept.error}
      busy={accept.isPending}
      action={`Join as ${me.email}`}
      acting="Joining"
      onSubmit={() => accept.mutate()}
    >
      <TextField
        label="Invitation"
        name="invitation"
        autoComplete="off"
        required
        value={code}
        onText={setCode}
        hint="The code that an owner of the organization gave you."
        fault={faultOf(accept.error, "code")}
      />
    </EntranceForm>
  );
}
