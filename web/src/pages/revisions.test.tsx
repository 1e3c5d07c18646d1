import { screen, within } from "@testing-library/react";
import { userEvent } from "@testing-library/user-event";
import { expect, test } from "vitest";
import { type Answers, showApp } from "../../test/app";
import * as data from "../../test/fixtures";

const wanted = data.where.found[0]?.revision ?? "";

const signedIn: Answers = {
  "GET /me": { body: data.me },
  "GET /status": { body: data.status },
  "GET /repositories": { body: data.repositories },
  [`GET /revisions/${wanted}`]: { body: data.where },
  "GET /past": { body: data.past },
};

test("a commit is found by its id, with what brought it and how each Sync is", async () => {
  const { router } = showApp("/revisions", signedIn);
  const field = await screen.findByRole("textbox", { name: "Commit" });
  await userEvent.type(field, "main{Enter}");
  await screen.findByText(/at least its first seven digits/);
  await userEvent.clear(field);
  await userEvent.type(field, `${wanted.toUpperCase()}{Enter}`);
  await screen.findByRole("heading", { name: "Raise the memory limit of the API" });
  expect(router.state.location.pathname).toBe(`/revisions/${wanted}`);
  expect(screen.getByRole("link", { name: "#41 More memory (merged)" })).toBeTruthy();
  const knots = within(screen.getByRole("list", { name: "The line of this commit" })).getAllByRole(
    "listitem",
  );
  expect(knots.map((knot) => knot.textContent)).toEqual([
    expect.stringMatching(/^Pushed: done/),
    expect.stringMatching(/^Merged: done.*took 1 h 55 min/),
    expect.stringMatching(/^Applied: done/),
    "Healthy: failed",
  ]);
  const [, prod, staging] = within(screen.getByRole("table")).getAllByRole("row");
  expect(prod?.textContent).toMatch(
    /3 objects, with what came with it.*It came with f00ba47, which contains it.*killed for memory/,
  );
  expect(staging?.textContent).toContain("Nothing here");
});

test("a commit that no read met is looked for at once", async () => {
  const { asked } = showApp("/revisions/abcdef0", {
    ...signedIn,
    "GET /revisions/abcdef0": { body: data.nowhere },
    "POST /revisions/abcdef0/looks": { body: { repositories: ["acme/config"] } },
  });
  await screen.findByRole("heading", { name: "Where is abcdef0?" });
  await expect
    .poll(() => asked.filter((one) => one.call.startsWith("POST")))
    .toEqual([{ call: "POST /revisions/abcdef0/looks", body: {} }]);
});

test("a commit that is nowhere is said to be, and looked for again when asked", async () => {
  const absent = { ...data.nowhere, unasked: [], absent: ["acme/config"] };
  const { asked } = showApp("/revisions/abcdef0", {
    ...signedIn,
    "GET /revisions/abcdef0": { body: absent },
    "POST /revisions/abcdef0/looks": { body: { repositories: [] } },
  });
  await screen.findByText(/No commit of acme\/config begins so/);
  expect(asked.some((one) => one.call.startsWith("POST"))).toBe(false);
  await userEvent.click(screen.getByRole("button", { name: "Look again" }));
  await expect.poll(() => asked.some((one) => one.call === "POST /revisions/abcdef0/looks")).toBe(true);
});

test("a commit that is known without its pull request is looked for, and shown meanwhile", async () => {
  const found = data.where.found.map((one) => ({ ...one, pull_request: null, pull_request_known: false }));
  const { asked } = showApp(`/revisions/${wanted}`, {
    ...signedIn,
    [`GET /revisions/${wanted}`]: { body: { ...data.where, found } },
    [`POST /revisions/${wanted}/looks`]: { body: { repositories: ["acme/config"] } },
  });
  await screen.findByText(/by which pull request it came, if by one, is not known yet/);
  await expect.poll(() => asked.filter((one) => one.call.startsWith("POST")).length).toBe(1);
});

test("a look that failed is no answer: it is said, and can be asked for again", async () => {
  const { asked } = showApp("/revisions/abcdef0", {
    ...signedIn,
    "GET /revisions/abcdef0": { body: { ...data.nowhere, absent: ["acme/other"] } },
    "POST /revisions/abcdef0/looks": { body: { repositories: [] } },
  });
  await screen.findByText("It could not be looked for in acme/config.");
  expect(screen.queryByText(/No commit of/)).toBeNull();
  await userEvent.click(screen.getByRole("button", { name: "Look again" }));
  await expect.poll(() => asked.filter((one) => one.call.startsWith("POST")).length).toBe(2);
});

test("a revision of another host is shown where it runs, and that its merge is not known", async () => {
  const [inProd] = data.where.found[0]?.syncs ?? [];
  const elsewhere = {
    repository_url: "git.example.org/acme/other",
    repository: null,
    branch: "main",
    revision: wanted,
    note: "`git.example.org/acme/other` is not connected, so that when it was merged is not known",
    syncs: inProd ? [inProd] : [],
  };
  showApp(`/revisions/${wanted}`, {
    ...signedIn,
    [`GET /revisions/${wanted}`]: { body: { ...data.nowhere, unplaced: [elsewhere] } },
    [`POST /revisions/${wanted}/looks`]: { body: { repositories: [] } },
  });
  const part = await screen.findByRole("region", { name: /git\.example\.org\/acme\/other/ });
  expect(within(part).getByText(/when it was merged is not known/)).toBeTruthy();
  expect(within(part).getByRole("table").textContent).toContain("prod-eu");
  expect(screen.queryByText("No such commit")).toBeNull();
});

test("the search takes an id to its commit", async () => {
  const { router } = showApp("/", signedIn);
  await userEvent.keyboard("{Control>}k{/Control}");
  const field = await screen.findByRole("combobox");
  await userEvent.type(field, `${wanted}{Enter}`);
  await expect.poll(() => router.state.location.pathname).toBe(`/revisions/${wanted}`);
});

test("what ran at an instant is shown, and a time to come is refused", async () => {
  const { router } = showApp("/past", signedIn);
  const field = await screen.findByLabelText(/^When/);
  await userEvent.type(field, "2999-01-01T10:00");
  await userEvent.click(screen.getByRole("button", { name: "Show" }));
  await screen.findByText("Choose a time that has passed");
  await userEvent.clear(field);
  await userEvent.type(field, "2026-01-02T10:00");
  await userEvent.click(screen.getByRole("button", { name: "Show" }));
  const [, row] = within(await screen.findByRole("table")).getAllByRole("row");
  expect(router.state.location.search).toMatchObject({ at: new Date("2026-01-02T10:00").toISOString() });
  expect(row?.textContent).toMatch(
    /prod-eu.*Update api to 1\.4\.1 by heddle\[bot\].*ghcr\.io\/acme\/api:1\.4\.1/,
  );
});
