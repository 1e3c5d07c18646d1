import type { Line } from "../api/types";
import { ThreadWide } from "./thread";

/** What will stand in a place that is still empty. */
export function ExampleThread() {
  return <ThreadWide line={example} label="" />;
}

const example: Line = {
  knots: [
    { station: "pushed", state: "done", inferred: false },
    { station: "proposed", state: "done", inferred: false, took_ms: 400 },
    { station: "merged", state: "done", inferred: false, took_ms: 500 },
    { station: "applied", state: "done", inferred: false, took_ms: 600 },
    { station: "healthy", state: "moving", inferred: false },
  ],
  rollouts: [],
};
