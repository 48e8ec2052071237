/**
 * S22: no AES-GCM key meets a nonce twice. Observed from within the worker, where WebCrypto seals records and files;
 * of what the WebAssembly seals, the salts that decide over its keys are compared.
 */

import { Client } from "@keyfold/client";
import type { Page } from "playwright-core";
import { describe, expect } from "vitest";
import { eventually } from "../src/assert.ts";
import { test } from "../src/harness/index.ts";
import { REPEAT_RANDOMNESS, WATCH_CRYPTO, collect, prepare } from "../src/recorder.ts";
import { Tab } from "../src/tab.ts";

/** What stands before the salt of a value: magic, version, form, fingerprint. */
const BEFORE_SALT = 37;
const saltOf = (text: string): string => {
  const bytes = Buffer.from(text.slice("kf1.".length), "base64url");
  return bytes.subarray(5, BEFORE_SALT + 24).toString("hex");
};

/** Values under the same key, a file, a rotation: what one tab does. */
async function work(tab: Tab, keychain: string, name: string): Promise<string[]> {
  const texts: string[] = [];
  for (let at = 0; at < 20; at += 1) texts.push(await tab.call("encrypt", `${name} ${at}`, keychain));
  await tab.call("rotateKey", keychain);
  await tab.page.evaluate(async (keychain) => {
    const file = new File([new Uint8Array(300_000)], "f");
    await globalThis.kept["client"].encryptFile(file, keychain);
  }, keychain);
  texts.push(await tab.call("encrypt", `${name} after`, keychain));
  return texts;
}

const unique = (list: readonly string[]): void => expect(list.length - new Set(list).size).toBe(0);

describe("S22 nonces", () => {
  test("three tabs encrypt and write records at once", async ({ keyfold, site, arrive }) => {
    await prepare(site, WATCH_CRYPTO);
    const visitor = await arrive();
    const pairs = await collect(await visitor.tab(), "sealed");
    const tabs = [
      await Tab.open(visitor, keyfold),
      await Tab.open(visitor, keyfold),
      await Tab.open(visitor, keyfold),
    ];
    await (tabs[0] as Tab).call("signup", "alice");
    const { keychainFingerprint } = await (tabs[0] as Tab).call("createNewKeychain", "notes", "secretBox");
    const texts = (
      await Promise.all(tabs.map((tab, at) => work(tab, keychainFingerprint, `tab ${at}`)))
    ).flat();
    unique(texts.map(saltOf));
    const seen = await pairs(41);
    const of = (kind: string): number => seen.filter((pair) => pair.startsWith(kind)).length;
    // Of each of the three tabs five segments of a file; they are told in any order.
    await eventually("all is told", async () => {
      seen.splice(0, seen.length, ...(await pairs(seen.length)));
      return of("hkdf") > 20 && of("raw") >= 15;
    });
    expect(seen.filter((pair) => pair.startsWith("unknown"))).toEqual([]);
    unique(seen);
  });

  test("three tabs under a lock: what is sealed twice is sealed under two keys, each used once", async ({
    keyfold,
    site,
    arrive,
  }) => {
    await prepare(site, WATCH_CRYPTO);
    const visitor = await arrive();
    const pairs = await collect(await visitor.tab(), "sealed");
    const tabs = [
      await Tab.open(visitor, keyfold),
      await Tab.open(visitor, keyfold),
      await Tab.open(visitor, keyfold),
    ];
    const [first] = tabs as [Tab, Tab, Tab];
    await first.call("signup", "alice");
    const { keychainFingerprint } = await first.call("createNewKeychain", "notes", "secretBox");
    await first.call("setLock", { pin: "271828" });
    const texts = await Promise.all(tabs.map((tab, at) => work(tab, keychainFingerprint, `tab ${at}`)));
    unique(texts.flat().map(saltOf));
    const seen = await pairs(81);
    unique(seen);
  });

  test("a snapshot of the storage is restored, and the same work is done again", async ({
    keyfold,
    site,
    arrive,
  }) => {
    await prepare(site, WATCH_CRYPTO);
    const visitor = await arrive();
    const observer = await visitor.tab();
    const pairs = await collect(observer, "sealed");
    const first = await Tab.open(visitor, keyfold);
    await first.call("signup", "alice");
    const { keychainFingerprint } = await first.call("createNewKeychain", "notes", "secretBox");
    await first.page.close();
    await snapshot(observer);
    const before = await Tab.open(visitor, keyfold);
    await before.call("login");
    const texts = await work(before, keychainFingerprint, "before");
    await before.page.close();
    await restore(observer);
    const after = await Tab.open(visitor, keyfold);
    await after.call("login");
    texts.push(...(await work(after, keychainFingerprint, "after")));
    unique(texts.map(saltOf));
    const seen = await pairs(21);
    unique(seen);
    // What was encrypted by the state that is no more can be read by the one that is.
    expect(await after.call("decrypt", texts[0])).toBe("before 0");
  });

  test("randomness repeats itself in two tabs: what they seal under one key differs in its salt", async ({
    keyfold,
    site,
    arrive,
  }) => {
    await prepare(site);
    const visitor = await arrive();
    const observer = await visitor.tab();
    const pairs = await collect(observer, "sealed");
    const first = await Tab.open(visitor, keyfold);
    await first.call("signup", "alice");
    const { keychainFingerprint } = await first.call("createNewKeychain", "notes", "secretBox");
    await prepare(site, REPEAT_RANDOMNESS, WATCH_CRYPTO);
    const texts: string[] = [];
    for (const name of ["one", "two"]) {
      // Each starts with the same randomness as the other did.
      const tab = await Tab.open(visitor, keyfold);
      for (let at = 0; at < 5; at += 1)
        texts.push(await tab.call("encrypt", `${name} ${at}`, keychainFingerprint));
      await tab.call("createNewKeychain", name, "secretBox").catch(() => undefined);
      await tab.page.close();
    }
    unique(texts.map(saltOf));
    const records = await eventually("more than two records were seen", async () => {
      const records = (await pairs()).filter((pair) => pair.startsWith("hkdf"));
      return records.length > 2 && records;
    });
    unique(records);
  });
});

describe("S22 nonces, in Node", () => {
  test("randomness repeats itself: two values under one key differ in their salt", async ({
    keyfold,
    onTestFinished,
  }) => {
    const alice = new Client({ serverURL: keyfold.url, serverSignaturePublicKey: keyfold.key });
    const draw = Crypto.prototype.getRandomValues;
    onTestFinished(() => {
      Crypto.prototype.getRandomValues = draw;
      alice.close();
    });
    await alice.signup("alice");
    const { keychainFingerprint } = await alice.createNewKeychain("notes", "secretBox");
    const texts: string[] = [];
    for (const value of ["one", "two", 1, true]) {
      // From its beginning, each time.
      new Function(REPEAT_RANDOMNESS)();
      texts.push(await alice.encrypt(value, keychainFingerprint));
    }
    unique(texts.map(saltOf));
  });
});

/** Keeps a copy of every database in the tab; keys that nobody can read are copied too. */
async function snapshot(page: Page): Promise<void> {
  await page.evaluate(async () => {
    const read = <T>(request: IDBRequest<T>): Promise<T> =>
      new Promise((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
      });
    const copies: unknown[] = (globalThis.kept["copies"] = []);
    for (const { name = "" } of await indexedDB.databases()) {
      const database = await read(indexedDB.open(name));
      for (const store of database.objectStoreNames) {
        const from = database.transaction(store).objectStore(store);
        const [keys, values] = await Promise.all([read(from.getAllKeys()), read(from.getAll())]);
        copies.push({ name, store, keys, values });
      }
      database.close();
    }
  });
}

/** Puts the copies back in the place of what is there. */
async function restore(page: Page): Promise<void> {
  await page.evaluate(async () => {
    for (const { name, store, keys, values } of globalThis.kept["copies"]) {
      const database = await new Promise<IDBDatabase>((resolve, reject) => {
        const open = indexedDB.open(name);
        open.onsuccess = () => resolve(open.result);
        open.onerror = () => reject(open.error);
      });
      await new Promise<void>((resolve, reject) => {
        const writing = database.transaction(store, "readwrite", { durability: "strict" });
        writing.objectStore(store).clear();
        for (const [at, key] of keys.entries()) writing.objectStore(store).put(values[at], key);
        writing.oncomplete = () => resolve();
        writing.onabort = () => reject(writing.error);
      });
      database.close();
    }
  });
}
