import { cleanup, screen, waitFor, within } from "@testing-library/react";
import { userEvent } from "@testing-library/user-event";
import { expect, test } from "vitest";
import { type Answers, showApp } from "../../test/app";
import * as data from "../../test/fixtures";

const record = data.driftRecords[0]?.id ?? "";

const signedIn: Answers = {
  "GET /me": { body: data.me },
  "GET /status": { body: data.status },
  "GET /repositories": { body: data.repositories },
  "GET /drift": { body: data.drift },
  [`GET /drift/${record}`]: { body: data.driftDetail },
  "GET /reporters": { body: data.reporters },
};

test("the page answers its question and lists what is not the same first", async () => {
  showApp("/drift", signedIn);
  await screen.findByText(/The world is not all as Git says: 1 differs, 1 is not looked at/);
  const rows = within(screen.getByRole("table")).getAllByRole("row").slice(1);
  const told = rows.map((row) => row.textContent ?? "");
  expect(told[0]).toMatch(/infra\/prod.*Differs in 2 for 3 h.*by CI of acme\/infra/);
  expect(told[1]).toContain("nobody has looked for 2 d; it was the same then");
  expect(told[2]).toContain("Ansible");
  expect(told[3]).toContain("heddle-system/shop");
  // A Sync stands with its cluster.
  const links = screen.getAllByRole("link", { name: /clusters\/prod/ });
  expect(links[0]?.getAttribute("href")).toContain(`/clusters/${data.ids.prod}`);
});

test("what is too much for one list is said, and is not the same", async () => {
  const counts = { same: 4, differs: 0, unknown: 0, not_looked_at: 0, not_judged: 7 };
  showApp("/drift", { ...signedIn, "GET /drift": { body: { ...data.drift, counts } } });
  await screen.findByText(/The world is not all as Git says: of 7 it is not known/);
  await screen.findByText(/of 7 more things nothing is said here/);
});

test("a record shows what differs with both sides, its history, and who is not trusted any more", async () => {
  showApp(`/drift/${record}`, signedIn);
  await screen.findByRole("heading", { name: "infra/prod", level: 1 });
  const items = screen.getByRole("region", { name: "What differs" });
  expect(items.textContent).toContain("local_file.motd was removed outside");
  expect(items.textContent).toContain("- 10.0.0.0/8");
  expect(items.textContent).toContain("+ the edge,\n+ since the move");
  expect(items.textContent).toContain("and 3 more places");
  expect(items.textContent).toContain("module.dns the plan puts it off");
  const history = screen.getByRole("table", { name: "History of infra/prod" });
  expect(within(history).getAllByRole("row")[2]?.textContent).toContain("by hand, a revoked reporter");
  expect(screen.getByText(/Somebody must look each 1 d/).textContent).toContain(
    "acme/config:.heddle.yaml:14",
  );
  const issue = screen.getByRole("link", { name: "Open an issue" });
  expect(issue.getAttribute("href")).toBe("https://github.com/acme/infra/issues/new?title=Drift");
  // What is asked for cannot be forgotten, and the button says why.
  const forget = screen.getByRole("button", { name: /^Forget this record/ });
  expect(forget.textContent).toContain("asks for it");
});

test("the command that applies is one command, and of nobody who was revoked", async () => {
  const { shown } = data.driftDetail;
  if (!shown) throw new Error("the fixture has a spell");
  const show = (source: string, spell: object) =>
    showApp(`/drift/${record}`, {
      ...signedIn,
      [`GET /drift/${record}`]: {
        body: {
          ...data.driftDetail,
          record: { ...data.driftDetail.record, source },
          shown: { ...shown, plan_hash: "1-x; curl evil", spell: { ...shown.spell, ...spell } },
        },
      },
    });
  show("-x y", {});
  expect((await screen.findByText(/heddle sync terraform/)).textContent).toContain(
    "heddle sync terraform './-x y' --approve '1-x; curl evil'",
  );
  cleanup();
  show("infra/prod", { by_revoked: true });
  await screen.findByRole("region", { name: "What differs" });
  expect(screen.queryByText(/heddle sync terraform/)).toBeNull();
});

test("markup of others is text", async () => {
  const evil = "<img src=x onerror=alert(1)>";
  const [first] = data.driftDetail.shown?.items ?? [];
  if (!first || !data.driftDetail.shown) throw new Error("the fixture has an item");
  const item = { ...first, object: evil, reason: evil, differences: [{ path: evil, live: evil }] };
  const shown = { ...data.driftDetail.shown, items: [item] };
  showApp(`/drift/${record}`, {
    ...signedIn,
    [`GET /drift/${record}`]: { body: { ...data.driftDetail, shown } },
  });
  await screen.findAllByText(evil, { exact: false });
  expect(document.querySelector("img[src=x]")).toBeNull();
});

test("a reporter's token is shown once, with the command that uses it", async () => {
  const { asked } = showApp("/settings/reporters", {
    ...signedIn,
    "POST /reporters": {
      status: 201,
      body: {
        reporter: data.reporters[0],
        token: "hdlp_1234",
        command: "heddle diff terraform 'infra/prod' --report prod",
      },
    },
  });
  await userEvent.click(await screen.findByRole("button", { name: "Make a reporter" }));
  const dialog = screen.getByRole("dialog", { name: "Make a reporter" });
  await userEvent.type(within(dialog).getByLabelText("Name"), "CI");
  await userEvent.type(within(dialog).getByLabelText("Environment"), "prod");
  await userEvent.type(within(dialog).getByLabelText("Folder or playbook"), "infra/prod");
  await userEvent.type(within(dialog).getByLabelText("Repository"), "acme/infra");
  await userEvent.click(within(dialog).getByRole("button", { name: "Make the reporter" }));
  expect(await within(dialog).findByText("hdlp_1234")).toBeTruthy();
  expect(dialog.textContent).toContain("heddle diff terraform 'infra/prod' --report prod");
  expect(asked.find(({ call }) => call === "POST /reporters")?.body).toEqual({
    name: "CI",
    environment: "prod",
    tool: "terraform",
    source: "infra/prod",
    repository: "acme/infra",
  });
});

test("before a reporter is revoked it is said what follows", async () => {
  const { asked } = showApp("/settings/reporters", signedIn);
  await userEvent.click(await screen.findByRole("button", { name: /^Revoke CI of acme/ }));
  const dialog = screen.getByRole("dialog", { name: /^Revoke CI/ });
  expect(dialog.textContent).toContain("marked as by a revoked reporter");
  await userEvent.click(within(dialog).getByRole("button", { name: "Revoke the reporter" }));
  await waitFor(() =>
    expect(asked.some(({ call }) => call === `DELETE /reporters/${data.reporters[0]?.id}`)).toBe(true),
  );
});
