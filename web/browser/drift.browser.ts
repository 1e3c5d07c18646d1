// Is the world as Git says: what was looked at, what was not, and each record's page.
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  expectAccessible,
  expectNoSideways,
  launch,
  openPage,
  person,
  picture,
  setting,
  signIn,
  url,
} from "./support";

interface Expected {
  source: string;
  state: "same" | "differs" | "unknown" | "not-looked-at";
  told: string;
}

const expected: Expected[] = JSON.parse(setting("HEDDLE_DRIFT"));
const planted = setting("HEDDLE_PLANTED");

const words = { same: "Same", differs: "Differs", unknown: "Unknown", "not-looked-at": "Not looked at" };

let browser: Browser;

beforeAll(async () => {
  browser = await launch();
});

afterAll(() => browser.close());

test("every folder and playbook is in the list as it is, and its page says why", async () => {
  const context = await person(browser);
  const page = await openPage(context);
  await signIn(page);
  await page.goto(`${url}/drift`);
  await page.getByText("The world is not all as Git says").waitFor();
  await picture(page, "drift");
  await expectAccessible(page, "drift");
  await expectNoSideways(page, "drift");
  for (const { source, state } of expected) {
    const row = page.getByRole("row").filter({ has: page.getByText(source, { exact: true }) });
    await row.getByText(words[state]).first().waitFor();
  }
  expect(await page.content()).not.toContain(planted);
  for (const { source, state, told } of expected) {
    await page.goto(`${url}/drift`);
    await page.getByRole("link", { name: `${source} in prod` }).click();
    await page.getByRole("heading", { name: source, level: 1 }).waitFor();
    await page.getByText(words[state]).first().waitFor();
    await page.getByText("Somebody must look each 1 d").waitFor();
    // Words in backticks are shown as code.
    const shown = (await page.locator("main").textContent()) ?? "";
    expect.soft(shown, source).toContain(told.replaceAll("`", ""));
    expect(await page.content(), source).not.toContain(planted);
    if (state === "differs") {
      await page.getByRole("link", { name: "Open an issue" }).waitFor();
      await picture(page, `drift-${source.replace(/\W/g, "-")}`);
      await expectAccessible(page, source);
      await expectNoSideways(page, source);
    }
  }
  await context.close();
});
