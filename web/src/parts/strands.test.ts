import { expect, test } from "vitest";
import type { Knot, Line, Station } from "../api/types";
import { strandsOf, wholeTime } from "./strands";

const start = Date.parse("2026-11-20T10:00:00Z");
const at = (ms: number) => new Date(start + ms).toISOString();

const knot = (station: Station, ms?: number, took_ms?: number): Knot => ({
  station,
  state: ms === undefined ? "not-yet" : "done",
  at: ms === undefined ? null : at(ms),
  took_ms,
  inferred: false,
});

const waiting: Line = {
  knots: [
    knot("pushed", 0),
    knot("proposed", 400, 400),
    { ...knot("merged"), state: "waiting" },
    knot("applied"),
    knot("healthy"),
  ],
  rollouts: [],
};

test("what is under way is measured until now, and may be the longest", () => {
  expect(strandsOf(waiting, start + 60_400)).toEqual([
    { reach: "done", took: 400, inferred: false, longest: false },
    { reach: "now", took: 60_000, inferred: false, longest: true },
    { reach: "ahead", took: undefined, inferred: false, longest: false },
    { reach: "ahead", took: undefined, inferred: false, longest: false },
  ]);
});

test("after an end nothing lies ahead, and one strand alone is not the longest", () => {
  const ended: Line = {
    ...waiting,
    knots: waiting.knots.map((one) => (one.state === "waiting" ? { ...one, state: "not-yet" } : one)),
    end: "declined",
    ended_at: at(5_000),
  };
  const strands = strandsOf(ended, start + 60_000);
  expect(strands.map((strand) => strand.reach)).toEqual(["done", "never", "never", "never"]);
  expect(strands.some((strand) => strand.longest)).toBe(false);
  expect(wholeTime(ended, start + 60_000)).toBe(5_000);
});
