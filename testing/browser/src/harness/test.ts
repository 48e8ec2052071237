/** `test` with everything that a test may ask for by naming it: a server, a wire to it, a site, visitors. */

import { chromium } from "playwright-core";
import { inject, test as base } from "vitest";
import { Keyfold } from "./keyfold.ts";
import { Site } from "./site.ts";
import { Visitor } from "./visitor.ts";
import { Wire } from "./wire.ts";

/** vitest's `test`. Everything is made when a test names it, and removed after it. */
export const test = base
  .extend("browser", { scope: "worker" }, async ({}, { onCleanup }) => {
    const browser = await chromium.connect(inject("chromium"));
    onCleanup(() => browser.close());
    return browser;
  })
  .extend("keyfold", async ({}, { onCleanup }) => {
    const keyfold = await Keyfold.start();
    onCleanup(() => keyfold.remove());
    return keyfold;
  })
  .extend("wire", async ({ keyfold }, { onCleanup }) => {
    const wire = await Wire.to(keyfold.url);
    onCleanup(() => wire.remove());
    return wire;
  })
  .extend("site", async ({}, { onCleanup }) => {
    const site = await Site.start();
    onCleanup(() => site.remove());
    return site;
  })
  /** Makes visitors. A test fails if one of them saw an error that it did not expect. */
  .extend("arrive", async ({ browser, site }, { onCleanup }) => {
    const visitors: Visitor[] = [];
    onCleanup(async () => {
      const complaints = visitors.flatMap((visitor) => visitor.unexpected());
      await Promise.all(visitors.map((visitor) => visitor.leave()));
      if (complaints.length > 0) throw new Error(`nobody expected:\n${complaints.join("\n")}`);
    });
    return async () => {
      const visitor = await Visitor.arrive(browser, site);
      visitors.push(visitor);
      return visitor;
    };
  });
