// Keeps what is shown up to date, and says whether it is.
import { useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext, useEffect, useState, useSyncExternalStore } from "react";
import { LiveLink, type LiveState } from "../api/live";
import { Time } from "../ui/time";

const nothing: LiveState = { live: false, asOf: undefined };
const LiveContext = createContext<LiveLink | undefined>(undefined);

export function LiveProvider({
  organization,
  children,
}: {
  organization: string | undefined;
  children: ReactNode;
}) {
  const queries = useQueryClient();
  const [link, setLink] = useState<LiveLink>();
  useEffect(() => {
    if (!organization) return;
    const next = new LiveLink(organization, queries);
    setLink(next);
    return () => next.close();
  }, [organization, queries]);
  return <LiveContext value={link}>{children}</LiveContext>;
}

export function useLive(): LiveState {
  const link = useContext(LiveContext);
  return useSyncExternalStore(link?.subscribe ?? never, link?.state ?? (() => nothing));
}

function never() {
  return () => undefined;
}

/** The connection dot: `live`, or how old the page is. */
export function LiveDot() {
  const { live, asOf } = useLive();
  return (
    <span className="inline-flex items-center gap-2 text-sm whitespace-nowrap text-soft" role="status">
      <svg width="10" height="10" viewBox="0 0 10 10" aria-hidden="true">
        {live ? (
          <circle cx="5" cy="5" r="4" className="fill-good" />
        ) : (
          <circle cx="5" cy="5" r="3.5" fill="none" strokeWidth="2" className="stroke-wait" />
        )}
      </svg>
      {live ? (
        "live"
      ) : asOf === undefined ? (
        "connecting"
      ) : (
        <span>
          as of <Time at={new Date(asOf).toISOString()} as="clock" />
        </span>
      )}
    </span>
  );
}
