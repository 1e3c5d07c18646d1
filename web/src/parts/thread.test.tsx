import { render, screen, within } from "@testing-library/react";
import { expect, test } from "vitest";
import { changes } from "../../test/fixtures";
import type { Change } from "../api/types";
import { ThreadReason, ThreadTiny, ThreadWide } from "./thread";

function find(image: string, environment: string): Change {
  const found = changes.find((one) => one.image.endsWith(image) && one.environment === environment);
  if (!found) throw new Error(`no change of ${image} in ${environment}`);
  return found;
}

test("every station says its state in words", () => {
  render(<ThreadWide line={find("api", "prod").line} label="Line of api" />);
  const knots = within(screen.getByRole("list", { name: "Line of api" })).getAllByRole("listitem");
  expect(knots.map((knot) => knot.textContent?.match(/(\w+): (done|waiting|not yet)/)?.slice(1))).toEqual([
    ["Pushed", "done"],
    ["Proposed", "done"],
    ["Merged", "waiting"],
    ["Applied", "not yet"],
    ["Healthy", "not yet"],
  ]);
});

test("the reason stands under the knot that waits and leads to what moves it", () => {
  const { container } = render(<ThreadReason change={find("api", "prod")} />);
  expect(container.querySelector(".thread-reason")?.getAttribute("data-knot")).toBe("2");
  expect(container.textContent).toMatch(/^Waits for #41 to be merged since /);
  expect(screen.getByRole("link", { name: "#41" }).getAttribute("href")).toBe(
    "https://github.com/acme/config/pull/41",
  );
});

test("a place in a file is shown as code", () => {
  render(<ThreadReason change={find("billing", "prod")} />);
  expect(screen.getByText(".heddle.yaml:31").tagName).toBe("CODE");
});

test("a change that has ended has no reason", () => {
  const { container } = render(<ThreadReason change={find("billing", "staging")} />);
  expect(container.textContent).toBe("");
});

test("the small thread is one picture with words", () => {
  render(<ThreadTiny line={find("worker", "prod").line} />);
  expect(screen.getByRole("img", { name: "Stuck: 4 of 5 stations reached" })).toBeTruthy();
});
