// Who is asking, and for which organization: the one thing every page needs besides its own data.
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { createContext, type ReactNode, useContext, useEffect, useMemo } from "react";
import { meQuery } from "../api/queries";
import type { Me, Organization, Role } from "../api/types";
import { allows, roleWord } from "../words/state";

interface Session {
  me: Me;
  /** `undefined` before the first one was made. */
  organization: Organization | undefined;
  choose: (organization: string) => void;
}

const SessionContext = createContext<Session | undefined>(undefined);
const kept = "heddle.organization";

export function SessionProvider({ children }: { children: ReactNode }) {
  const { data: me } = useQuery(meQuery);
  const { org } = useSearch({ from: "__root__" });
  const navigate = useNavigate();
  const organization = me && pick(me.organizations, org);
  const id = organization?.id;

  useEffect(() => {
    if (id) localStorage.setItem(kept, id);
  }, [id]);

  // An address that is passed on must open the same organization.
  const several = (me?.organizations.length ?? 0) > 1;
  useEffect(() => {
    if (several && id && org !== id) {
      void navigate({ to: ".", search: (search) => ({ ...search, org: id }), replace: true });
    }
  }, [several, id, org, navigate]);

  const session = useMemo(
    () =>
      me && {
        me,
        organization,
        choose: (next: string) => void navigate({ to: "/", search: { org: next, env: undefined } }),
      },
    [me, organization, navigate],
  );
  if (!session) return null;
  return <SessionContext value={session}>{children}</SessionContext>;
}

function pick(organizations: Organization[], asked: string | undefined): Organization | undefined {
  const last = localStorage.getItem(kept);
  return (
    organizations.find((one) => one.id === asked) ??
    organizations.find((one) => one.id === last) ??
    organizations[0]
  );
}

export function useSession(): Session {
  const session = useContext(SessionContext);
  if (!session) throw new Error("a page of the application stands outside of SessionProvider");
  return session;
}

/** The organization; the router sends whoever has none to the check list, so every other page has one. */
export function useOrganization(): Organization {
  const { organization } = useSession();
  if (!organization) throw new Error("this page needs an organization");
  return organization;
}

/** Why the asker may not do what takes `needed`; `false` when it is allowed. */
export function useRefusal(needed: Role): string | false {
  const { organization } = useSession();
  if (!organization || allows(organization.role, needed)) return false;
  return `this takes the role ${roleWord[needed]}, and yours is ${roleWord[organization.role]}`;
}

/** The environment that the address asks for. */
export function useEnvironment(): string | undefined {
  return useSearch({ from: "__root__" }).env;
}
