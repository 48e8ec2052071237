/** What a checker finds: axe-core in the page, for rules of WCAG 2.2 A and AA. */

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { AxeResults } from "axe-core";
import type { Page } from "playwright-core";

const SOURCE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

/** Violations, each with the elements concerned; empty if there are none. */
export async function violations(page: Page): Promise<readonly string[]> {
  await page.evaluate(await readFile(SOURCE, "utf8"));
  // A colour that is still changing has no contrast yet.
  await page.evaluate(() =>
    Promise.all(document.getAnimations().map(({ finished }) => finished.catch(() => {}))),
  );
  const results = (await page.evaluate(
    `axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] })`,
  )) as AxeResults;
  if (results.passes.length === 0) throw new Error("The checker checked nothing");
  return results.violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id}: ${String(target)}: ${failureSummary ?? ""}`),
  );
}
