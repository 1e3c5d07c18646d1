import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, done } from "../api/client";
import { sessionsQuery } from "../api/queries";
import { Badge } from "../ui/badge";
import { Button } from "../ui/button";
import { Part } from "../ui/part";
import { Time } from "../ui/time";
import { browserName } from "../words/browser";
import { Loaded } from "./loaded";
import { FormFault } from "./trouble";

export function SessionSettings() {
  const queries = useQueryClient();
  const sessions = useQuery(sessionsQuery);
  const end = useMutation({
    mutationFn: (session: string) =>
      done(api.DELETE("/api/v1/sessions/{session}", { params: { path: { session } } })),
    onSuccess: () => queries.invalidateQueries({ queryKey: sessionsQuery.queryKey }),
  });
  return (
    <Part
      title="Your sessions"
      about="Every browser that is signed in as you. One you do not know, end at once."
    >
      <FormFault error={end.error} />
      <Loaded query={sessions}>
        {(all) => (
          <ul className="divide-y divide-line border-y border-line">
            {all.map((one) => (
              <li key={one.id} className="flex flex-wrap items-center gap-x-6 gap-y-1 py-3">
                <span className="min-w-0 flex-1 basis-64">
                  <span className="font-semibold" title={one.user_agent}>
                    {browserName(one.user_agent)}
                  </span>
                  <span className="block text-soft">
                    since <Time at={one.created_at} />, last used <Time at={one.last_used_at} />
                  </span>
                </span>
                {one.current ? (
                  <Badge tone="good">This one</Badge>
                ) : (
                  <Button
                    small
                    busy={end.isPending && end.variables === one.id}
                    onClick={() => end.mutate(one.id)}
                  >
                    End<span className="sr-only"> the session of {browserName(one.user_agent)}</span>
                  </Button>
                )}
              </li>
            ))}
          </ul>
        )}
      </Loaded>
    </Part>
  );
}
