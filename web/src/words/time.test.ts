import { expect, test } from "vitest";
import { age, duration, relative } from "./time";

test.each([
  [0, "0.0 s"],
  [400, "0.4 s"],
  [9_940, "9.9 s"],
  [9_960, "10 s"],
  [59_600, "1 min"],
  [114_000, "1 min 54 s"],
  [599_700, "10 min"],
  [31 * 60_000, "31 min"],
  [59.7 * 60_000, "1 h"],
  [3 * 3_600_000 + 4 * 60_000, "3 h 4 min"],
  [76 * 3_600_000, "3 d 4 h"],
  [-5, "0.0 s"],
])("%d ms lasts %s", (ms, words) => {
  expect(duration(ms)).toBe(words);
});

test("an age has one unit", () => {
  expect(age(7 * 60_000 + 12_000)).toBe("7 min");
});

test("what just happened and what is to come are said as people say it", () => {
  const now = Date.parse("2026-11-20T10:00:00Z");
  expect(relative(new Date(now - 2_000), now)).toBe("just now");
  expect(relative(new Date(now - 40_000), now)).toBe("40 s ago");
  expect(relative(new Date(now + 600_000), now)).toBe("in 10 min");
});
