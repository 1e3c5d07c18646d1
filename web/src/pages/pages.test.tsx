import { screen, waitFor, within } from "@testing-library/react";
import { userEvent } from "@testing-library/user-event";
import { expect, test } from "vitest";
import { type Answers, showApp } from "../../test/app";
import * as data from "../../test/fixtures";

const page = (items: unknown[]) => ({ body: { items, total: items.length, counts: data.counts } });

const everything: Answers = {
  "GET /me": { body: data.me },
  "GET /status": { body: data.status },
  "GET /onboarding": { body: data.onboardingDone },
  "GET /changes": page(data.changes.filter((change) => !change.line.end)),
  "GET /workloads": page(data.workloads),
  "GET /clusters": { body: data.clusters },
  "GET /repositories": { body: data.repositories },
  "GET /findings": { body: data.findings },
  "GET /verdicts": {
    body: {
      image: "ghcr.io/acme/api",
      environment: "prod",
      current: "1.4.1",
      rule: "versions in `>=1.2 <2`",
      tags: data.verdicts,
    },
  },
};

const denied: Answers = {
  "GET /me": {
    status: 401,
    body: { status: 401, code: "unauthorized", message: "Sign in first.", request_id: "r1" },
  },
};

test("who is not signed in signs in and comes back to where they were going", async () => {
  const answers: Answers = { ...everything, ...denied, "POST /login": { body: data.me } };
  const { router, asked } = showApp("/clusters", answers);
  await userEvent.type(await screen.findByLabelText("E-mail"), "ada@acme.example");
  await userEvent.type(screen.getByLabelText("Password"), "correct horse battery");
  answers["GET /me"] = { body: data.me };
  await userEvent.click(screen.getByRole("button", { name: "Sign in" }));
  expect(await screen.findByRole("heading", { name: "Clusters", level: 1 })).toBeTruthy();
  expect(router.state.location.pathname).toBe("/clusters");
  expect(asked.find(({ call }) => call === "POST /login")?.body).toEqual({
    email: "ada@acme.example",
    password: "correct horse battery",
  });
});

test("an address of another site does not come in through the sign-in", async () => {
  const { router } = showApp("/login?next=%2F%2Fevil.example", denied);
  await screen.findByLabelText("E-mail");
  expect(router.state.matches.at(-1)?.search).not.toHaveProperty("next", "//evil.example");
});

test("a refused field says why at the field", async () => {
  showApp("/sign-up", {
    "POST /sign-up": {
      status: 422,
      body: {
        status: 422,
        code: "invalid-body",
        message: "Some fields are wrong.",
        request_id: "r1",
        fields: [{ field: "password", message: "It is among the most common passwords." }],
      },
    },
  });
  await userEvent.type(await screen.findByLabelText("Name"), "Ada");
  await userEvent.type(screen.getByLabelText("E-mail"), "ada@acme.example");
  await userEvent.type(screen.getByLabelText("Password"), "password1234");
  await userEvent.click(screen.getByRole("button", { name: "Make the account" }));
  await waitFor(() => expect(screen.getByLabelText("Password").getAttribute("aria-invalid")).toBe("true"));
  expect(screen.getByText("It is among the most common passwords.")).toBeTruthy();
});

test("who has no organization is sent to the check list", async () => {
  const { router } = showApp("/workloads", { "GET /me": { body: data.newcomer } });
  expect(await screen.findByLabelText("Name of the organization")).toBeTruthy();
  expect(router.state.location.pathname).toBe("/onboarding");
});

test("the Overview puts what is stuck on a fault first, with its reason", async () => {
  showApp("/", everything);
  expect(await screen.findByText("1 is stuck on a fault, 2 wait for someone.")).toBeTruthy();
  const lines = screen.getAllByRole("list", { name: /^Line of/ });
  expect(lines.map((line) => line.getAttribute("aria-label"))).toEqual([
    "Line of worker 0.31.4 → 0.32.0 in prod",
    "Line of api 1.4.1 → 1.4.2 in prod",
    "Line of billing 3.2.0 → 3.3.0 in prod",
    "Line of search 8.0.1 → 8.0.2 in staging",
    "Line of web 2.9.0 → 2.10.0 in staging",
  ]);
  expect(screen.getByText(/CrashLoopBackOff/)).toBeTruthy();
});

test("a repository that a cluster asks for is approved on the Overview", async () => {
  const [cluster, repository] = [
    "0190a1b2-0000-7000-8000-000000000401",
    "0190a1b2-0000-7000-8000-000000000402",
  ];
  const asked_at = new Date().toISOString();
  const asking = [
    { cluster, cluster_name: "prod-eu", repository, repository_name: "acme/secrets", asked_at },
  ];
  const approve = `POST /clusters/${cluster}/repositories/${repository}/approve`;
  const { asked } = showApp("/", {
    ...everything,
    "GET /status": { body: { ...data.status, asking } },
    [approve]: { status: 204 },
  });
  await userEvent.click(await screen.findByRole("button", { name: "Let it read acme/secrets" }));
  await waitFor(() => expect(asked.some(({ call }) => call === approve)).toBe(true));
});

test("the environment filter stays in the address from page to page", async () => {
  const { router } = showApp("/", everything);
  await userEvent.selectOptions(await screen.findByLabelText("Environment"), "prod");
  await userEvent.click(screen.getAllByRole("link", { name: "Workloads" })[0] ?? document.body);
  await screen.findByRole("heading", { name: "Workloads", level: 1 });
  expect(router.state.location.search).toMatchObject({ env: "prod" });
});

test("why newer tags were passed over is one press away", async () => {
  showApp("/workloads", everything);
  await userEvent.click(
    await screen
      .findAllByRole("link", { name: "Why this tag of api in prod" })
      .then(([one]) => one ?? document.body),
  );
  const dialog = await screen.findByRole("dialog", { name: "Tags of api in prod" });
  const tags = await within(dialog).findAllByRole("listitem");
  expect(tags[0]?.textContent).toContain("1.4.2");
  expect(tags[0]?.textContent).toContain("Chosen");
  expect(tags[1]?.textContent).toContain("A pre-release, and the range >=1.2 <2 names none");
});

test("a hold is proposed for the tag that runs, after the lines that change were shown", async () => {
  const { asked } = showApp("/workloads", {
    ...everything,
    "POST /requests/preview": { body: data.hold },
    "POST /requests": { body: data.requests[1] },
  });
  await userEvent.click(
    await screen
      .findAllByRole("link", { name: "Why this tag of api in prod" })
      .then(([one]) => one ?? document.body),
  );
  await userEvent.click(await screen.findByRole("button", { name: "Hold api in prod" }));
  const dialog = await screen.findByRole("dialog", { name: "Hold api in prod" });
  expect(await within(dialog).findByText(/^\+ +tag: 1\.4\.1$/)).toBeTruthy();
  await userEvent.type(within(dialog).getByLabelText("Reason"), "wait for the audit");
  await userEvent.click(within(dialog).getByRole("button", { name: "Propose the hold" }));
  const body = await waitFor(() => {
    const found = asked.find(({ call }) => call === "POST /requests");
    if (!found) throw new Error("nothing was asked for");
    return found.body;
  });
  expect(body).toMatchObject({
    wish: { kind: "hold", image: "ghcr.io/acme/api", environment: "prod", tag: "1.4.1" },
    reason: "wait for the audit",
    shown: data.hold.shown,
  });
});

test("what stands in the way of a tag must be named before it is asked for", async () => {
  const { asked } = showApp("/", {
    ...everything,
    "GET /holds": { body: data.holds },
    "GET /requests": { body: { items: [] } },
    "POST /requests/preview": { body: data.release },
    "POST /requests": { body: data.requests[0] },
  });
  await screen.findByRole("list", { name: "Holds and freezes" });
  expect(screen.getByRole("button", { name: "Resume mailer in prod" })).toBeTruthy();
  const [open] = await screen.findAllByRole("button", { name: /^Release a tag of/ });
  await userEvent.click(open ?? document.body);
  const dialog = await screen.findByRole("dialog", { name: /^Release / });
  const button = await within(dialog).findByRole("button", { name: /Propose 2\.3\.1/ });
  expect(button.getAttribute("aria-disabled")).toBe("true");
  await userEvent.click(within(dialog).getByLabelText("Write it despite the hold"));
  await userEvent.click(within(dialog).getByRole("button", { name: "Propose 2.3.1" }));
  await waitFor(() => expect(asked.some(({ call }) => call === "POST /requests")).toBe(true));
  const sent = asked.find(({ call }) => call === "POST /requests");
  expect(sent?.body).toMatchObject({ wish: { kind: "release", despite: ["hold"] } });
});

test("everything since an instant in an environment goes back as it was shown, other tags by name", async () => {
  const { asked } = showApp("/?env=prod", {
    ...everything,
    "GET /holds": { body: [] },
    "GET /requests": { body: { items: [] } },
    "POST /requests/preview": { body: data.back },
    "POST /requests": { body: data.requests[0] },
  });
  await userEvent.click(await screen.findByRole("button", { name: "Roll back" }));
  const dialog = await screen.findByRole("dialog", { name: "Roll prod back" });
  await within(dialog).findByRole("list", { name: "Places of mailer" });
  expect(within(dialog).getByText(/Left as it is/)).toBeTruthy();
  const named = within(dialog).getByLabelText("Back to, by name");
  await userEvent.type(named, "1.4.1");
  await userEvent.click(within(dialog).getByLabelText("Reason"));
  expect(await within(dialog).findAllByText(/names no tag of an image/)).toBeTruthy();
  await userEvent.clear(named);
  await userEvent.type(named, "ghcr.io/acme/api=1.4.1");
  await userEvent.click(within(dialog).getByLabelText("Reason"));
  await userEvent.click(await within(dialog).findByRole("button", { name: "Propose 2 places" }));
  await waitFor(() => expect(asked.some(({ call }) => call === "POST /requests")).toBe(true));
  const sent = asked.find(({ call }) => call === "POST /requests");
  expect(sent?.body).toMatchObject({
    wish: {
      kind: "rollback-since",
      environment: "prod",
      to: [{ image: "ghcr.io/acme/api", tag: "1.4.1" }],
    },
    shown: data.back.shown,
  });
});

test("what is healthy before is promoted to the environment that the page is about", async () => {
  const { asked } = showApp("/?env=prod", {
    ...everything,
    "GET /holds": { body: [] },
    "GET /requests": { body: { items: [] } },
    "POST /requests/preview": { body: data.promotion },
    "POST /requests": { body: data.requests[0] },
  });
  await userEvent.click(await screen.findByRole("button", { name: "Promote" }));
  const dialog = await screen.findByRole("dialog", { name: "Promote to prod" });
  await userEvent.click(await within(dialog).findByRole("button", { name: "Propose 1.4.4" }));
  await waitFor(() => expect(asked.some(({ call }) => call === "POST /requests")).toBe(true));
  const sent = asked.find(({ call }) => call === "POST /requests");
  expect(sent?.body).toMatchObject({ wish: { kind: "promote", environment: "prod" } });
});

test("a viewer sees why a button cannot be pressed", async () => {
  const [first] = data.me.organizations;
  const me = { ...data.me, organizations: first ? [{ ...first, role: "viewer" }] : [] };
  const { router } = showApp("/clusters", { ...everything, "GET /me": { body: me } });
  const button = await screen.findByRole("button", { name: /Add a cluster/ });
  expect(button.getAttribute("aria-disabled")).toBe("true");
  expect(button.textContent).toContain("this takes the role Admin, and yours is Viewer");
  await userEvent.click(button);
  expect(router.state.location.search).not.toHaveProperty("add");
});

test("a failed reading says that the workloads keep running, and the request", async () => {
  showApp("/audit", {
    ...everything,
    "GET /audit": {
      status: 503,
      body: { status: 503, code: "unavailable", message: "The database does not answer.", request_id: "r77" },
    },
  });
  const alert = await screen.findByRole("alert");
  expect(alert.textContent).toContain("The database does not answer.");
  expect(alert.textContent).toContain("Your workloads keep running");
  expect(alert.textContent).toContain("r77");
});

test("a condition that is there while something is wrong is not shown as good", async () => {
  const [cluster] = data.clusters;
  const [sync] = cluster?.syncs ?? [];
  if (!cluster || !sync) throw new Error("the fixtures have a Sync");
  const said = (kind: string, status: string) => ({
    kind,
    status,
    reason: "R",
    message: kind,
    since: sync.reported_at,
  });
  const conditions = [said("Fetched", "True"), said("Leftovers", "True"), said("Watched", "False")];
  const body = { ...cluster, syncs: [{ ...sync, conditions }] };
  showApp(`/clusters/${cluster.id}`, { ...everything, [`GET /clusters/${cluster.id}`]: { body } });
  const row = async (kind: string) =>
    (await screen.findAllByRole("row")).find((one) => within(one).queryAllByText(kind).length > 0);
  const tone = async (kind: string, status: string) => {
    const found = await row(kind);
    return found && within(found).getAllByText(status)[0]?.className;
  };
  await screen.findAllByText("Leftovers");
  expect(await tone("Fetched", "True")).toContain("text-good");
  expect(await tone("Leftovers", "True")).toContain("text-wait");
  expect(await tone("Watched", "False")).toContain("text-bad");
});

test("a new cluster shows its manifest before it is copied", async () => {
  const [cluster] = data.clusters;
  const { asked } = showApp("/clusters?add=true", {
    ...everything,
    "POST /clusters": {
      status: 201,
      body: {
        cluster: { ...cluster, link: "never-connected", keys: [] },
        manifest: data.manifest,
        manifest_sha256: "9f86d081",
        bootstrap_expires_at: new Date(Date.now() + 3_600_000).toISOString(),
        agent_image: "registry.example.com/heddle-synchronizer:0.1.0",
      },
    },
  });
  const dialog = await screen.findByRole("dialog", { name: "Add a cluster" });
  await userEvent.type(await within(dialog).findByLabelText("Name"), "prod-eu");
  await userEvent.clear(within(dialog).getByLabelText("Path"));
  await userEvent.type(within(dialog).getByLabelText("Path"), "clusters/prod");
  await userEvent.type(within(dialog).getByLabelText("Namespaces"), "shop, shop-jobs");
  await userEvent.click(within(dialog).getByRole("button", { name: "Show the manifest" }));
  expect((await within(dialog).findByRole("region", { name: "Manifest" })).textContent).toBe(data.manifest);
  expect(within(dialog).getByText("9f86d081")).toBeTruthy();
  expect(within(dialog).getByText(/kubectl apply -f heddle-prod-eu.yaml/)).toBeTruthy();
  expect(within(dialog).getByText("registry.example.com/heddle-synchronizer:0.1.0")).toBeTruthy();
  expect(asked.find(({ call }) => call === "POST /clusters")?.body).toEqual({
    name: "prod-eu",
    repository: data.ids.repository,
    branch: "main",
    path: "clusters/prod",
    namespaces: ["shop", "shop-jobs"],
  });
});
