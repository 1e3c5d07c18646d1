// A person's hands: an image that no rule can place is released once, and the request is followed to its pull request.
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, test } from "vitest";
import {
  expectAccessible,
  expectNoSideways,
  launch,
  openPage,
  person,
  picture,
  setting,
  signIn,
} from "./support";

const tag = setting("HEDDLE_RELEASED");

let browser: Browser;

beforeAll(async () => {
  browser = await launch();
});

afterAll(() => browser.close());

test("an image that waits for a decision is proposed by a button, which says before what it will do", async () => {
  const context = await person(browser);
  const page = await openPage(context);
  await signIn(page);
  const waiting = page.getByRole("list", { name: "Images that wait for a decision" });
  await waiting.getByText("stays as it is in prod").waitFor();
  await page.getByRole("button", { name: "Release a tag of api in prod" }).click();

  const dialog = page.getByRole("dialog", { name: "Release api in prod" });
  await dialog.getByText("Opens a pull request on acme/config:").waitFor();
  const place = dialog.getByRole("list", { name: "Places" }).getByRole("listitem");
  await place
    .filter({ hasText: "clusters/prod/kustomization.yaml" })
    .filter({ hasText: `latest → ${tag}` })
    .waitFor();
  await dialog.getByLabel("Reason").fill("Leave latest behind");
  await picture(page, "release");
  await expectAccessible(page, "release");
  await expectNoSideways(page, "release");
  await dialog.getByRole("button", { name: `Propose ${tag}` }).click();

  await dialog.getByText("Proposed").waitFor();
  await dialog.getByRole("button", { name: "Done" }).click();
  const asked = page.getByRole("list", { name: "What people asked for" }).getByRole("listitem");
  await asked.filter({ hasText: "Leave latest behind" }).getByRole("link", { name: /^#\d+/ }).waitFor();
  await page.getByRole("button", { name: `Take back api ${tag} in prod` }).waitFor();
  await picture(page, "asked-for");
  await expectAccessible(page, "asked for");
  await context.close();
});
