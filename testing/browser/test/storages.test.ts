/**
 * The browser's own storages for indexes keep the contract of `keyfold-index`, in Chromium: the same checks that every
 * other storage passes, also where calls and answers are lost; and they keep it between tabs that die.
 */

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { describe, expect } from "vitest";
import { eventually } from "../src/assert.ts";
import { root, type Site, test, type Visitor } from "../src/harness/index.ts";
import type { Kind } from "../scenarios/storages.ts";
import init, { storageChecks } from "../wasm/keyfold_storages.js";

type Storages = typeof import("../scenarios/storages.ts");

declare global {
  var storages: Pick<Storages, "open" | "check">;
}

const program = await readFile(join(root, "testing/browser/wasm/keyfold_storages_bg.wasm"));
await init({ module_or_path: program });

/** A tab with the storages in it. */
async function tab(visitor: Visitor, site: Site): Promise<Page> {
  site.fault("/storages.wasm", { body: program, type: "application/wasm", status: 200 });
  const page = await visitor.tab();
  await page.evaluate(() => globalThis.scenario("storages"));
  return page;
}

/** Notes, for the table that `cargo xtask test` prints, that a storage passed a check. */
async function passed(kind: Kind, check: string): Promise<void> {
  const table = process.env.KEYFOLD_CONFORMANCE;
  if (table === undefined) return;
  const column = join(table, kind === "files" ? "OPFS" : kind);
  await mkdir(column, { recursive: true });
  await writeFile(join(column, check), "");
}

describe.each<Kind>(["IndexedDB", "files"])("a storage in the browser's %s", (kind) => {
  for (const check of storageChecks()) {
    for (const isReliable of [true, false]) {
      test(`${check}${isReliable ? "" : ", where calls and answers are lost"}`, async ({ site, arrive }) => {
        const page = await tab(await arrive(), site);
        const run = ({ kind, check, isReliable }: { kind: Kind; check: string; isReliable: boolean }) =>
          globalThis.storages.check(kind, check, isReliable);
        await page.evaluate(run, { kind, check, isReliable });
        if (isReliable) await passed(kind, check);
      });
    }
  }

  test("of tabs that swap at once one succeeds, each time", async ({ site, arrive }) => {
    const visitor = await arrive();
    const pages = await Promise.all([1, 2, 3, 4].map(() => tab(visitor, site)));
    const done = await Promise.all(
      pages.map((page, number) =>
        page.evaluate(
          async ({ kind, number }) => {
            const storage = globalThis.storages.open(kind, "shared");
            let done = 0;
            for (let round = 0; round < 25;) {
              const stands = await storage.read("count");
              const count = (stands?.bytes[0] ?? 0) + 1;
              const swapped = await storage.swap("count", stands?.version, Uint8Array.of(count, number));
              if ("stands" in swapped) continue;
              round += 1;
              done += 1;
            }
            return done;
          },
          { kind, number },
        ),
      ),
    );
    expect(done).toEqual([25, 25, 25, 25]);
    const stands = await pages[0]?.evaluate(async (kind) => {
      const stands = await globalThis.storages.open(kind, "shared").read("count");
      return [...(stands?.bytes ?? [])];
    }, kind);
    expect(stands?.[0], "nobody's was lost").toBe(100);
  });

  test("a tab that is killed while it writes leaves every object whole or not there, and what it named", async ({
    site,
    arrive,
  }) => {
    const visitor = await arrive();
    const observer = await tab(visitor, site);
    for (let round = 0; round < 6; round += 1) {
      const page = await tab(visitor, site);
      let answered = 0;
      await page.exposeFunction("answered", (number: number) => {
        answered = number;
      });
      const writing = page.evaluate(
        async ({ kind, round }) => {
          const { answered } = globalThis as unknown as { answered: (number: number) => Promise<void> };
          const storage = globalThis.storages.open(kind, "killed");
          const hex = (number: number): string => number.toString(16).padStart(8, "0");
          let version = (await storage.read("newest"))?.version;
          for (let number = 1; ; number += 1) {
            // An id tells what is in its object.
            const ids = [0, 1, 2, 3].map((at) => hex((round << 20) + number * 4 + at).padStart(64, "5"));
            await storage.put(ids.map((id) => [id, new TextEncoder().encode(id.repeat(200))] as const));
            const named = new TextEncoder().encode(JSON.stringify({ number, ids }));
            const swapped = await storage.swap("newest", version, named);
            if ("stands" in swapped) throw new Error("nobody else writes");
            version = swapped.version;
            await answered(number);
          }
        },
        { kind, round },
      );
      writing.catch(() => undefined);
      await eventually("something is answered", () => answered > round);
      await visitor.kill(page);
      const found = await observer.evaluate(async (kind) => {
        const storage = globalThis.storages.open(kind, "killed");
        const stands = await storage.read("newest");
        const { number, ids } = JSON.parse(new TextDecoder().decode(stands?.bytes)) as {
          number: number;
          ids: string[];
        };
        const all: string[] = [];
        for (
          let page = await storage.list(undefined);
          page.length > 0;
          page = await storage.list(page.at(-1))
        )
          all.push(...page);
        const objects = await storage.get([...ids, ...all]);
        const broken = [...ids, ...all].filter(
          (id, at) => new TextDecoder().decode(objects[at]) !== id.repeat(200),
        );
        return { number, broken, listed: ids.every((id) => all.includes(id)) };
      }, kind);
      expect(found).toEqual({ number: expect.any(Number), broken: [], listed: true });
      expect(found.number, "what was answered stands").toBeGreaterThanOrEqual(answered);
    }
  });

  test("without room nothing takes the place of what stands, and with room it goes on", async ({
    site,
    arrive,
  }) => {
    const visitor = await arrive();
    const page = await tab(visitor, site);
    await visitor.quota(page, 3_000_000);
    const full = await page.evaluate(async (kind) => {
      const storage = globalThis.storages.open(kind, "full");
      const first = await storage.swap("name", undefined, Uint8Array.of(1));
      if (!("version" in first)) throw new Error("nothing stands there");
      try {
        for (let number = 0; number < 500; number += 1) {
          // Of what is all the same, a database needs less.
          const bytes = new Uint8Array(500_000);
          for (let at = 0; at < bytes.length; at += 50_000)
            crypto.getRandomValues(bytes.subarray(at, at + 50_000));
          await storage.put([[number.toString(16).padStart(64, "0"), bytes]]);
        }
        return "there was room for everything";
      } catch (error) {
        const stands = await storage.read("name");
        return { code: (error as { code: string }).code, stands: [...(stands?.bytes ?? [])] };
      }
    }, kind);
    expect(full).toEqual({ code: "StorageFull", stands: [1] });
    await visitor.quota(page, undefined);
    const again = await page.evaluate(async (kind) => {
      const storage = globalThis.storages.open(kind, "full");
      const id = "f".repeat(64);
      await storage.put([[id, Uint8Array.of(7)]]);
      const [found] = await storage.get([id]);
      return [...(found ?? [])];
    }, kind);
    expect(again).toEqual([7]);
  });
});
