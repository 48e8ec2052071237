/**
 * A table of expenses in an encrypted index, in Chromium: two people, several tabs, tabs that die, lines that break; and
 * what of it rests in the browser and at the server.
 */

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Client, RangeOptions, VaultIndex } from "@keyfold/client";
import type { Page } from "playwright-core";
import { describe, expect } from "vitest";
import { eventually } from "../src/assert.ts";
import { test, type Visitor } from "../src/harness/index.ts";
import { stored } from "../src/stored.ts";
import { type Server, Tab } from "../src/tab.ts";

interface Expense {
  readonly id: string;
  readonly date: string;
  readonly amount: number;
  readonly what: string;
}

/** What the index is called: nobody outside may know that either. */
const NAME = "expenses of the lighthouse";

const FERRY: Expense = { id: "a", date: "2026-05-02", amount: 36.5, what: "Ferry to the lighthouse" };
const CABIN: Expense = { id: "b", date: "2026-05-03", amount: 210, what: "Cabin, two nights" };
const BREAD: Expense = { id: "c", date: "2026-05-01", amount: 4, what: "Bread from the harbour" };

/** The table in one tab. */
class Table {
  private constructor(readonly tab: Tab) {}

  static async open(tab: Tab, keychain: string): Promise<Table> {
    await tab.page.evaluate(
      ({ keychain, name }) => {
        const client = globalThis.kept["client"] as Client;
        const table = client.vault(keychain).index<Expense>(name, {
          key: ({ date, id }) => [date, id],
          secondary: {
            amount: { by: ({ amount }) => [amount] },
            words: { by: ({ what }) => what.toLowerCase().match(/[a-z]+/g) ?? [] },
          },
        });
        globalThis.kept["table"] = table;
        globalThis.kept["heard"] = 0;
        table.subscribe(() => {
          globalThis.kept["heard"] += 1;
        });
      },
      { keychain, name: NAME },
    );
    return new Table(tab);
  }

  /** @throws An error with the code of the client's, and whether trying again may help. */
  async put(...records: readonly Expense[]): Promise<void> {
    const refused = await this.tab.page.evaluate(async (records) => {
      try {
        await (globalThis.kept["table"] as VaultIndex<Expense>).put(records);
        return null;
      } catch (error) {
        const { code, message, retryable } = error as { code: string; message: string; retryable: boolean };
        return { code, message, retryable };
      }
    }, records);
    if (refused !== null) throw Object.assign(new Error(refused.message), refused);
  }

  /** Adds cents to an amount, `times` times at once. */
  async add(record: Expense, cents: number, times: number): Promise<void> {
    await this.tab.page.evaluate(
      async ({ key, cents, times }) => {
        const table = globalThis.kept["table"] as VaultIndex<Expense>;
        const more = () =>
          table.update(key, (old) => old && { ...old, amount: (old.amount * 100 + cents) / 100 });
        await Promise.all(Array.from({ length: times }, more));
      },
      { key: [record.date, record.id], cents, times },
    );
  }

  async delete(record: Expense): Promise<void> {
    await this.tab.page.evaluate(
      (key) => (globalThis.kept["table"] as VaultIndex<Expense>).delete([key]),
      [record.date, record.id],
    );
  }

  /** What is found, of which only ids are of interest. */
  async ids(options: RangeOptions = {}, by?: "amount" | "words"): Promise<string[]> {
    const records = await this.list(options, by);
    return records.map(({ id }) => id);
  }

  list(options: RangeOptions = {}, by?: "amount" | "words"): Promise<Expense[]> {
    return this.tab.page.evaluate(
      ({ options, by }) => {
        const table = globalThis.kept["table"] as VaultIndex<Expense>;
        return (by === undefined ? table : table.by(by)).list(options);
      },
      { options, by },
    );
  }

  count(options: RangeOptions = {}, by?: "amount" | "words"): Promise<number> {
    return this.tab.page.evaluate(
      ({ options, by }) => {
        const table = globalThis.kept["table"] as VaultIndex<Expense>;
        return (by === undefined ? table : table.by(by)).count(options);
      },
      { options, by },
    );
  }

  /** How often it was told that somebody had written. */
  heard(): Promise<number> {
    return this.tab.page.evaluate(() => globalThis.kept["heard"] as number);
  }
}

/** Somebody with some tabs, all logged in and all told of what others do. */
async function arrived(visitor: Visitor, server: Server, name: string, tabs: number): Promise<Tab[]> {
  const first = await Tab.open(visitor, server);
  await first.call("signup", name);
  const all = [first];
  while (all.length < tabs) all.push(await Tab.open(visitor, server));
  for (const tab of all) await tab.listen();
  for (const tab of all) {
    await eventually("the tab is logged in and online", async () => {
      const { status, sync } = await tab.state();
      return status === "in" && sync === "online";
    });
  }
  return all;
}

const holds = (tab: Tab, keychain: string): Promise<unknown> =>
  eventually("the tab has the keychain", async () =>
    (await tab.state()).keychains.some(({ keychainFingerprint }) => keychainFingerprint === keychain),
  );

/** A keychain of alice's that bob is in, and the table in each tab. */
async function together(alice: readonly Tab[], bob: readonly Tab[]): Promise<[Table[], Table[], string]> {
  const [first] = alice;
  if (first === undefined) throw new Error("alice has no tab");
  const { keychainFingerprint } = await first.call("createNewKeychain", "books", "secretBox");
  await first.call("shareCompleteKeychain", keychainFingerprint, { userId: "bob" });
  for (const tab of [...alice, ...bob]) await holds(tab, keychainFingerprint);
  const open = (tabs: readonly Tab[]) => Promise.all(tabs.map((tab) => Table.open(tab, keychainFingerprint)));
  return [await open(alice), await open(bob), keychainFingerprint];
}

/** Records of a batch: all of them are found by its word. */
function batch(number: number): Expense[] {
  return Array.from({ length: 40 }, (_, at) => ({
    id: `${number}-${at}`,
    date: `2026-06-${String(1 + (at % 28)).padStart(2, "0")}`,
    amount: number,
    what: "Tickets",
  }));
}

/** Has a tab put batch after batch; answers the numbers of those that were acknowledged, as they are. */
async function putting(page: Page): Promise<number[]> {
  const acknowledged: number[] = [];
  await page.exposeFunction("acknowledge", (number: number) => acknowledged.push(number));
  await page.exposeFunction("batch", batch);
  // It ends when the tab does.
  page
    .evaluate(async () => {
      const { acknowledge, batch } = globalThis as unknown as {
        acknowledge: (number: number) => Promise<void>;
        batch: (number: number) => Promise<Expense[]>;
      };
      for (let number = 1; ; number += 1) {
        await (globalThis.kept["table"] as VaultIndex<Expense>).put(await batch(number));
        await acknowledge(number);
      }
    })
    .catch(() => undefined);
  return acknowledged;
}

describe("a table in an encrypted index", () => {
  test("two people with two tabs each see one table, whoever writes it and wherever", async ({
    keyfold,
    arrive,
  }) => {
    const [alice, bob] = await Promise.all([
      arrived(await arrive(), keyfold, "alice", 2),
      arrived(await arrive(), keyfold, "bob", 2),
    ]);
    const [hers, his] = await together(alice, bob);
    const all = [...hers, ...his];
    await hers[0]?.put(FERRY, CABIN);
    await his[1]?.put(BREAD);
    for (const table of all) {
      await eventually("the tab is told", async () => (await table.heard()) > 0);
      await eventually("the tab shows all three", async () => (await table.count()) === 3);
      expect(await table.list()).toEqual([BREAD, FERRY, CABIN]);
      expect(await table.ids({ reverse: true, limit: 2 })).toEqual(["b", "a"]);
      expect(await table.ids({ from: "2026-05-02", to: "2026-05-03" })).toEqual(["a"]);
      expect(await table.ids({}, "amount")).toEqual(["c", "a", "b"]);
      expect(await table.ids({ from: 10, to: 100 }, "amount")).toEqual(["a"]);
      expect(await table.ids({ startsWith: "lightho" }, "words")).toEqual(["a"]);
      expect(await table.count({ prefix: "two" }, "words")).toBe(1);
    }
    // Twelve who add at once to one amount all count.
    await Promise.all(all.map((table) => table.add(BREAD, 25, 3)));
    for (const table of all) {
      expect(await table.list({ prefix: BREAD.date })).toEqual([{ ...BREAD, amount: 7 }]);
      expect(await table.ids({ prefix: 7 }, "amount")).toEqual(["c"]);
      expect(await table.ids({ prefix: 4 }, "amount")).toEqual([]);
    }
    await his[0]?.delete(FERRY);
    for (const table of all) {
      await eventually("the tab shows two", async () => (await table.count()) === 2);
      expect(await table.ids({ prefix: "ferry" }, "words")).toEqual([]);
    }
  });

  test("a tab dies while it writes: what was acknowledged is there, and the rest is whole or is not", async ({
    keyfold,
    arrive,
  }) => {
    const visitor = await arrive();
    const alice = await arrived(visitor, keyfold, "alice", 3);
    const bob = await arrived(await arrive(), keyfold, "bob", 1);
    const [hers, his] = await together(alice, bob);
    const [reader] = his;
    if (reader === undefined) throw new Error("bob has no tab");
    const states = await Promise.all(hers.map(({ tab }) => tab.state()));
    const leader = hers.find((_, at) => states[at]?.leader === true);
    const follower = hers.find((table) => table !== leader);
    if (leader === undefined || follower === undefined) throw new Error("nobody leads");
    let left = hers;
    let before = 0;
    for (const dying of [follower, leader]) {
      const acknowledged = await putting(dying.tab.page);
      await eventually("some were acknowledged", () => acknowledged.length > before + 1);
      await visitor.kill(dying.tab.page);
      before = Math.max(...acknowledged);
      left = left.filter((table) => table !== dying);
      const survivor = left[0];
      if (survivor === undefined) throw new Error("no tab is left");
      // What the dead tab had asked for may still be on its way to the server; what another writes stands behind it.
      await eventually("another tab writes", () => survivor.put(CABIN).then(() => true));
      for (const table of [survivor, reader]) {
        await eventually("it shows what was written last", async () => (await table.ids()).includes("b"));
        const records = (await table.list()).filter(({ id }) => id !== "b");
        const numbers = [...new Set(records.map(({ amount }) => amount))].sort((a, b) => a - b);
        expect(numbers).toEqual(expect.arrayContaining(acknowledged));
        expect(numbers.length).toBeLessThanOrEqual(before + 1);
        for (const number of numbers) {
          const whole = batch(number).map(({ id }) => id);
          const here = records.filter(({ amount }) => amount === number).map(({ id }) => id);
          expect(here.toSorted()).toEqual(whole.toSorted());
          expect(await table.count({ prefix: number }, "amount")).toBe(whole.length);
        }
        expect(await table.count({ prefix: "tickets" }, "words")).toBe(records.length);
      }
    }
  });

  test("without a network a change waits on this device, and is then there once", async ({
    keyfold,
    arrive,
  }) => {
    const visitor = await arrive();
    const alice = await arrived(visitor, keyfold, "alice", 2);
    const bob = await arrived(await arrive(), keyfold, "bob", 1);
    const [hers, his] = await together(alice, bob);
    const [first, second, reader] = [...hers, ...his];
    if (first === undefined || second === undefined || reader === undefined)
      throw new Error("a tab is missing");
    await first.put(FERRY);
    await visitor.context.setOffline(true);
    for (const table of [first, second]) {
      await table.put(CABIN);
      expect(await table.count()).toBe(2);
    }
    await reader.put(BREAD);
    expect(await reader.count()).toBe(2);
    const heard = await second.heard();
    await visitor.context.setOffline(false);
    // What was written meanwhile was told to nobody here: being back is.
    await eventually("the tab is told to look again", async () => (await second.heard()) > heard);
    for (const table of [first, second])
      await eventually("it shows what bob wrote", async () => (await table.count()) === 3);
    await eventually("bob sees it once", async () => (await reader.ids()).join() === "c,a,b");
    expect(await reader.ids({}, "amount")).toEqual(["c", "a", "b"]);
  });

  test("a line that breaks while it writes leaves all of a change or nothing, however often", async ({
    keyfold,
    wire,
    arrive,
  }) => {
    const server = { url: wire.url, key: keyfold.key };
    const alice = await arrived(await arrive(), server, "alice", 1);
    const bob = await arrived(await arrive(), keyfold, "bob", 1);
    const [[writer], [reader]] = await together(alice, bob);
    if (writer === undefined || reader === undefined) throw new Error("a tab is missing");
    for (let number = 1; number <= 6; number += 1) {
      const cut = new Promise<void>((resolve) =>
        setTimeout(() => {
          wire.cut();
          resolve();
        }, number * 15),
      );
      const outcome = await writer.put(...batch(number)).then(
        () => "done",
        (error: { retryable: boolean }) => error,
      );
      await cut;
      if (outcome !== "done") expect(outcome).toMatchObject({ retryable: true });
      await eventually("it is written in the end", async () => {
        const kept = await reader.count({ prefix: number }, "amount");
        expect([0, 40]).toContain(kept);
        if (kept === 40) return true;
        // What was not answered waits, and goes out with the next call; what was refused is tried again.
        const again = outcome === "done" ? writer.count() : writer.put(...batch(number));
        await again.catch(() => undefined);
        return false;
      });
    }
    expect(await reader.count()).toBe(240);
    expect(await reader.count({ prefix: "tickets" }, "words")).toBe(240);
  });

  test("nothing of it is readable where it rests: not in the browser, and not at the server", async ({
    keyfold,
    arrive,
  }) => {
    const visitor = await arrive();
    const alice = await arrived(visitor, keyfold, "alice", 1);
    const bob = await arrived(await arrive(), keyfold, "bob", 1);
    const [[writer], [reader]] = await together(alice, bob);
    if (writer === undefined || reader === undefined) throw new Error("a tab is missing");
    await writer.put(FERRY, CABIN, BREAD);
    await eventually("bob has read it", async () => (await reader.list()).length === 3);
    expect(await writer.ids({ startsWith: "lightho" }, "words")).toEqual(["a"]);
    const clear = ["Ferry", "lighthouse", "cabin", "Cabin", "harbour", "2026-05-0", NAME];
    const secrets = clear.flatMap((text) => [
      text,
      Buffer.from(text).toString("hex"),
      Buffer.from(text, "utf16le").toString("hex"),
    ]);
    for (const table of [writer, reader]) {
      const found = (await stored(table.tab.page)).join("\n");
      // The check would see it: names of records are texts there.
      expect(found).toContain("CryptoKey sealed");
      expect(found.length).toBeGreaterThan(1_000);
      expect(secrets.filter((secret) => found.includes(secret))).toEqual([]);
    }
    const files: Buffer[] = [];
    for (const entry of await readdir(keyfold.folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      files.push(await readFile(join(entry.parentPath, entry.name)));
    }
    const atServer = Buffer.concat(files);
    // The check would see it: who has an account is not sealed.
    expect(atServer.includes("alice")).toBe(true);
    expect(clear.filter((text) => atServer.includes(text))).toEqual([]);
  });
});
