/** The same steps in Node and in Chromium: a scenario is a function that knows neither. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe } from "vitest";
import type { Scenario, Scenarios } from "../scenario.ts";
import { test } from "./test.ts";

/** Registers every scenario of `scenarios/NAME.ts` as a test that runs in this Node. */
export async function runInNode(name: string): Promise<void> {
  const scenarios = await load(name);
  describe(`${name}, in Node`, () => {
    for (const title of Object.keys(scenarios)) {
      test(title, async ({ keyfold }) => {
        const folder = await mkdtemp(join(tmpdir(), "keyfold-homes-"));
        try {
          const { Client } = await import("@keyfold/client");
          const storage = (person: string): string => join(folder, person);
          await find(scenarios, title)({ Client, serverURL: keyfold.url, serverKey: keyfold.key, storage });
        } finally {
          await rm(folder, { recursive: true, force: true, maxRetries: 5 });
        }
      });
    }
  });
}

/** Registers every scenario of `scenarios/NAME.ts` as a test that runs in a page of Chromium, in workers. */
export async function runInChromium(name: string): Promise<void> {
  const scenarios = await load(name);
  describe(`${name}, in Chromium`, () => {
    for (const title of Object.keys(scenarios)) {
      test(title, async ({ keyfold, arrive }) => {
        const page = await (await arrive()).tab();
        const env = { serverURL: keyfold.url, serverKey: keyfold.key };
        await page.evaluate(
          async ({ name, title, env }) => {
            const scenario = (await globalThis.scenario(name))[title];
            if (scenario === undefined) throw new Error(`no scenario ${title}`);
            await scenario({ ...env, Client: globalThis.keyfold.Client, storage: (person) => person });
          },
          { name, title, env },
        );
      });
    }
  });
}

async function load(name: string): Promise<Scenarios> {
  const { scenarios } = (await import(`../../scenarios/${name}.ts`)) as { scenarios: Scenarios };
  if (Object.keys(scenarios).length === 0) throw new Error(`no scenario in ${name}`);
  return scenarios;
}

function find(scenarios: Scenarios, title: string): Scenario {
  const scenario = scenarios[title];
  if (scenario === undefined) throw new Error(`no scenario ${title}`);
  return scenario;
}
