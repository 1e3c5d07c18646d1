// What lies between the knots of a line: how far it was reached, how long it took, and which took longest.
import type { Line } from "../api/types";

export interface Strand {
  /** `done`: passed; `now`: on the way; `ahead`: later; `never`: the change has ended before it. */
  reach: "done" | "now" | "ahead" | "never";
  /** Milliseconds it took, or has taken until now. */
  took: number | undefined;
  /** The station's time was told by a later one, so the true time is at most this. */
  inferred: boolean;
  longest: boolean;
}

/** The four strands of a line; the first leads from pushed to proposed. */
export function strandsOf(line: Line, now: number): Strand[] {
  const strands = line.knots.slice(1).map((knot, index) => {
    if (knot.state === "done") {
      return {
        reach: "done" as const,
        took: knot.took_ms ?? undefined,
        inferred: knot.inferred,
        longest: false,
      };
    }
    if (line.end) return { reach: "never" as const, took: undefined, inferred: false, longest: false };
    if (knot.state === "not-yet") {
      return { reach: "ahead" as const, took: undefined, inferred: false, longest: false };
    }
    const since = line.knots[index]?.at ?? line.since;
    const took = since ? Math.max(0, now - Date.parse(since)) : undefined;
    return { reach: "now" as const, took, inferred: false, longest: false };
  });
  const measured = strands.filter((strand) => strand.took !== undefined);
  if (measured.length < 2) return strands;
  const most = Math.max(...measured.map((strand) => strand.took ?? 0));
  const first = strands.findIndex((strand) => strand.took === most);
  return strands.map((strand, index) => ({ ...strand, longest: index === first && most > 0 }));
}

/** From the first knot to the last one reached, or to now while it is under way. */
export function wholeTime(line: Line, now: number): number | undefined {
  const start = line.knots.find((knot) => knot.at)?.at;
  if (!start) return undefined;
  const end = line.ended_at ? Date.parse(line.ended_at) : now;
  return Math.max(0, end - Date.parse(start));
}
