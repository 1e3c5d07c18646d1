// How long what was read counts, and what happens when the session is over.
import { QueryCache, QueryClient } from "@tanstack/react-query";
import { isApiError } from "./problem";

const retries = 3;

export function createQueries(onSignedOut: () => void): QueryClient {
  return new QueryClient({
    queryCache: new QueryCache({
      onError: (error, query) => {
        if (isApiError(error, 401) && query.queryKey[0] !== "me") onSignedOut();
      },
    }),
    defaultOptions: {
      queries: {
        // The event stream says what is old; this covers what it cannot say.
        staleTime: 15_000,
        retry: (count, error) => count < retries && isPassing(error),
      },
      mutations: { retry: false },
    },
  });
}

/** Whether the same call may succeed a little later. */
function isPassing(error: Error): boolean {
  return !isApiError(error) || error.problem.status === 0 || error.problem.status >= 500;
}
