import type { ReactNode } from "react";
import { Notice } from "../ui/notice";
import { Skeleton } from "../ui/skeleton";
import { Time } from "../ui/time";
import { sentence } from "../words/sentence";
import { Trouble } from "./trouble";

/** What of a query is looked at. */
export interface Reading<T> {
  data: T | undefined;
  error: Error | null;
  dataUpdatedAt: number;
  refetch: () => unknown;
}

interface Props<T> {
  query: Reading<T>;
  skeleton?: ReactNode;
  children: (data: T) => ReactNode;
}

/** Shows what was read; a skeleton before it came; the last known state with its age when it cannot be read any more. */
export function Loaded<T>({ query, skeleton, children }: Props<T>) {
  const { data, error, dataUpdatedAt } = query;
  if (data === undefined) {
    return error ? <Trouble error={error} onRetry={() => query.refetch()} /> : (skeleton ?? <Skeleton />);
  }
  return (
    <>
      {error && (
        <div className="mb-4">
          <Notice tone="grey">
            As of <Time at={new Date(dataUpdatedAt).toISOString()} as="clock" />. {sentence(error.message)}
          </Notice>
        </div>
      )}
      {children(data)}
    </>
  );
}
