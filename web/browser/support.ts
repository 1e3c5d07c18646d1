// What every browser test needs: where Heddle is, a browser, a signed-in page, and the world outside of it.
//
// HEDDLE_URL       the dashboard's address
// HEDDLE_EMAIL     an account whose organization is set up, for the tests that do not sign up
// HEDDLE_PASSWORD  its password
// HEDDLE_WORLD     does what a person does outside of the browser:
//                  POST {HEDDLE_WORLD}/apply, body a manifest: kubectl apply, and the agent starts
//                  POST {HEDDLE_WORLD}/push/{tag}: pushes the image under that tag
// HEDDLE_CHROMIUM  the browser's program; unset, where Debian's packages put it
// HEDDLE_SHOTS     a folder for pictures of the pages that a test failed on
// HEDDLE_ALL_SHOTS every page that is looked at is pictured, when set
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type axe from "axe-core";
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Page,
} from "playwright-core";
import { expect, onTestFailed } from "vitest";

export const url = setting("HEDDLE_URL").replace(/\/$/, "");

/** Longer than any step of the loop takes with polling alone. */
const patience = 120_000;

export function setting(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set; browser/support.ts says what it is`);
  return value;
}

/** The first of these is driven. The headless shell is smaller and starts without a desktop. */
const programs = ["/usr/bin/chromium-headless-shell", "/usr/bin/chromium"];

export function launch(): Promise<Browser> {
  const program = process.env.HEDDLE_CHROMIUM ?? programs.find(existsSync);
  if (!program) throw new Error("there is no Chromium; run: apt-get install chromium-headless-shell");
  return chromium.launch({
    executablePath: program,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

/** A person's own browser; the GitHub stand-in has a certificate of its own. */
export async function person(browser: Browser, options: BrowserContextOptions = {}): Promise<BrowserContext> {
  const context = await browser.newContext({
    viewport: { width: 1440, height: 900 },
    ignoreHTTPSErrors: true,
    ...options,
  });
  context.setDefaultTimeout(patience);
  onTestFailed(({ task }) => tellOf(context, task.name));
  return context;
}

/** What the pages showed when a test failed, as text here and as pictures in the folder. */
async function tellOf(context: BrowserContext, test: string) {
  for (const [index, page] of context.pages().entries()) {
    const shown = await page.locator("body").ariaSnapshot({ timeout: 5_000 }).catch(String);
    process.stderr.write(`${test}: ${page.url()} showed\n${shown}\n`);
    const name = `failed-${test.replace(/\W+/g, "-")}-${index}`;
    await shoot(page, name).catch((fault) => process.stderr.write(`no picture: ${fault}\n`));
  }
}

/** A page on which every error of the browser, a refusal by the content security policy too, fails the test. */
export async function openPage(context: BrowserContext): Promise<Page> {
  const page = await context.newPage();
  page.on("pageerror", (error) => expect.soft(error.message, "an error on the page").toBeUndefined());
  page.on("console", (message) => {
    // A refused call is an answer like any other; Chromium writes it down as an error.
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) {
      expect.soft(message.text(), "an error in the console").toBeUndefined();
    }
  });
  return page;
}

export async function signIn(page: Page) {
  await page.goto(`${url}/login`);
  await page.getByLabel("E-mail").fill(setting("HEDDLE_EMAIL"));
  await page.getByLabel("Password").fill(setting("HEDDLE_PASSWORD"));
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { name: "Overview", level: 1 }).waitFor();
}

export async function outside(path: string, body?: string) {
  const response = await fetch(`${setting("HEDDLE_WORLD").replace(/\/$/, "")}/${path}`, {
    method: "POST",
    body,
  });
  expect(response.ok, `${path}: ${response.status} ${response.ok ? "" : await response.text()}`).toBe(true);
}

const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Every rule of WCAG 2.2 AA that a program can check, and axe's best practices. */
export async function expectAccessible(page: Page, where: string) {
  // Evaluated, not added to the page, whose policy would refuse it.
  await page.evaluate(axeSource);
  const faults = await page.evaluate(async () => {
    const { violations } = await window.axe.run(document, { resultTypes: ["violations"] });
    return violations.map((rule) => ({
      rule: rule.id,
      at: rule.nodes.map((node) => `${node.target.join(" ")}: ${node.failureSummary ?? ""}`),
    }));
  });
  expect.soft(faults, `axe on ${where}`).toEqual([]);
}

declare global {
  interface Window {
    axe: typeof axe;
  }
}

/** Nothing may stand beyond the right edge. */
export async function expectNoSideways(page: Page, where: string) {
  const beyond = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  expect.soft(beyond, `pixels beyond the right edge on ${where}`).toBeLessThanOrEqual(0);
}

/** For whoever wants to look at the pages. */
export async function picture(page: Page, name: string) {
  if (process.env.HEDDLE_ALL_SHOTS) await shoot(page, name);
}

async function shoot(page: Page, name: string) {
  const folder = process.env.HEDDLE_SHOTS;
  if (folder) await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
}
