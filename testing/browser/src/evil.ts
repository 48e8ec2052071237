/**
 * The evil server as a fixture, and scenarios against it in both places. Separate from the harness, because an honest
 * server needs none of it.
 */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe } from "vitest";
import { built, Service, test as base } from "./harness/index.ts";
import type { LyingScenarios } from "./liar.ts";

/** Where the evil server listens. */
export interface Evil {
  /** What clients are given as the server's address. */
  readonly serverURL: string;
  readonly serverKey: string;
  /** Where lies are ordered: see `Liar`. */
  readonly control: string;
}

/** The harness's `test`, and an evil server for whoever names it. */
export const test = base.extend("evil", async ({}, { onCleanup }): Promise<Evil> => {
  const service = await Service.start(built("evil"), []);
  onCleanup(() => service.kill());
  return {
    serverURL: service.text("url"),
    serverKey: service.text("serverKey"),
    control: service.text("control"),
  };
});

/** Registers every scenario of `scenarios/NAME.ts` as two tests: in this Node, and in a page of Chromium. */
export async function runAgainstLies(name: string): Promise<void> {
  const { scenarios } = (await import(`../scenarios/${name}.ts`)) as { scenarios: LyingScenarios };
  describe(`${name}, in Node`, () => {
    for (const [title, run] of Object.entries(scenarios)) {
      test(title, async ({ evil }) => {
        const folder = await mkdtemp(join(tmpdir(), "keyfold-homes-"));
        try {
          const { Client } = await import("@keyfold/client");
          await run({ ...evil, Client, storage: (person) => join(folder, person) });
        } finally {
          await rm(folder, { recursive: true, force: true, maxRetries: 5 });
        }
      });
    }
  });
  describe(`${name}, in Chromium`, () => {
    for (const title of Object.keys(scenarios)) {
      test(title, async ({ evil, arrive }) => {
        const page = await (await arrive()).tab();
        await page.evaluate(
          async ({ name, title, evil }) => {
            const scenario = (await globalThis.scenario(name))[title] as unknown as
              LyingScenarios[string] | undefined;
            if (scenario === undefined) throw new Error(`no scenario ${title}`);
            await scenario({ ...evil, Client: globalThis.keyfold.Client, storage: (person) => person });
          },
          { name, title, evil },
        );
      });
    }
  });
}
