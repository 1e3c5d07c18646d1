import { useQueryClient } from "@tanstack/react-query";
import { useRouter } from "@tanstack/react-router";
import { meQuery } from "../api/queries";

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
