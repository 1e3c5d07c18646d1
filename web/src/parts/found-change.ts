import { useNavigate } from "@tanstack/react-router";
import { useEffect } from "react";
import { api } from "../api/client";
import { isApiError } from "../api/problem";
import { useSession } from "./session";

/** A permalink names no organization: where this one has no such change, the person's others are asked. */
export function useFoundChange(change: string, error: Error | null) {
  const { me, organization } = useSession();
  const navigate = useNavigate();
  const missing = isApiError(error, 404);
  useEffect(() => {
    if (!missing) return;
    let wanted = true;
    const others = me.organizations.filter((one) => one.id !== organization?.id);
    const ask = async () => {
      for (const { id } of others) {
        const { data } = await api.GET("/api/v1/organizations/{organization}/changes/{change}", {
          params: { path: { organization: id, change } },
        });
        if (!wanted) return;
        if (data) {
          void navigate({ to: ".", search: (search) => ({ ...search, org: id }), replace: true });
          return;
        }
      }
    };
    ask().catch(() => undefined);
    return () => {
      wanted = false;
    };
  }, [missing, change, me, organization, navigate]);
}
