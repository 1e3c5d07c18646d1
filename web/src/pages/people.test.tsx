import { screen, waitFor, within } from "@testing-library/react";
import { userEvent } from "@testing-library/user-event";
import { expect, test } from "vitest";
import { type Answers, showApp } from "../../test/app";
import * as data from "../../test/fixtures";

const signedIn: Answers = {
  "GET /me": { body: data.me },
  "GET /status": { body: data.status },
  "GET /changes": { body: { items: [], counts: data.counts } },
  "GET /repositories": { body: data.repositories },
  "GET /members": { body: data.members },
  "GET /invitations": { body: data.invitations },
  "GET /onboarding": { body: data.onboardingAt(1) },
};

const denied = {
  status: 401,
  body: { status: 401, code: "unauthorized", message: "Sign in first.", request_id: "r1" },
};

test("an owner invites somebody and gets a link to hand over, once", async () => {
  const { asked } = showApp("/settings/members", {
    ...signedIn,
    "POST /invitations": { status: 201, body: { ...data.invitations[0], code: "hdi_1234" } },
  });
  await userEvent.click(await screen.findByRole("button", { name: "Invite somebody" }));
  const dialog = screen.getByRole("dialog", { name: "Invite somebody" });
  await userEvent.type(within(dialog).getByLabelText("E-mail"), "katherine@acme.example");
  await userEvent.selectOptions(within(dialog).getByLabelText("May"), "admin");
  await userEvent.click(within(dialog).getByRole("button", { name: "Make the invitation" }));
  expect(await within(dialog).findByText(`${location.origin}/join#hdi_1234`)).toBeTruthy();
  expect(asked.find(({ call }) => call === "POST /invitations")?.body).toEqual({
    email: "katherine@acme.example",
    role: "admin",
  });
});

test("the last owner can neither leave nor step down, and the buttons say why", async () => {
  showApp("/settings/members", signedIn);
  const leave = await screen.findByRole("button", { name: /^Leave the organization/ });
  expect(leave.getAttribute("aria-disabled")).toBe("true");
  expect(leave.textContent).toContain("make somebody else one first");
  expect(screen.getByRole("button", { name: /^Change role of Ada/ }).getAttribute("aria-disabled")).toBe(
    "true",
  );
});

test("before a member is removed it is said what they lose", async () => {
  const { asked } = showApp("/settings/members", signedIn);
  await userEvent.click(await screen.findByRole("button", { name: /^Remove Grace/ }));
  const dialog = screen.getByRole("dialog", { name: /^Remove Grace .* from Acme$/ });
  expect(dialog.textContent).toContain("their API tokens for it stop working");
  expect(asked.some(({ call }) => call.startsWith("DELETE"))).toBe(false);
  await userEvent.click(within(dialog).getByRole("button", { name: /^Remove Grace/ }));
  await waitFor(() =>
    expect(asked.some(({ call }) => call === `DELETE /members/${data.members[1]?.user}`)).toBe(true),
  );
});

test("who follows an invitation's link and has no account signs up with its code", async () => {
  const { router, asked } = showApp("/join#hdi_1234", {
    "GET /me": denied,
    "POST /sign-up": { body: data.me },
  });
  await userEvent.click(await screen.findByRole("link", { name: "Sign up" }));
  expect(router.state.location.href).not.toContain("hdi_1234");
  await userEvent.type(await screen.findByLabelText("Name"), "Katherine");
  await userEvent.type(screen.getByLabelText("E-mail"), "katherine@acme.example");
  await userEvent.type(screen.getByLabelText("Password"), "numbers in a straight line");
  await userEvent.click(screen.getByRole("button", { name: "Make the account" }));
  await waitFor(() =>
    expect(asked.find(({ call }) => call === "POST /sign-up")?.body).toMatchObject({
      invitation: "hdi_1234",
    }),
  );
});

test("who has an account joins with one press", async () => {
  const { asked } = showApp("/join#hdi_1234", {
    ...signedIn,
    "POST /invitations/accept": { body: data.me.organizations[1] },
  });
  await userEvent.click(await screen.findByRole("button", { name: "Join as ada@acme.example" }));
  await screen.findByRole("heading", { name: "Overview", level: 1 });
  expect(asked.find(({ call }) => call === "POST /invitations/accept")?.body).toEqual({ code: "hdi_1234" });
});

test("who comes back from GitHub with nothing reads why and what to do", async () => {
  showApp(`/onboarding?organization=${data.ids.organization}&github=github-account-taken`, signedIn);
  const alert = await screen.findByRole("alert");
  expect(alert.textContent).toContain("This GitHub account has proved another Heddle account.");
  expect(alert.textContent).toContain("sign out at GitHub");
});

test("the first policy names what runs and is proposed at GitHub", async () => {
  showApp("/onboarding", {
    ...signedIn,
    "GET /onboarding": { body: data.onboardingAt(4) },
    "GET /workloads": { body: { items: data.workloads, total: data.workloads.length } },
  });
  const file = await screen.findByRole("region", { name: ".heddle.yaml" });
  await waitFor(() => expect(file.textContent).toContain('name: "ghcr.io/acme/api"'));
  const link = screen.getByRole("link", { name: /^Propose it at GitHub/ });
  expect(link.getAttribute("href")).toContain(
    "https://github.com/acme/config/new/main?filename=.heddle.yaml",
  );
});

test("a password is changed beside the sessions, and a wrong one is said at its field", async () => {
  const answers: Answers = { ...signedIn, "GET /sessions": { body: [] } };
  const { asked } = showApp("/settings/sessions", answers);
  const fields = [{ field: "current", message: "this is not your password" }];
  answers["POST /password"] = {
    status: 422,
    body: { status: 422, code: "invalid", message: "look at the fields", request_id: "r1", fields },
  };
  await userEvent.type(await screen.findByLabelText("Password now"), "not this one");
  await userEvent.type(screen.getByLabelText("New password"), "another loom in the attic");
  await userEvent.click(screen.getByRole("button", { name: "Change the password" }));
  expect(await screen.findByText(/this is not your password/i)).toBeTruthy();
  answers["POST /password"] = { status: 204 };
  await userEvent.click(screen.getByRole("button", { name: "Change the password" }));
  expect(await screen.findByText("The new password holds from now on.")).toBeTruthy();
  expect(asked.filter(({ call }) => call === "POST /password").at(-1)?.body).toEqual({
    current: "not this one",
    password: "another loom in the attic",
  });
});

test("a link for a new password is used once and stands in no address", async () => {
  const { router, asked } = showApp("/password#hdlw_1234", {
    "GET /me": denied,
    "POST /password/reset": { status: 204 },
  });
  await userEvent.type(await screen.findByLabelText("Password"), "another loom in the attic");
  expect(router.state.location.href).not.toContain("hdlw_1234");
  await userEvent.click(screen.getByRole("button", { name: "Choose this password" }));
  expect(await screen.findByText(/signed out/)).toBeTruthy();
  expect(asked.find(({ call }) => call === "POST /password/reset")?.body).toEqual({
    link: "hdlw_1234",
    password: "another loom in the attic",
  });
});

test("who forgot the password reads who makes a link", async () => {
  showApp("/login", { "GET /me": denied });
  await userEvent.click(await screen.findByRole("link", { name: "Choose a new one" }));
  expect(await screen.findByText(/heddle-api password-link/)).toBeTruthy();
});
