// In an organization that is set up: no page breaks a rule, everything works by keyboard, and the line moves live.
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  expectAccessible,
  expectNoSideways,
  launch,
  openPage,
  outside,
  person,
  picture,
  setting,
  signIn,
  url,
} from "./support";

let browser: Browser;

beforeAll(async () => {
  browser = await launch();
});

afterAll(() => browser.close());

const pages: [name: string, path: string, heading: string][] = [
  ["overview", "/", "Overview"],
  ["workloads", "/workloads", "Workloads"],
  ["changes", "/changes", "Changes"],
  ["all-changes", "/changes?show=all", "Changes"],
  ["clusters", "/clusters", "Clusters"],
  ["audit", "/audit", "Audit"],
  ["set-up", "/onboarding", "Set up"],
  ["new-organization", "/new-organization", "New organization"],
  ["organization", "/settings/organization", "Settings"],
  ["members", "/settings/members", "Settings"],
  ["repositories", "/settings/repositories", "Settings"],
  ["registries", "/settings/registries", "Settings"],
  ["automators", "/settings/automators", "Settings"],
  ["receivers", "/settings/receivers", "Settings"],
  ["tokens", "/settings/tokens", "Settings"],
  ["sessions", "/settings/sessions", "Settings"],
  ["missing", "/nothing-here", "There is no such page"],
];

for (const colorScheme of ["light", "dark"] as const) {
  for (const width of [360, 1440]) {
    test(`no page breaks a rule of accessibility, ${colorScheme}, ${width} wide`, async () => {
      const context = await person(browser, { colorScheme, viewport: { width, height: 800 } });
      const page = await openPage(context);
      const check = async (name: string) => {
        const where = `${name}, ${colorScheme}, ${width}`;
        await settled(page);
        await picture(page, `${name}-${width}-${colorScheme}`);
        await expectAccessible(page, where);
        await expectNoSideways(page, where);
      };
      for (const [name, path, heading] of [
        ["login", "/login", "Sign in"],
        ["sign-up", "/sign-up", "Sign up"],
        ["join", "/join", "Join an organization"],
      ]) {
        await page.goto(url + path);
        await page.getByRole("heading", { name: heading, level: 1 }).waitFor();
        await check(name ?? "");
      }
      await signIn(page);
      for (const [name, path, heading] of pages) {
        await page.goto(url + path);
        await page.getByRole("heading", { name: heading, level: 1 }).waitFor();
        await check(name);
      }

      await page.goto(`${url}/clusters`);
      await page.getByRole("rowheader").getByRole("link").first().click();
      await page.getByRole("heading", { name: "Keys", level: 2 }).waitFor();
      await check("cluster");

      await page.goto(`${url}/workloads`);
      await page
        .getByRole("link", { name: /^Why this tag/ })
        .first()
        .click();
      await page.getByRole("dialog").getByRole("listitem").first().waitFor();
      await check("verdicts");

      await page.goto(`${url}/clusters?add=true`);
      await page.getByRole("dialog").getByLabel("Namespaces").waitFor();
      await check("add-cluster");

      await page.goto(`${url}/changes?show=all`);
      await page.getByRole("rowheader").getByRole("link").first().click();
      await page.getByRole("heading", { name: "What changes", level: 2 }).waitFor();
      await check("change");

      await page.goto(url);
      await page.getByRole("button", { name: /^Search/ }).click();
      await page.getByRole("option").first().waitFor();
      await check("search");
      await context.close();
    });
  }
}

/** Waits until nothing is being read any more, and nothing fades in. */
async function settled(page: Page) {
  const loading = page.getByRole("status", { name: "Loading" });
  await expect.poll(() => loading.count(), { timeout: 30_000 }).toBe(0);
  await page.evaluate(async () => {
    const passing = document
      .getAnimations()
      .filter((one) => one.effect?.getComputedTiming().endTime !== Infinity);
    await Promise.allSettled(passing.map((one) => one.finished));
  });
}

test("a person with a keyboard alone signs in, goes everywhere and comes back", async () => {
  const context = await person(browser);
  const page = await openPage(context);
  const press = async (...keys: string[]) => {
    for (const key of keys) await page.keyboard.press(key);
  };
  const heading = (name: string) => page.getByRole("heading", { name, level: 1 }).waitFor();

  await page.goto(`${url}/login`);
  await heading("Sign in");
  await tabTo(page, "E-mail");
  await page.keyboard.type(setting("HEDDLE_EMAIL"));
  await tabTo(page, "Password");
  await page.keyboard.type(setting("HEDDLE_PASSWORD"));
  await press("Enter");
  await heading("Overview");

  // The first stop of a page leads past everything that is the same on all.
  await page.reload();
  await heading("Overview");
  await press("Tab");
  expect(await focused(page)).toBe("Skip to the page");
  await press("Enter");
  expect(await page.evaluate(() => document.activeElement?.id)).toBe("main");

  for (const [key, name] of [
    ["w", "Workloads"],
    ["c", "Changes"],
    ["l", "Clusters"],
    ["a", "Audit"],
    ["s", "Settings"],
    ["o", "Overview"],
  ]) {
    await press("g", key ?? "");
    await heading(name ?? "");
  }

  await press("?");
  await page.getByRole("dialog", { name: "Keyboard" }).waitFor();
  await press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });

  await press("/");
  await page.getByRole("combobox", { name: /^Search/ }).waitFor();
  await page.keyboard.type("page workloads");
  await press("Enter");
  await heading("Workloads");

  // What opened a dialog has the focus again after it.
  await page
    .getByRole("link", { name: /^Why this tag/ })
    .first()
    .waitFor();
  const opener = await tabTo(page, /^Why this tag/);
  await press("Enter");
  await page.getByRole("dialog", { name: /^Tags of/ }).waitFor();
  await press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await expect.poll(() => focused(page)).toBe(opener);

  // A menu opens, moves and closes with keys, and keeps what was chosen.
  await tabTo(page, /^You:/, "Shift+Tab");
  await press("Enter");
  await page.getByRole("menuitemradio", { name: "Dark" }).waitFor();
  await page.keyboard.type("Dark");
  await expect.poll(() => focused(page)).toBe("Dark");
  await press("Enter");
  await expect.poll(() => page.evaluate(() => document.documentElement.dataset.theme)).toBe("dark");
  await context.close();
});

test("the line moves live, from the push to healthy, while the person merges", async () => {
  const context = await person(browser);
  const page = await openPage(context);
  await signIn(page);
  await page.getByText("live", { exact: true }).waitFor();
  // A second tab has no stream of its own and hears of everything through the first.
  const other = await openPage(context);
  await other.goto(url);
  await other.getByText("live", { exact: true }).waitFor();

  const tag = process.env.HEDDLE_LIVE_TAG ?? "1.4.7";
  await outside(`push/${tag}`);
  for (const each of [page, other]) {
    await lineOf(each, tag, "prod")
      .getByText(/^Merged: waiting/)
      .waitFor({ state: "attached" });
  }
  await picture(page, "live-waiting");

  const [github] = await Promise.all([
    context.waitForEvent("page"),
    rowOf(page, tag, "prod")
      .getByRole("link", { name: /^#\d+$/ })
      .click(),
  ]);
  await signInAtGitHub(github);
  await github.getByRole("button", { name: "Merge pull request" }).click();

  // Healthy changes leave the list of those in flight for the one below it.
  for (const each of [page, other]) {
    const ended = each.getByRole("table", { name: "Changes that ended lately" }).getByRole("row");
    await ended.filter({ hasText: tag }).filter({ hasText: "prod" }).filter({ hasText: "Healthy" }).waitFor();
  }
  await picture(page, "live-healthy");
  await context.close();
});

function rowOf(page: Page, tag: string, environment: string) {
  return page.getByRole("listitem").filter({
    has: page.getByRole("list", { name: new RegExp(`^Line of .*${literally(tag)} in ${environment}$`) }),
  });
}

function lineOf(page: Page, tag: string, environment: string) {
  return page.getByRole("list", { name: new RegExp(`^Line of .*${literally(tag)} in ${environment}$`) });
}

function literally(text: string): string {
  return text.replace(/[.+]/g, "\\$&");
}

/** The stand-in shows a link where nobody is signed in. */
async function signInAtGitHub(page: Page) {
  await page.waitForLoadState();
  const link = page.getByRole("link", { name: "Sign in to merge" });
  if (await link.isVisible()) {
    await link.click();
    const button = page.getByRole("button", { name: /^Sign in/ });
    if (await button.isVisible()) await button.click();
  }
}

function focused(page: Page): Promise<string> {
  return page.evaluate(() => {
    const { activeElement: element } = document;
    const label = element instanceof HTMLInputElement ? element.labels?.[0]?.textContent : undefined;
    return (label ?? element?.getAttribute("aria-label") ?? element?.textContent ?? "").trim();
  });
}

/** Presses Tab until something of that name has the focus, as a person does, and gives its whole name. */
async function tabTo(page: Page, name: string | RegExp, key = "Tab"): Promise<string> {
  for (let stops = 0; stops < 80; stops += 1) {
    await page.keyboard.press(key);
    const now = await focused(page);
    if (typeof name === "string" ? now === name : name.test(now)) return now;
  }
  throw new Error(`${key} never leads to ${name}`);
}
