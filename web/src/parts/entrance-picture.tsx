import type { Knot, Line } from "../api/types";
import { ThreadHeads, ThreadWide } from "./thread";

const minute = 60_000;

/** What Heddle shows, drawn with the same thread as every page; the times are an example. */
export function EntrancePicture() {
  return (
    <div className="mx-auto w-full max-w-xl">
      <p className="mb-10 text-lg text-pretty">
        Each new image, from the registry, through Git, into the cluster. One thread for each, with the time
        every step took, and the reason where one is stuck.
      </p>
      <div aria-hidden inert className="rounded border border-line bg-paper py-4">
        <ThreadHeads />
        {examples().map((line) => (
          <ThreadWide key={line.knots.map((knot) => knot.state).join()} line={line} label="" />
        ))}
      </div>
    </div>
  );
}

function examples(): Line[] {
  const now = Date.now();
  const ago = (ms: number) => new Date(now - ms).toISOString();
  const line = (knots: Knot[]): Line => ({ knots, rollouts: [] });
  return [
    line([
      { station: "pushed", state: "done", at: ago(4 * minute), inferred: false },
      { station: "proposed", state: "done", at: ago(4 * minute), inferred: false, took_ms: 400 },
      { station: "merged", state: "done", at: ago(2 * minute), inferred: false, took_ms: 114_000 },
      { station: "applied", state: "done", at: ago(2 * minute), inferred: false, took_ms: 600 },
      { station: "healthy", state: "done", at: ago(2 * minute), inferred: false, took_ms: 1_700 },
    ]),
    line([
      { station: "pushed", state: "done", at: ago(50_000), inferred: false },
      { station: "proposed", state: "done", at: ago(49_000), inferred: false, took_ms: 700 },
      { station: "merged", state: "done", at: ago(20_000), inferred: false, took_ms: 29_000 },
      { station: "applied", state: "done", at: ago(19_000), inferred: false, took_ms: 900 },
      { station: "healthy", state: "moving", inferred: false },
    ]),
    line([
      { station: "pushed", state: "done", at: ago(7 * minute), inferred: false },
      { station: "proposed", state: "done", at: ago(7 * minute), inferred: false, took_ms: 500 },
      { station: "merged", state: "waiting", inferred: false },
      { station: "applied", state: "not-yet", inferred: false },
      { station: "healthy", state: "not-yet", inferred: false },
    ]),
  ];
}
