// From nothing to the first pull request: what a person sees on the first day, with every step going green by itself.
import type { Browser, Locator, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { launch, openPage, outside, person, picture, url } from "./support";

const repository = process.env.HEDDLE_REPOSITORY ?? "acme/config";
const path = process.env.HEDDLE_PATH ?? "clusters/prod";
const namespaces = process.env.HEDDLE_NAMESPACES ?? "prod";
const tag = process.env.HEDDLE_FIRST_PUSH ?? "1.4.1";

let browser: Browser;

beforeAll(async () => {
  browser = await launch();
});

afterAll(() => browser.close());

test("a newcomer gets from sign-up to the first pull request", async () => {
  const context = await person(browser);
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const page = await openPage(context);

  await page.goto(url);
  await page.getByRole("heading", { name: "Sign in", level: 1 }).waitFor();
  await page.getByRole("link", { name: "Sign up" }).click();
  await page.getByLabel("Name").fill("Grace Hopper");
  await page.getByLabel("E-mail").fill("grace@example.com");
  await page.getByLabel("Password").fill("a moth in relay seventy");
  await page.getByRole("button", { name: "Make the account" }).click();

  await page.getByLabel("Name of the organization").fill("Harbour");
  await page.getByRole("button", { name: "Make the organization" }).click();
  await isDone(step(page, "Make an organization"));

  await page.getByRole("link", { name: "Continue at GitHub" }).click();
  await page.getByRole("button", { name: /^Authorize/ }).click();
  await page.getByRole("button", { name: `Connect ${repository}` }).click();
  await isDone(step(page, "Connect the config repository"));
  await picture(page, "newcomer-connected");

  const manifest = await addCluster(page);
  await picture(page, "newcomer-manifest");
  await outside("apply", manifest);
  await page.getByText("The agent is connected.").waitFor();
  await page.getByRole("button", { name: "Go on" }).click();
  await isDone(step(page, "Wait for the agent"));
  await step(page, "Wait for the agent")
    .getByText(/agent connected, [1-9]\d* workloads? seen/i)
    .waitFor();
  await isDone(step(page, "Write the first policy"));
  await page.getByText("Everything is set up.").waitFor();
  await picture(page, "newcomer-done");

  await page.getByRole("link", { name: "Go to the Overview" }).click();
  await page.getByRole("heading", { name: "Overview", level: 1 }).waitFor();
  await outside(`push/${tag}`);
  const line = page.getByRole("list", {
    name: new RegExp(`^Line of .*${tag.replace(/\./g, "\\.")} in prod$`),
  });
  await line.getByText(/^Merged: waiting/).waitFor({ state: "attached" });
  await page
    .getByText(/^Waits for #\d+ to be merged/)
    .first()
    .waitFor();
  await picture(page, "newcomer-first-pull-request");
  await context.close();
});

/** Fills in the form, reads the manifest and copies it, and gives what was copied. */
async function addCluster(page: Page): Promise<string> {
  await page.getByRole("button", { name: "Add a cluster" }).click();
  await page.getByLabel("Name", { exact: true }).fill("eu-1");
  await page.getByLabel("Path").fill(path);
  await page.getByLabel("Namespaces").fill(namespaces);
  await page.getByRole("button", { name: "Show the manifest" }).click();
  const shown = await page.getByRole("region", { name: "Manifest", exact: true }).textContent();
  await page.getByRole("button", { name: "Copy the manifest" }).click();
  await page.getByRole("button", { name: "Copied" }).waitFor();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  expect(copied).toBe(shown);
  return copied;
}

function step(page: Page, title: string): Locator {
  return page.getByRole("listitem").filter({ has: page.getByRole("heading", { name: title, level: 2 }) });
}

async function isDone(where: Locator) {
  await where.getByRole("heading", { name: /, done$/ }).waitFor();
}
