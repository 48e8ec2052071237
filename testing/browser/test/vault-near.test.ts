/**
 * What a browser keeps near of an index: a page that is opened again asks for little, and reads without a server. What is
 * kept needs no trust and no room.
 */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Client, RangeOptions, VaultIndex } from "@keyfold/client";
import type { Page } from "playwright-core";
import { describe, expect } from "vitest";
import { eventually, fails } from "../src/assert.ts";
import { clear } from "../src/clear.ts";
import { clientDist, type Site, test, type Visitor, type Wire } from "../src/harness/index.ts";
import { stored } from "../src/stored.ts";
import { type Server, Tab } from "../src/tab.ts";

interface Row {
  readonly id: number;
  readonly text: string;
}

const NEAR = ".near.";

const row = (id: number): Row => ({ id, text: `row ${id} `.padEnd(80, "abcdefg ") });

const rows = (from: number, to: number): Row[] =>
  Array.from({ length: to - from }, (_, at) => row(from + at));

/** The table in one tab. */
class Table {
  private constructor(readonly tab: Tab) {}

  static async open(tab: Tab, keychain: string): Promise<Table> {
    await tab.page.evaluate((keychain) => {
      const client = globalThis.kept["client"] as Client;
      globalThis.kept["table"] = client
        .vault(keychain)
        .index<{ id: number }>("rows", { key: ({ id }) => id });
    }, keychain);
    return new Table(tab);
  }

  /** Rows 0 to `count`. */
  async fill(count: number): Promise<void> {
    await this.tab.page.evaluate(
      async ({ count }) => {
        const table = globalThis.kept["table"] as VaultIndex<object>;
        const row = (id: number) => ({ id, text: `row ${id} `.padEnd(80, "abcdefg ") });
        await table.put(Array.from({ length: count }, (_, id) => row(id)));
      },
      { count },
    );
  }

  async put(record: Row): Promise<void> {
    await this.#called("put", record);
  }

  async list(options: RangeOptions = {}): Promise<Row[]> {
    return (await this.#called("list", options)) as Row[];
  }

  async delete(id: number): Promise<void> {
    await this.#called("delete", id);
  }

  async count(): Promise<number> {
    return (await this.#called("count")) as number;
  }

  offline(): Promise<boolean> {
    return this.tab.page.evaluate(() => (globalThis.kept["table"] as VaultIndex<Row>).offline);
  }

  /** @throws An error with the code of the client's. */
  async #called(method: "put" | "list" | "delete" | "count", ...args: unknown[]): Promise<unknown> {
    const outcome = await this.tab.page.evaluate(
      async ({ method, args }) => {
        try {
          return { value: await globalThis.kept["table"][method](...args) };
        } catch (error) {
          const { code, message, retryable } = error as Record<string, unknown>;
          return { refused: { code, message: String(message), retryable } };
        }
      },
      { method, args },
    );
    if (outcome.refused === undefined) return outcome.value;
    throw Object.assign(new Error(outcome.refused.message), outcome.refused);
  }
}

/** Alice with a table of so many rows, in a tab that is closed again. */
async function aliceWith(count: number, visitor: Visitor, server: Server): Promise<string> {
  const tab = await Tab.open(visitor, server);
  await tab.call("signup", "alice");
  const { keychainFingerprint } = await tab.call("createNewKeychain", "books", "secretBox");
  await (await Table.open(tab, keychainFingerprint)).fill(count);
  await tab.page.close();
  return keychainFingerprint;
}

/** A page that was just opened. */
async function openPage(visitor: Visitor, server: Server, keychain: string): Promise<Table> {
  const tab = await Tab.open(visitor, server);
  await eventually("the tab is logged in", async () => (await tab.call("login")) !== undefined);
  return await Table.open(tab, keychain);
}

/** Runs a script in every worker before its own. */
async function before(site: Site, script: string): Promise<void> {
  const worker = await readFile(join(clientDist, "worker.js"), "utf8");
  site.fault("/client/worker.js", { body: `${script}\n${worker}` });
}

/** What was asked of the storage since the last look. */
function asked(wire: Wire): string[] {
  const lines = wire
    .taken()
    .toString("latin1")
    .matchAll(/POST \S+\/((?:objects|references)\S*) HTTP/g);
  return [...lines].map(([, path = ""]) => path);
}

/** Does something with each database of what is kept near. */
function databases<T>(page: Page, work: "bytes" | "alter" | "remove"): Promise<T> {
  return page.evaluate(
    async ({ work, near }) => {
      const read = <T>(request: IDBRequest<T>): Promise<T> =>
        new Promise((resolve, reject) => {
          request.onsuccess = () => resolve(request.result);
          request.onerror = () => reject(request.error);
        });
      let bytes = 0;
      for (const { name = "" } of await indexedDB.databases()) {
        if (!name.includes(near)) continue;
        if (work === "remove") {
          await read(indexedDB.deleteDatabase(name));
          continue;
        }
        const database = await read(indexedDB.open(name));
        const objects = database.transaction("objects", "readwrite").objectStore("objects");
        const [keys, values] = await Promise.all([
          read(objects.getAllKeys()),
          read<Uint8Array[]>(objects.getAll()),
        ]);
        for (const [at, value] of values.entries()) {
          bytes += value.length;
          value[value.length >> 1] = (value[value.length >> 1] ?? 0) ^ 1;
          if (work === "alter") await read(objects.put(value, keys[at]));
        }
        database.close();
      }
      return bytes;
    },
    { work, near: NEAR },
  ) as Promise<T>;
}

/** Until what was read is kept: it is written when there is time, so nothing may have changed for a while. */
async function settled(page: Page): Promise<void> {
  let before = -1;
  let quiet = 0;
  await eventually("nothing more is written", async () => {
    const now = await databases<number>(page, "bytes");
    quiet = now > 0 && now === before ? quiet + 1 : 0;
    before = now;
    await new Promise((resolve) => setTimeout(resolve, 200));
    return quiet >= 7;
  });
}

describe("what is near of an index", () => {
  test("a page that is opened again reads a range of 100,000 rows and asks for the reference only", async ({
    keyfold,
    wire,
    arrive,
  }) => {
    const visitor = await arrive();
    const server = { url: wire.url, key: keyfold.key };
    const keychain = await aliceWith(100_000, visitor, server);
    const first = await openPage(visitor, server, keychain);
    asked(wire);
    expect(await first.list({ from: 50_000, limit: 50 })).toEqual(rows(50_000, 50_050));
    expect(asked(wire)).toContain("objects/read");
    await settled(first.tab.page);
    await first.tab.page.close();
    const second = await openPage(visitor, server, keychain);
    asked(wire);
    expect(await second.list({ from: 50_000, limit: 50 })).toEqual(rows(50_000, 50_050));
    expect(asked(wire)).toEqual(["references/read"]);
    expect(await second.offline()).toBe(false);
  });

  test("without the server what was read is read as it was, and the rest is not there", async ({
    keyfold,
    wire,
    arrive,
  }) => {
    const visitor = await arrive();
    const server = { url: wire.url, key: keyfold.key };
    const keychain = await aliceWith(20_000, visitor, server);
    const first = await openPage(visitor, server, keychain);
    expect(await first.list({ from: 300, limit: 50 })).toEqual(rows(300, 350));
    await settled(first.tab.page);
    wire.set({ up: false });
    visitor.expect(/Failed to load resource|WebSocket connection/);
    for (const table of [first, await openPage(visitor, server, keychain)]) {
      expect(await table.list({ from: 300, limit: 50 })).toEqual(rows(300, 350));
      expect(await table.offline()).toBe(true);
      expect(await table.count()).toBe(20_000);
      await fails("ServerUnavailable", () => table.list({ from: 15_000, limit: 5 }));
      await table.delete(310);
      expect(await table.count()).toBe(19_999);
      await table.put(row(310));
      expect(await table.list({ from: 300, limit: 50 })).toEqual(rows(300, 350));
    }
    wire.set({});
    await eventually("it is online again", async () => {
      const [found] = await first.list({ from: 15_000, limit: 1 });
      return found?.id === 15_000;
    });
    expect(await first.offline()).toBe(false);
  });

  test("what was altered there is fetched anew, and what was deleted comes again", async ({
    keyfold,
    wire,
    arrive,
  }) => {
    const visitor = await arrive();
    const server = { url: wire.url, key: keyfold.key };
    const keychain = await aliceWith(5_000, visitor, server);
    const read = async (): Promise<string[]> => {
      const table = await openPage(visitor, server, keychain);
      asked(wire);
      expect(await table.list({ from: 1_000, limit: 500 })).toEqual(rows(1_000, 1_500));
      await settled(table.tab.page);
      await table.tab.page.close();
      return asked(wire);
    };
    await read();
    const observer = await visitor.tab();
    for (const work of ["alter", "remove"] as const) {
      await databases(observer, work);
      expect(await read()).toContain("objects/read");
      expect(await read()).toEqual(["references/read"]);
    }
  });

  test("where there is no room, or no database, everything is read all the same", async ({
    keyfold,
    site,
    arrive,
  }) => {
    const visitor = await arrive();
    const keychain = await aliceWith(5_000, visitor, keyfold);
    // No browser lets the one be opened and refuses the other; a full disk may.
    const script = `
      const open = IDBFactory.prototype.open;
      IDBFactory.prototype.open = function (name, ...rest) {
        if (name.includes("${NEAR}")) throw new DOMException("denied", "UnknownError");
        return open.call(this, name, ...rest);
      };`;
    const full = `
      const put = IDBObjectStore.prototype.put;
      IDBObjectStore.prototype.put = function (...what) {
        if (this.name === "objects") {
          this.transaction.abort();
          throw new DOMException("full", "QuotaExceededError");
        }
        return put.apply(this, what);
      };`;
    for (const fault of [script, full]) {
      await before(site, fault);
      const table = await openPage(visitor, keyfold, keychain);
      for (let time = 0; time < 2; time += 1)
        expect(await table.list({ from: 1_000, limit: 700 })).toEqual(rows(1_000, 1_700));
      await table.tab.page.close();
    }
  });

  test("it has a bound, which is lower where the browser gives little room", async ({
    keyfold,
    site,
    arrive,
  }) => {
    const most = 1 << 20;
    // Chromium says that it gives 10 GiB, whatever it gives.
    const script = `StorageManager.prototype.estimate = async () => ({ usage: 0, quota: ${8 * most} });`;
    const visitor = await arrive();
    const keychain = await aliceWith(30_000, visitor, keyfold);
    await before(site, script);
    const table = await openPage(visitor, keyfold, keychain);
    let read = 0;
    for (let from = 0; from < 30_000; from += 5_000) {
      expect(await table.list({ from, limit: 5_000 })).toEqual(rows(from, from + 5_000));
      await settled(table.tab.page);
      const bytes = await databases<number>(table.tab.page, "bytes");
      expect(bytes).toBeLessThanOrEqual(most);
      read = Math.max(read, bytes);
    }
    expect(read, "what was read last stays").toBeGreaterThan(most / 2);
  });

  test("several tabs read and write at once", async ({ keyfold, arrive }) => {
    const visitor = await arrive();
    const keychain = await aliceWith(5_000, visitor, keyfold);
    const tabs = await Promise.all([1, 2, 3].map(() => openPage(visitor, keyfold, keychain)));
    await Promise.all(
      tabs.map(async (table, at) => {
        for (let time = 0; time < 4; time += 1) {
          const from = 200 * (time + 4 * at);
          expect(await table.list({ from, limit: 200 })).toEqual(rows(from, from + 200));
          await table.put(row(10_000 + 10 * at + time));
        }
      }),
    );
    for (const table of tabs) expect(await table.count()).toBe(5_012);
  });

  test("it goes with the device, and nothing in it is readable behind a lock either", async ({
    keyfold,
    arrive,
  }) => {
    const visitor = await arrive();
    const keychain = await aliceWith(5_000, visitor, keyfold);
    const table = await openPage(visitor, keyfold, keychain);
    expect(await table.list({ limit: 500 })).toEqual(rows(0, 500));
    await settled(table.tab.page);
    await table.tab.call("setLock", { pin: "271828" });
    await table.tab.call("lock");
    const found = (await stored(table.tab.page)).join("\n");
    expect(found.length).toBeGreaterThan(100_000);
    const secrets = ["row 17 ", "abcdefg"].flatMap((text) => [text, Buffer.from(text).toString("hex")]);
    expect(secrets.filter((secret) => found.includes(secret))).toEqual([]);
    await table.tab.call("unlock", { pin: "271828" });
    expect(await table.list({ limit: 500 })).toEqual(rows(0, 500));
    await table.tab.call("logout", { forget: true });
    const names = await table.tab.page.evaluate(async () =>
      (await indexedDB.databases()).map(({ name }) => name),
    );
    expect(names).toEqual(["keyfold"]);
  });

  test("when the site's data is cleared it is gone, and nothing of it comes back", async ({
    keyfold,
    arrive,
  }) => {
    const visitor = await arrive();
    const keychain = await aliceWith(1_000, visitor, keyfold);
    const table = await openPage(visitor, keyfold, keychain);
    await table.list();
    await settled(table.tab.page);
    await clear(table.tab, "indexeddb");
    await fails("StorageLost", () => table.list());
    await eventually("nothing of it is near", async () => {
      const names = await table.tab.page.evaluate(async () =>
        (await indexedDB.databases()).map(({ name }) => name),
      );
      return !names.some((name) => name?.includes(NEAR));
    });
  });
});
