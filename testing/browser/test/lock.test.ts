/** A device's lock in a browser: in all tabs at once, by PIN and by passkey, and nothing of a secret while it is locked. */

import type { Client } from "@keyfold/client";
import type { Page } from "playwright-core";
import { describe, expect } from "vitest";
import { concat, fromBase64url, hex, u32, u8, utf8 } from "../../reader/src/bytes.ts";
import { decode, type Item } from "../../reader/src/cbor.ts";
import { openEnvelope } from "../../reader/src/envelope.ts";
import { deviceKey } from "../../reader/src/key.ts";
import { eventually, fails } from "../src/assert.ts";
import { type Keyfold, test, type Visitor } from "../src/harness/index.ts";
import { foundInMemory, forms, type Secrets } from "../src/memory.ts";
import { SET_CLOCK, WATCH_RECORDS, collect, prepare, setClock } from "../src/recorder.ts";
import { stored } from "../src/stored.ts";
import { Tab } from "../src/tab.ts";

const PIN = { pin: "271828" };
const PLAINTEXT = "dear diary, nobody else may read this";

const status = (tab: Tab, wanted: string): Promise<unknown> =>
  eventually(`the tab is ${wanted}`, async () => (await tab.state()).status === wanted);

/** Alice in some tabs, with a value to open. */
async function alice(
  visitor: Visitor,
  keyfold: Keyfold,
  count: number,
): Promise<{ tabs: Tab[]; text: string }> {
  const first = await Tab.open(visitor, keyfold);
  await first.call("signup", "alice");
  const { keychainFingerprint } = await first.call("createNewKeychain", "diary", "secretBox");
  const text = await first.call("encrypt", PLAINTEXT, keychainFingerprint);
  const tabs = [first];
  while (tabs.length < count) tabs.push(await Tab.open(visitor, keyfold));
  for (const tab of tabs) {
    await tab.listen();
    await status(tab, "in");
  }
  return { tabs, text };
}

describe("a lock in several tabs", () => {
  test("locking one locks all, unlocking one unlocks all, and each is told once", async ({
    keyfold,
    arrive,
  }) => {
    const { tabs, text } = await alice(await arrive(), keyfold, 3);
    const [one, two, three] = tabs as [Tab, Tab, Tab];
    await one.call("setLock", PIN);
    for (const tab of tabs) {
      await eventually("it shows the lock", async () => (await tab.state()).lock?.method === "pin");
      expect(await tab.call("decrypt", text)).toBe(PLAINTEXT);
    }
    await two.call("lock");
    for (const tab of tabs) {
      await status(tab, "locked");
      expect((await tab.state()).identity).toBeNull();
      await fails("Locked", () => tab.call("decrypt", text));
    }
    await fails("WrongSecret", () => three.call("unlock", { pin: "000000" }));
    await three.call("unlock", PIN);
    for (const tab of tabs) {
      await status(tab, "in");
      expect(await tab.call("decrypt", text)).toBe(PLAINTEXT);
      const told = (await tab.told()).filter((event) => /lockChanged|identityUpdated/.test(event));
      expect(told.slice(-4)).toEqual([
        "lockChanged locked",
        "identityUpdated nobody",
        "lockChanged unlocked",
        "identityUpdated alice",
      ]);
    }
  });

  test("a tab opened beside an unlocked one is unlocked, and after the last one was closed it is locked", async ({
    keyfold,
    arrive,
  }) => {
    const visitor = await arrive();
    const { tabs, text } = await alice(visitor, keyfold, 2);
    await (tabs[0] as Tab).call("setLock", PIN);
    const beside = await Tab.open(visitor, keyfold);
    await beside.call("login");
    expect(await beside.call("decrypt", text)).toBe(PLAINTEXT);
    // It has the key itself, and not by leave of those from which it came.
    for (const tab of tabs) await tab.page.close();
    const next = await Tab.open(visitor, keyfold);
    expect(await next.call("decrypt", text)).toBe(PLAINTEXT);
    await beside.page.close();
    await visitor.reload(next.page);
    const alone = await Tab.open(visitor, keyfold);
    await fails("Locked", () => alone.call("login"));
    await alone.call("unlock", PIN);
    expect(await alone.call("decrypt", text)).toBe(PLAINTEXT);
  });

  test("a frozen tab is locked when it wakes", async ({ keyfold, arrive }) => {
    const visitor = await arrive();
    const { tabs, text } = await alice(visitor, keyfold, 2);
    const [awake, asleep] = tabs as [Tab, Tab];
    await awake.call("setLock", PIN);
    await eventually("it shows the lock", async () => (await asleep.state()).lock !== null);
    const wake = await visitor.freeze(asleep.page);
    await awake.call("lock");
    await wake();
    await status(asleep, "locked");
    await fails("Locked", () => asleep.call("decrypt", text));
  });

  test("a tab killed while it sets, replaces or removes a lock: the one before holds, or the one after", async ({
    keyfold,
    arrive,
  }) => {
    const visitor = await arrive();
    const { tabs, text } = await alice(visitor, keyfold, 1);
    await (tabs[0] as Tab).page.close();
    const secrets = [PIN, { pin: "314159" }];
    let current: (typeof PIN | null)[] = [null];
    for (let round = 0; round < 6; round += 1) {
      const tab = await Tab.open(visitor, keyfold);
      await tab.page.evaluate(() => (globalThis.kept["client"] as Client).login().catch(() => undefined));
      if ((await tab.state()).status === "locked") {
        // One of those that may be set opens it, and no other.
        const opened: typeof current = [];
        for (const secret of secrets) {
          const code = await tab.call("unlock", secret).then(
            () => "opened",
            (error: { code: string }) => error.code,
          );
          if (code === "opened") opened.push(secret);
          if (code === "opened") break;
          expect(code).toBe("WrongSecret");
        }
        expect(current).toEqual(expect.arrayContaining(opened));
        expect(opened).toHaveLength(1);
      } else expect(current).toContain(null);
      expect(await tab.call("decrypt", text)).toBe(PLAINTEXT);
      const next = round % 3 === 2 ? null : (secrets[round % 2] ?? PIN);
      const before = (await tab.state()).lock === null ? [null] : secrets;
      current = [...before, next];
      tab.call("setLock", next).catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 900));
      await visitor.kill(tab.page);
    }
  }, 120_000);
});

describe("auto-lock", () => {
  test("a tab in which nobody moves locks all, and one that was touched keeps all open", async ({
    keyfold,
    site,
    arrive,
  }) => {
    await prepare(site, SET_CLOCK);
    const visitor = await arrive();
    const observer = await visitor.tab();
    const { tabs, text } = await alice(visitor, keyfold, 2);
    const [touched, other] = tabs as [Tab, Tab];
    await touched.call("setLock", PIN, { autoLockMs: 60_000 });
    await eventually("both show the lock", async () => (await other.state()).lock?.autoLockMs === 60_000);
    await setClock(observer, 50_000);
    // Calls are no sign of anybody in a page: applications ask by themselves.
    expect(await touched.call("decrypt", text)).toBe(PLAINTEXT);
    await touched.page.mouse.move(10, 10);
    expect(await touched.call("decrypt", text)).toBe(PLAINTEXT);
    expect(await other.call("decrypt", text)).toBe(PLAINTEXT);
    await setClock(observer, 100_000);
    expect(await touched.call("decrypt", text)).toBe(PLAINTEXT);
    expect(await other.call("decrypt", text)).toBe(PLAINTEXT);
    await setClock(observer, 170_000);
    // No timer came yet: a machine that slept opens nothing when it wakes.
    await fails("Locked", () => other.call("decrypt", text));
    for (const tab of tabs) await status(tab, "locked");
  });
});

describe("a passkey", () => {
  /** A tab at a name: passkeys belong to names, not to addresses. */
  async function named(visitor: Visitor, keyfold: Keyfold, url: string, hasPrf: boolean): Promise<Tab> {
    const tab = await Tab.open(visitor, keyfold);
    const devtools = await visitor.devtools(tab.page);
    await devtools.send("WebAuthn.enable");
    await devtools.send("WebAuthn.addVirtualAuthenticator", {
      options: {
        protocol: "ctap2",
        ctap2Version: "ctap2_1",
        transport: "internal",
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
        hasPrf,
        automaticPresenceSimulation: true,
      },
    });
    await tab.page.goto(url.replace("127.0.0.1", "localhost"));
    await tab.page.evaluate(() => globalThis.ready);
    await tab.page.evaluate(
      ({ url, key }) => {
        globalThis.kept["client"] = new globalThis.keyfold.Client({
          serverURL: url,
          serverSignaturePublicKey: key,
        });
      },
      { url: keyfold.url, key: keyfold.key },
    );
    return tab;
  }

  test("locks and unlocks, and another one's key does not", async ({ keyfold, site, arrive }) => {
    const tab = await named(await arrive(), keyfold, site.url, true);
    await tab.call("signup", "alice");
    const { keychainFingerprint } = await tab.call("createNewKeychain", "diary", "secretBox");
    const text = await tab.call("encrypt", PLAINTEXT, keychainFingerprint);
    await tab.call("setLock", { passkey: true }, { autoLockMs: 600_000 });
    expect((await tab.state()).lock).toMatchObject({ method: "passkey", autoLockMs: 600_000 });
    await tab.call("lock");
    await fails("Locked", () => tab.call("decrypt", text));
    await fails("Malformed", () => tab.call("unlock", PIN));
    await tab.call("unlock", { passkey: true });
    expect(await tab.call("decrypt", text)).toBe(PLAINTEXT);
    await tab.call("lock");
    await tab.page.evaluate(() => {
      const { get } = CredentialsContainer.prototype;
      CredentialsContainer.prototype.get = async function (options) {
        // Another salt: what another passkey would give.
        const prf = options?.publicKey?.extensions?.prf?.eval;
        if (prf !== undefined) prf.first = new Uint8Array(32);
        return get.call(this, options);
      };
    });
    await fails("WrongSecret", () => tab.call("unlock", { passkey: true }));
  });

  test("whose authenticator derives no keys: PasskeyUnavailable, and there is no lock", async ({
    keyfold,
    site,
    arrive,
  }) => {
    const tab = await named(await arrive(), keyfold, site.url, false);
    await tab.call("signup", "alice");
    await fails("PasskeyUnavailable", () => tab.call("setLock", { passkey: true }));
    expect((await tab.state()).lock).toBeNull();
  });
});

/** What the test knows of alice's secrets, from the records that her worker sealed. */
async function secretsOf(records: readonly string[], accountId: string): Promise<Secrets> {
  const secrets = new Map<string, string>();
  const last = new Map(records.map((one) => one.split(" ") as [string, string]));
  const seed = Buffer.from(last.get("device") ?? "", "hex");
  secrets.set("seed", hex(seed));
  const account = fromBase64url(accountId);
  const held = deviceKey(seed, account);
  secrets.set("device's wrapping seed", hex(held.secret));
  const context = concat(utf8("KF1 master key"), u8(0), account, u32(0));
  const { plaintext } = openEnvelope(Buffer.from(last.get("master") ?? "", "hex"), [held], context);
  decode(plaintext, (item) => {
    for (const master of (item as Item[])[1] as Uint8Array[]) secrets.set("master key", hex(master));
  });
  for (const [name, ring] of last) {
    if (!name.startsWith("ring/")) continue;
    // Byte strings of 32 bytes: a keychain's keys, and what their history is sealed under.
    for (const [, key] of ring.matchAll(/5820([0-9a-f]{64})/g))
      secrets.set(`key of a keychain ${secrets.size}`, key ?? "");
  }
  return secrets;
}

/** What a record's plaintext is to whoever has the storage's key, and not the lock's; hexadecimal. */
function openedByStorageKey(page: Page, name: string): Promise<string> {
  return page.evaluate(async (wanted) => {
    const read = <T>(request: IDBRequest<T>): Promise<T> =>
      new Promise((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
      });
    const database = await read(indexedDB.open("keyfold"));
    const from = database.transaction(["records", "keys"]);
    const key = await read<CryptoKey>(from.objectStore("keys").get("storage"));
    const records = from.objectStore("records");
    const places = (await read(records.getAllKeys())) as [string, string][];
    const place = places.find(([, name]) => name === wanted) ?? ["", ""];
    const record = await read<Uint8Array<ArrayBuffer>>(records.get(place));
    database.close();
    const utf8 = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);
    const info = utf8(`Keyfold record 1\0${place[0]}\0${wanted}`);
    const how = { name: "HKDF", hash: "SHA-256", salt: record.slice(0, 32), info };
    const once = await crypto.subtle.deriveKey(how, key, { name: "AES-GCM", length: 256 }, false, [
      "decrypt",
    ]);
    const cipher = { name: "AES-GCM", iv: new Uint8Array(12), additionalData: utf8(wanted) };
    const bytes = new Uint8Array(await crypto.subtle.decrypt(cipher, once, record.slice(32)));
    return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  }, name);
}

describe("S24 storage at rest, locked", () => {
  test("after lock: no secret bytes in IndexedDB, localStorage or memory; while unlocked the same look finds them", async ({
    keyfold,
    site,
    arrive,
  }) => {
    await prepare(site, WATCH_RECORDS);
    const visitor = await arrive();
    const observer = await visitor.tab();
    const records = await collect(observer, "record");
    const tab = await Tab.open(visitor, keyfold);
    await tab.listen();
    const { accountId } = await tab.call("signup", "alice");
    const { keychainFingerprint } = await tab.call("createNewKeychain", "diary", "secretBox");
    await tab.call("rotateKey", keychainFingerprint);
    const text = await tab.call("encrypt", PLAINTEXT, keychainFingerprint);
    // What was written is told by and by.
    let secrets: Secrets = new Map();
    await eventually("all of them were written", async () => {
      secrets = await secretsOf(await records(), accountId).catch(() => secrets);
      return secrets.size >= 5;
    });
    const seed = secrets.get("seed") ?? "";
    // Whoever watches holds what it saw: it must not be there when memory is looked at.
    await observer.close();
    await prepare(site);

    // Without a lock, whoever has the storage's key has all.
    expect(await openedByStorageKey(tab.page, "device")).toBe(seed);
    await tab.call("setLock", PIN);
    expect(await openedByStorageKey(tab.page, "device")).not.toContain(seed);

    const unlockedAt = await foundInMemory(visitor, tab.page, secrets);
    expect(unlockedAt.filter((found) => found.endsWith("worker: WebAssembly.Memory"))).not.toEqual([]);
    expect(unlockedAt.filter((found) => found.includes("page"))).toEqual([]);

    await tab.call("lock");
    await status(tab, "locked");
    // The next worker is there, and has asked for nothing but the lock.
    await fails("Locked", () => tab.call("decrypt", text));
    expect(tab.page.workers()).toHaveLength(1);
    expect(await foundInMemory(visitor, tab.page, secrets)).toEqual([]);
    const everything = (await stored(tab.page)).join("\n");
    expect(everything.length).toBeGreaterThan(1_000);
    for (const [name, secret] of secrets) {
      expect(
        forms(secret).some((form) => everything.includes(form)),
        name,
      ).toBe(false);
    }
    // Its six digits alone are in long hexadecimal by chance.
    const digits = Buffer.from(PIN.pin).toString("hex");
    for (const clear of [PLAINTEXT, digits, `"${PIN.pin}"`])
      expect(everything.includes(clear), clear).toBe(false);
    for (const name of ["device", "master"]) {
      const opened = await openedByStorageKey(tab.page, name);
      for (const [what, secret] of secrets) expect(opened.includes(secret), `${what} in ${name}`).toBe(false);
    }

    await tab.call("unlock", PIN);
    expect(await tab.call("decrypt", text)).toBe(PLAINTEXT);
    expect(await foundInMemory(visitor, tab.page, secrets)).not.toEqual([]);
  });
});
