/**
 * An index that is written while the server is not reached: the page shows it, loses it to nothing, and sends it when the
 * server is back.
 */

import type { Client, VaultIndex } from "@keyfold/client";
import { describe, expect } from "vitest";
import { eventually, fails } from "../src/assert.ts";
import { test, type Visitor } from "../src/harness/index.ts";
import { stored } from "../src/stored.ts";
import { type Server, Tab } from "../src/tab.ts";

interface Expense {
  readonly id: number;
  readonly amount: number;
  readonly tag: string;
}

const expense = (id: number, amount: number, tag: string): Expense => ({ id, amount, tag });

/** Records by their id, by an amount, and by a tag that no two have. */
class Table {
  private constructor(readonly tab: Tab) {}

  static async open(tab: Tab, keychain: string): Promise<Table> {
    await tab.page.evaluate((keychain) => {
      const client = globalThis.kept["client"] as Client;
      const table = client.vault(keychain).index<Expense>("expenses", {
        key: ({ id }) => id,
        secondary: {
          amount: { by: ({ amount }) => [amount] },
          tag: { by: ({ tag }) => [tag], unique: true },
        },
      });
      globalThis.kept["table"] = table;
      globalThis.kept["calls"] = 0;
      table.subscribe(() => {
        globalThis.kept["calls"] += 1;
      });
    }, keychain);
    return new Table(tab);
  }

  /** In the order of amounts. */
  async list(): Promise<Expense[]> {
    return await this.tab.page.evaluate(() =>
      (globalThis.kept["table"] as VaultIndex<Expense>).by("amount").list(),
    );
  }

  async counts(): Promise<number[]> {
    return await this.tab.page.evaluate(async () => {
      const table = globalThis.kept["table"] as VaultIndex<Expense>;
      return [await table.count(), await table.by("amount").count(), await table.by("tag").count()];
    });
  }

  calls(): Promise<number> {
    return this.tab.page.evaluate(() => globalThis.kept["calls"]);
  }

  offline(): Promise<boolean> {
    return this.tab.page.evaluate(() => (globalThis.kept["table"] as VaultIndex<Expense>).offline);
  }

  async put(...records: Expense[]): Promise<void> {
    await this.#called("put", records);
  }

  async delete(id: number): Promise<void> {
    await this.#called("delete", id);
  }

  async waiting(): Promise<number> {
    return (await this.#called("waiting")) as number;
  }

  async flush(): Promise<void> {
    await this.#called("flush");
  }

  async giveUp(): Promise<number> {
    return (await this.#called("giveUp")) as number;
  }

  /** One more, whatever it was. */
  async more(id: number): Promise<void> {
    await this.#called("more", id);
  }

  /** @throws An error with the code of the client's. */
  async #called(
    method: "put" | "delete" | "waiting" | "flush" | "giveUp" | "more",
    argument?: unknown,
  ): Promise<unknown> {
    const outcome = await this.tab.page.evaluate(
      async ({ method, argument }) => {
        const table = globalThis.kept["table"];
        const more = (one?: { amount: number }) => one && { ...one, amount: one.amount + 1 };
        try {
          if (method === "more") return { value: await table.update(argument, more) };
          return { value: await (argument === undefined ? table[method]() : table[method](argument)) };
        } catch (error) {
          const { code, message, retryable } = error as Record<string, unknown>;
          return { refused: { code, message: String(message), retryable } };
        }
      },
      { method, argument },
    );
    if (outcome.refused === undefined) return outcome.value;
    throw Object.assign(new Error(outcome.refused.message), outcome.refused);
  }
}

/** A page that was just opened. */
async function openPage(visitor: Visitor, server: Server, keychain: string): Promise<Table> {
  const tab = await Tab.open(visitor, server);
  await eventually("the tab is logged in", async () => (await tab.call("login")) !== undefined);
  return await Table.open(tab, keychain);
}

const some = [expense(1, 10, "lunch"), expense(2, 20, "rent"), expense(3, 30, "tea")];

describe("an index that is written offline", () => {
  test("shows it at once, also in a page that is opened again, and sends it when the server is back", async ({
    keyfold,
    wire,
    arrive,
  }) => {
    const [alice, bob] = [await arrive(), await arrive()];
    const hers = await Tab.open(alice, { url: wire.url, key: keyfold.key });
    await hers.call("signup", "alice");
    const his = await Tab.open(bob, keyfold);
    await his.call("signup", "bob");
    const { keychainFingerprint: books } = await hers.call("createNewKeychain", "books", "secretBox");
    await hers.call("shareCompleteKeychain", books, { userId: "bob" });
    const first = await Table.open(hers, books);
    await first.put(...some);
    expect(await first.list()).toEqual(some);
    alice.expect(/Failed to load resource|WebSocket connection/);

    wire.set({ up: false });
    const called = await first.calls();
    await first.put(expense(1, 25, "lunch"), expense(4, 5, "bus"));
    await first.delete(3);
    const after = [expense(4, 5, "bus"), expense(2, 20, "rent"), expense(1, 25, "lunch")];
    expect(await first.list()).toEqual(after);
    expect(await first.offline()).toBe(true);
    expect(await first.waiting()).toBe(2);
    await eventually("who shows it is told", async () => (await first.calls()) > called);
    // What depends on what stands there does not wait.
    await fails("ServerUnavailable", () => first.more(1));
    await fails("ServerUnavailable", () => first.flush());
    await fails("NotUnique", () => first.put(expense(9, 1, "rent")));

    const found = (await stored(first.tab.page)).join("\n");
    const secrets = ["lunch", "bus"].flatMap((text) => [
      `"${text}"`,
      Buffer.from(`"${text}"`).toString("hex"),
    ]);
    expect(secrets.filter((secret) => found.includes(secret))).toEqual([]);

    await first.tab.page.close();
    const second = await openPage(alice, { url: wire.url, key: keyfold.key }, books);
    const third = await openPage(alice, { url: wire.url, key: keyfold.key }, books);
    for (const table of [second, third]) {
      expect(await table.list()).toEqual(after);
      expect(await table.counts()).toEqual([3, 3, 3]);
      expect(await table.waiting()).toBe(2);
    }

    wire.set({});
    await eventually("it was sent, and nobody asked", async () => (await second.waiting()) === 0);
    expect(await third.list()).toEqual(after);
    expect(await third.offline()).toBe(false);
    await third.more(1);
    expect(await second.counts()).toEqual([3, 3, 3]);
    // Somebody else's device finds the same.
    await eventually("bob has the keychain", async () => {
      await his.call("sync").catch(() => undefined);
      return (await his.state()).keychains.some((keychain) => keychain.keychainFingerprint === books);
    });
    const theirs = await Table.open(his, books);
    expect(await theirs.list()).toEqual([
      expense(4, 5, "bus"),
      expense(2, 20, "rent"),
      expense(1, 26, "lunch"),
    ]);
    expect(await theirs.counts()).toEqual([3, 3, 3]);
  });

  test("keeps what others have made impossible, shows it, and says so until it is given up", async ({
    keyfold,
    wire,
    arrive,
  }) => {
    const [alice, bob] = [await arrive(), await arrive()];
    const hers = await Tab.open(alice, { url: wire.url, key: keyfold.key });
    await hers.call("signup", "alice");
    const his = await Tab.open(bob, keyfold);
    await his.call("signup", "bob");
    const { keychainFingerprint: books } = await hers.call("createNewKeychain", "books", "secretBox");
    await hers.call("shareCompleteKeychain", books, { userId: "bob" });
    const [table, theirs] = [await Table.open(hers, books), await Table.open(his, books)];
    await table.put(...some);
    await table.list();
    alice.expect(/Failed to load resource|WebSocket connection/);
    wire.set({ up: false });
    await table.put(expense(5, 1, "bus"));
    await table.put(expense(2, 2, "rent"));
    await eventually("bob has the keychain", async () => {
      await his.call("sync");
      return (await his.state()).keychains.some((keychain) => keychain.keychainFingerprint === books);
    });
    await theirs.put(expense(6, 3, "bus"), expense(2, 50, "rent"));
    wire.set({});
    const refused = await fails("NotUnique", async () => {
      await eventually("the server is reached", async () => {
        await table.list();
        return !(await table.offline());
      });
      await table.flush();
    });
    expect(refused.message).toContain("waited");
    await fails("NotUnique", () => table.put(expense(7, 7, "new")));
    expect(await table.waiting()).toBe(2);
    expect((await table.list()).map(({ id }) => id)).toContain(5);
    expect((await theirs.list()).map(({ id }) => id)).toEqual([6, 1, 3, 2]);
    // Bob lets go of it: all goes out, in its order.
    await theirs.put(expense(6, 3, "tram"));
    await table.flush();
    expect(await table.waiting()).toBe(0);
    const after = [expense(5, 1, "bus"), expense(2, 2, "rent"), expense(6, 3, "tram"), some[0], some[2]];
    expect(await table.list()).toEqual(after);
    expect(await theirs.list()).toEqual(after);
    expect(await theirs.counts()).toEqual([5, 5, 5]);

    wire.set({ up: false });
    await table.delete(1);
    expect(await table.counts()).toEqual([4, 4, 4]);
    expect(await table.giveUp()).toBe(1);
    expect(await table.counts()).toEqual([5, 5, 5]);
    expect(await table.waiting()).toBe(0);
  });
});
