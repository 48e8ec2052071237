/** Storage that fails: refused, full, wiped, of a newer release, and tabs that are killed while they write. */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect } from "vitest";
import { eventually, fails } from "../src/assert.ts";
import { clear } from "../src/clear.ts";
import { clientDist, type Keyfold, type Site, test, type Visitor } from "../src/harness/index.ts";
import { Tab } from "../src/tab.ts";

/** Runs a script in every worker before its own. */
async function before(site: Site, script: string): Promise<void> {
  const worker = await readFile(join(clientDist, "worker.js"), "utf8");
  site.fault("/client/worker.js", { body: `${script}\n${worker}` });
}

/** Alice with a keychain, in a tab. */
async function aliceIn(visitor: Visitor, keyfold: Keyfold): Promise<{ tab: Tab; keychain: string }> {
  const tab = await Tab.open(visitor, keyfold);
  await tab.call("signup", "alice");
  const { keychainFingerprint } = await tab.call("createNewKeychain", "notes", "secretBox");
  return { tab, keychain: keychainFingerprint };
}

describe("IndexedDB", () => {
  test("refused: StorageRefused, and memory works all the same", async ({ keyfold, site, arrive }) => {
    await before(
      site,
      `IDBFactory.prototype.open = () => { throw new DOMException("denied", "SecurityError"); };`,
    );
    const visitor = await arrive();
    const tab = await Tab.open(visitor, keyfold);
    await fails("StorageRefused", () => tab.call("signup", "alice"));
    await fails("StorageRefused", () => tab.call("login"));
    const other = await Tab.open(visitor, keyfold, { storage: { memory: true } });
    await other.call("signup", "alice");
  });

  test("full: StorageFull, nothing is half-stored, and with room it goes on", async ({ keyfold, arrive }) => {
    const visitor = await arrive();
    const tab = await Tab.open(visitor, keyfold);
    // Set before the database is opened: Chromium remembers for a while how much room it has.
    await visitor.quota(tab.page, 200_000);
    await tab.call("signup", "alice");
    const { keychainFingerprint: keychain } = await tab.call("createNewKeychain", "notes", "secretBox");
    const text = await tab.call("encrypt", "hello", keychain);
    const answered = ["notes"];
    const fill = async (): Promise<never> => {
      for (let at = 0; at < 500; at += 1) {
        await tab.call("createNewKeychain", `number ${at}`, "secretBox");
        answered.push(`number ${at}`);
      }
      throw new Error("there was room for everything");
    };
    await fails("StorageFull", fill);
    await fails("StorageFull", () => tab.call("rotateKey", keychain));
    const { status, keychains } = await tab.state();
    expect([status, keychains.map(({ purpose }) => purpose).sort()]).toEqual(["in", answered.toSorted()]);
    // What needs no room works.
    expect(await tab.call("decrypt", text)).toBe("hello");
    await visitor.quota(tab.page, undefined);
    await tab.call("sync");
    await tab.call("createNewKeychain", "enough", "secretBox");
    // What the server took while there was no room is found again: nothing is lost, and nothing is there twice.
    const purposes = (await tab.state()).keychains.map(({ purpose }) => purpose);
    expect(purposes).toEqual(expect.arrayContaining([...answered, "enough"]));
    expect(purposes).toHaveLength(new Set(purposes).size);
    const { keyFingerprint } = await tab.call("rotateKey", keychain);
    const [newest] =
      (await tab.state()).keychains.find((one) => one.keychainFingerprint === keychain)?.keys ?? [];
    expect(newest?.keyFingerprint).toBe(keyFingerprint);
  });

  test("full at sign-up: StorageFull, and with room the user id is still to be had", async ({
    keyfold,
    arrive,
  }) => {
    const visitor = await arrive();
    const tab = await Tab.open(visitor, keyfold);
    await visitor.quota(tab.page, 1_000);
    await fails("StorageFull", () => tab.call("signup", "alice"));
    await visitor.quota(tab.page, undefined);
    await tab.call("signup", "alice");
  });

  test("wiped while open: StorageLost, never a silent new account", async ({ keyfold, arrive }) => {
    const visitor = await arrive();
    const { tab, keychain } = await aliceIn(visitor, keyfold);
    await clear(tab, "indexeddb");
    await fails("StorageLost", () => tab.call("rotateKey", keychain));
    await fails("StorageLost", () => tab.call("login"));
    await fails("StorageLost", () => tab.call("signup", "alice"));
    expect((await tab.state()).status).toBe("out");
    // Whoever insists is told by the server that the account is there.
    await fails("UserTaken", () => tab.call("signup", "alice", { replaceLost: true }));
  });

  test("deleted by another tab while open: StorageLost", async ({ keyfold, arrive }) => {
    const visitor = await arrive();
    const { tab, keychain } = await aliceIn(visitor, keyfold);
    const other = await visitor.tab();
    await other.evaluate(
      () =>
        new Promise<void>((resolve, reject) => {
          const deleting = indexedDB.deleteDatabase("keyfold");
          deleting.onsuccess = () => resolve();
          deleting.onerror = () => reject(deleting.error);
        }),
    );
    await fails("StorageLost", () => tab.call("rotateKey", keychain));
  });

  test("wiped between visits: StorageLost, never a silent new account", async ({ keyfold, arrive }) => {
    const visitor = await arrive();
    const { tab } = await aliceIn(visitor, keyfold);
    await visitor.reload(tab.page);
    await clear(tab, "indexeddb");
    const again = await Tab.open(visitor, keyfold);
    await fails("StorageLost", () => again.call("login"));
    await fails("StorageLost", () => again.call("login", "alice"));
    await fails("StorageLost", () => again.call("signup", "alice"));
    // Another person may use this browser.
    await again.call("signup", "bob");
  });

  test("everything wiped, this browser was never here: NoHome, and the account is still taken", async ({
    keyfold,
    arrive,
  }) => {
    const visitor = await arrive();
    const { tab } = await aliceIn(visitor, keyfold);
    await visitor.reload(tab.page);
    await clear(tab, "all");
    const again = await Tab.open(visitor, keyfold);
    await fails("NoHome", () => again.call("login"));
    await fails("UserTaken", () => again.call("signup", "alice"));
  });

  test("written by a newer release: StorageTooNew, and nothing of it is touched", async ({
    keyfold,
    arrive,
  }) => {
    const visitor = await arrive();
    const page = await visitor.tab();
    await page.evaluate(
      () =>
        new Promise<void>((resolve, reject) => {
          const open = indexedDB.open("keyfold", 1_000);
          open.onupgradeneeded = () => open.result.createObjectStore("of the future").put("kept", "key");
          open.onsuccess = () => {
            open.result.close();
            resolve();
          };
          open.onerror = () => reject(open.error);
        }),
    );
    const tab = await Tab.open(visitor, keyfold);
    await fails("StorageTooNew", () => tab.call("signup", "alice"));
    await fails("StorageTooNew", () => tab.call("login"));
    const databases = await page.evaluate(() => indexedDB.databases());
    expect(databases).toEqual([{ name: "keyfold", version: 1_000 }]);
  });
});

describe("whether records stay is said", () => {
  const storage = async (tab: Tab): Promise<string> => (await tab.state()).storage;

  test("best-effort, until the browser promises to keep them", async ({ keyfold, site, arrive }) => {
    const visitor = await arrive();
    const { tab } = await aliceIn(visitor, keyfold);
    expect(await storage(tab)).toBe("best-effort");
    const devtools = await visitor.devtools(tab.page);
    const permission = { name: "persistent-storage" };
    const { targetInfo } = await devtools.send("Target.getTargetInfo");
    const { browserContextId = "" } = targetInfo;
    const granted = { permission, setting: "granted" as const, origin: site.url, browserContextId };
    await devtools.send("Browser.setPermission", granted);
    const next = await Tab.open(visitor, keyfold);
    await next.call("login");
    // It is asked at sign-up, because a browser may ask the person.
    await next.call("logout", { forget: true });
    await next.call("signup", "bob");
    await eventually("it is persistent", async () => (await storage(next)) === "persistent");
  });

  test("temporary, in memory", async ({ keyfold, arrive }) => {
    const tab = await Tab.open(await arrive(), keyfold, { storage: { memory: true } });
    await tab.call("signup", "alice");
    expect(await storage(tab)).toBe("temporary");
  });

  // Chromium does not let it be seen; these are what private windows of other browsers answer.
  for (const [what, script] of Object.entries({
    "hardly any room": `StorageManager.prototype.estimate = async () => ({ usage: 0, quota: 100_000_000 });`,
    "no files": `StorageManager.prototype.getDirectory = async () => { throw new DOMException("", "SecurityError"); };`,
  })) {
    test(`temporary, where the origin has ${what}`, async ({ keyfold, site, arrive }) => {
      await before(site, script);
      const tab = await Tab.open(await arrive(), keyfold);
      await tab.call("signup", "alice");
      expect(await storage(tab)).toBe("temporary");
    });
  }
});

describe("a tab that is killed while it writes", () => {
  test("at random moments: what was answered is there, and the rest is whole or not there", async ({
    keyfold,
    arrive,
  }) => {
    const visitor = await arrive();
    const { keychain } = await aliceIn(visitor, keyfold).then(async ({ tab, keychain }) => {
      await tab.page.close();
      return { keychain };
    });
    const answered: string[] = ["notes"];
    let newest = 1;
    for (let round = 0; round < 10; round += 1) {
      const tab = await Tab.open(visitor, keyfold);
      await tab.page.exposeFunction("answered", (purpose: string, keyNumber: number) => {
        answered.push(purpose);
        newest = Math.max(newest, keyNumber);
      });
      await tab.call("login");
      // Everything from before is there and whole, whenever the last tab died.
      const { keychains } = await tab.state();
      const purposes = keychains.map(({ purpose }) => purpose);
      expect(purposes).toEqual(expect.arrayContaining(answered));
      expect(purposes).toHaveLength(new Set(purposes).size);
      expect(
        keychains.find((one) => one.keychainFingerprint === keychain)?.keys.length,
      ).toBeGreaterThanOrEqual(newest);
      for (const { keychainFingerprint } of keychains) {
        expect(await tab.call("decrypt", await tab.call("encrypt", "whole", keychainFingerprint))).toBe(
          "whole",
        );
      }
      const writing = tab.page.evaluate(
        async ({ keychain, round }) => {
          const { client } = globalThis.kept;
          for (let at = 0; ; at += 1) {
            const purpose = `round ${round} number ${at}`;
            await client.createNewKeychain(purpose, "secretBox");
            const { keyNumber } = await client.rotateKey(keychain);
            (globalThis as unknown as { answered: (...args: unknown[]) => void }).answered(
              purpose,
              keyNumber,
            );
          }
        },
        { keychain, round },
      );
      writing.catch(() => undefined);
      // The moment is random on purpose: no state of the tab is worth more than another. In every other round it is
      // after an answer, however slow the machine.
      const begun = answered.length;
      if (round % 4 < 2) await eventually("something is answered", async () => answered.length > begun);
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 400));
      if (round % 2 === 0) await visitor.kill(tab.page);
      else await tab.page.close({ runBeforeUnload: false });
    }
    expect(answered.length).toBeGreaterThan(5);
  }, 240_000);
});
