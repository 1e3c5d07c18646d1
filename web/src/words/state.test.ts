import { expect, test } from "vitest";
import { changes } from "../../test/fixtures";
import { allows, isStuck, lineWord } from "./state";

test.each([
  [0, "Waiting", true],
  [1, "Applied", false],
  [2, "Stuck", true],
  [3, "Waiting", true],
  [5, "Healthy", false],
  [7, "Reverted", false],
])("the line of change %d is %s", (index, word, stuck) => {
  const line = changes[index]?.line;
  expect(line && lineWord(line).word).toBe(word);
  expect(line && isStuck(line)).toBe(stuck);
});

test("a role allows what the roles below it do", () => {
  expect(allows("admin", "operator")).toBe(true);
  expect(allows("viewer", "operator")).toBe(false);
});
