import { expect, test } from "vitest";
import { itemWords, often } from "./drift";

test("a difference is said in the words of heddle diff", () => {
  expect(itemWords({ cause: "outside", deviation: "missing" })).toBe("was removed outside");
  expect(itemWords({ cause: "git", deviation: "replaced" })).toBe("is to be replaced");
  expect(itemWords({ cause: "either", deviation: "changed" })).toBe("would change");
});

test("how often somebody must look is said in the unit that it was written in", () => {
  expect([86_400, 21_600, 5_400, 172_800].map(often)).toEqual(["1 d", "6 h", "90 min", "2 d"]);
});
