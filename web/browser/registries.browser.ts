// A private image: what the Overview, the findings and the logins say of why it cannot be read.
//
// HEDDLE_STAGE   names the pictures
// HEDDLE_STATE   the login's state, as the page says it; empty: there is no login
// HEDDLE_REASON  part of the reason; empty: nothing is wrong

import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { launch, openPage, person, picture, setting, signIn, url } from "./support";

let browser: Browser;

beforeAll(async () => {
  browser = await launch();
});

afterAll(() => browser.close());

test("the pages say why an image cannot be read", async () => {
  const stage = setting("HEDDLE_STAGE");
  const state = process.env.HEDDLE_STATE ?? "";
  const reason = process.env.HEDDLE_REASON ?? "";
  const page = await openPage(await person(browser));
  await signIn(page);
  if (reason) {
    const trouble = page.getByRole("listitem").filter({ hasText: reason });
    await trouble.first().waitFor();
    await trouble.first().getByRole("link", { name: "Registries" }).waitFor();
  } else {
    await page.getByText("Registries read").waitFor();
    await expect.poll(() => page.getByText("cannot be read").count()).toBe(0);
  }
  await picture(page, `overview-${stage}`);

  await page.goto(`${url}/settings/repositories`);
  const findings = page.getByRole("list", { name: "Findings" });
  if (reason) {
    await findings.getByRole("listitem").filter({ hasText: reason }).first().waitFor();
  } else {
    await page.getByRole("heading", { name: "Repositories", level: 2 }).waitFor();
  }
  await picture(page, `findings-${stage}`);

  await page.goto(`${url}/settings/registries`);
  if (state) {
    const login = page.getByRole("listitem").filter({ hasText: state });
    await login.first().waitFor();
    if (reason) await login.filter({ hasText: reason }).first().waitFor();
  } else {
    await page.getByText("There is none yet.").waitFor();
  }
  await picture(page, `registries-${stage}`);
});
