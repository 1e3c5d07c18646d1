import { expect, test } from "vitest";
import { githubSetback } from "./github";

test("a known code says what happened and the remedy", () => {
  const { what, remedy } = githubSetback("github-account-taken");
  expect(what).toBe("This GitHub account has proved another Heddle account.");
  expect(remedy).toContain("sign out at GitHub");
});

test("a code that is new to the dashboard is passed on", () => {
  expect(githubSetback("github-on-strike").remedy).toContain("`github-on-strike`");
});

test("a name that every object has is no code", () => {
  expect(githubSetback("toString").what).toBe("The sign-in at GitHub did not end well.");
});
