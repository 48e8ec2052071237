/** Waiting for what a page shows, and taking pictures of it. `KEYFOLD_SCREENSHOTS=1` writes those of `docs/images`. */

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Locator, Page } from "playwright-core";
import { expect } from "vitest";
import { root } from "../../../testing/browser/src/harness/place.ts";

const PATIENCE = { timeout: 20_000, interval: 25 };

/** Waits until the elements together show a text. */
export async function shows(locator: Locator, text: string | RegExp): Promise<void> {
  await expect.poll(async () => (await locator.allInnerTexts()).join("\n"), PATIENCE).toMatch(text);
}

/** Waits until there are so many. */
export async function count(locator: Locator, number: number): Promise<void> {
  await expect.poll(() => locator.count(), PATIENCE).toBe(number);
}

/** Clicks each of them away, those aside that vanish by themselves meanwhile. */
export async function closeAll(buttons: Locator): Promise<void> {
  while ((await buttons.count()) > 0) {
    await buttons
      .first()
      .click({ timeout: 1_000 })
      .catch(() => undefined);
  }
}

/** Takes a picture, once everything stands still. */
export async function picture(page: Page, name: string): Promise<void> {
  if (process.env["KEYFOLD_SCREENSHOTS"] !== "1") return;
  const folder = join(root, "docs/images");
  await mkdir(folder, { recursive: true });
  await page.evaluate(() =>
    Promise.all(document.getAnimations().map(({ finished }) => finished.catch(() => {}))),
  );
  await page.screenshot({ path: join(folder, `${name}.png`) });
}
