/** A device's lock, in a folder: what it lets through, what it stops, and what lies on the disk meanwhile. */
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import type { Client } from "../src/node.js";
import { importStorageKey, openRecord } from "../src/engine/store/seal.js";
import type { Bytes } from "../src/types.js";
import { Server, codeOf, until } from "./server.js";

let server: Server;
beforeAll(async () => {
  server = await Server.start();
});
afterAll(() => server.close());
afterEach(() => {
  vi.useRealTimers();
});

let people = 0;
/** Somebody with a keychain and a value, on a folder. */
async function somebody(): Promise<{
  client: Client;
  userId: string;
  folder: string;
  keychain: string;
  text: string;
}> {
  people += 1;
  const userId = `locker-${people}`;
  const folder = server.folder(userId);
  const client = server.client({ storage: folder });
  await client.signup(userId);
  const { keychainFingerprint: keychain } = await client.createNewKeychain("diary", "secretBox");
  const text = await client.encrypt("dear diary", keychain);
  return { client, userId, folder, keychain, text };
}

const pin = { pin: "271828" };
const password = { password: "correct horse battery" };

describe("a lock", () => {
  for (const secret of [pin, password]) {
    const method = "pin" in secret ? "pin" : "password";
    test(`of a ${method}: locked, everything fails with Locked; unlocked, it is as it was`, async () => {
      const { client, userId, keychain, text } = await somebody();
      await client.setLock(secret);
      expect(client.state.lock).toEqual({ userId, method, autoLockMs: null, tryAt: null });
      expect(await client.decrypt(text)).toBe("dear diary");
      await client.lock();
      expect(client.state).toMatchObject({ status: "locked", identity: null, deviceId: null, keychains: [] });
      for (const call of [
        client.decrypt(text),
        client.encrypt("more", keychain),
        client.login(),
        client.login("somebody-else"),
        client.signup("somebody-else"),
        client.logout(),
        client.sync(),
        client.setLock(null),
      ]) {
        expect(await codeOf(call)).toBe("Locked");
      }
      await client.unlock(secret);
      expect(client.state).toMatchObject({ status: "in", identity: { userId } });
      expect(await client.decrypt(text)).toBe("dear diary");
      await client.lock();
      await client.lock();
      expect(client.state.status).toBe("locked");
    });
  }

  test("is told: lockChanged, and identityUpdated with it", async () => {
    const { client, userId } = await somebody();
    const told: string[] = [];
    client.on("lockChanged", ({ locked }) => told.push(locked ? "locked" : "unlocked"));
    client.on("identityUpdated", (identity) => told.push(identity?.userId ?? "nobody"));
    await client.setLock(pin);
    await client.lock();
    await client.unlock(pin);
    await until(() => told.length === 4);
    expect(told).toEqual(["locked", "nobody", "unlocked", userId]);
  });

  test("holds when the client is closed: the next one has to unlock", async () => {
    const { client, folder, userId, text } = await somebody();
    await client.setLock(pin);
    client.close();
    const next = server.client({ storage: folder });
    expect(await codeOf(next.login())).toBe("Locked");
    expect(next.state).toMatchObject({ status: "locked", lock: { userId, method: "pin" } });
    await next.unlock(pin);
    expect(await next.decrypt(text)).toBe("dear diary");
  });

  test("is replaced by another, and taken away", async () => {
    const { client, folder, text } = await somebody();
    await client.setLock(pin);
    await client.setLock(password, { autoLockMs: 60_000 });
    expect(client.state.lock).toMatchObject({ method: "password", autoLockMs: 60_000 });
    await client.lock();
    expect(await codeOf(client.unlock(pin))).toBe("Malformed");
    await client.unlock(password);
    await client.setLock(null);
    expect(client.state.lock).toBeNull();
    expect(await codeOf(client.lock())).toBe("NoLock");
    client.close();
    const next = server.client({ storage: folder });
    await next.login();
    expect(await next.decrypt(text)).toBe("dear diary");
  });

  test("which nobody remembers: the device can be removed, and is gone", async () => {
    const { client, userId } = await somebody();
    await client.setLock(pin);
    await client.lock();
    await client.logout({ forget: true });
    expect(client.state).toMatchObject({ status: "out", lock: null });
    expect(await codeOf(client.login(userId))).toBe("NoHome");
  });

  test("ends what waits for a server, with Locked", async () => {
    const { client, text } = await somebody();
    await client.setLock(pin);
    await server.stop();
    const waiting = client.createNewKeychain("never", "secretBox");
    const code = codeOf(waiting);
    await client.lock();
    expect(["Locked", "ServerUnavailable"]).toContain(await code);
    // Unlocking asks no server.
    await client.unlock(pin);
    expect(await client.decrypt(text)).toBe("dear diary");
    await server.startAgain();
  });

  test("of what is kept in memory is refused: it would be gone", async () => {
    const client = server.client();
    await client.signup("locker-memory");
    expect(await codeOf(client.setLock(pin))).toBe("Unsupported");
    expect(client.state.storage).toBe("temporary");
  });

  test("takes no PIN that is none, and does not repeat what was typed", async () => {
    const { client } = await somebody();
    for (const secret of [
      { pin: "12a4" },
      { pin: "123" },
      { password: "short" },
      { word: "x" },
      "1234",
      null,
    ]) {
      const call = client.unlock(secret as never);
      await expect(call).rejects.toMatchObject({ code: "Malformed" });
      await expect(call).rejects.not.toMatchObject({ message: expect.stringMatching(/12a4|123|short/) });
    }
    expect(await codeOf(client.setLock({ passkey: true }))).toBe("Unsupported");
    expect(await codeOf(client.setLock(pin, { autoLockMs: 5 }))).toBe("Malformed");
  });
});

describe("a wrong secret", () => {
  test("S9: one run of Argon2id, one candidate key, one answer", async () => {
    const { client } = await somebody();
    await client.setLock(pin);
    await client.lock();
    expect(await codeOf(client.unlock({ pin: "000000" }))).toBe("WrongSecret");
    // Each run has an instance of its own, made when the one before was thrown away.
    let runs = 0;
    const { Instance } = WebAssembly;
    WebAssembly.Instance = new Proxy(Instance, {
      construct: (target, args) => {
        runs += 1;
        return Reflect.construct(target, args) as object;
      },
    });
    onTestFinished(() => {
      WebAssembly.Instance = Instance;
    });
    const imported = vi.spyOn(crypto.subtle, "importKey");
    const failures: unknown[] = [];
    for (const wrong of ["111111", "271829"]) {
      runs = 0;
      imported.mockClear();
      failures.push(await client.unlock({ pin: wrong }).catch((error: unknown) => error));
      expect([runs, imported.mock.calls.length]).toEqual([1, 1]);
    }
    imported.mockRestore();
    expect(failures[0]).toMatchObject({ code: "WrongSecret" });
    expect(JSON.stringify(failures[0])).toBe(JSON.stringify(failures[1]));
  });

  test("costs time from the third on, in the next client too, and the right one ends that", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const { client, folder, text } = await somebody();
    await client.setLock(pin);
    await client.lock();
    const wrong = { pin: "000000" };
    for (let tries = 0; tries < 3; tries += 1) expect(await codeOf(client.unlock(wrong))).toBe("WrongSecret");
    // Neither one is looked at before its time.
    expect(await codeOf(client.unlock(pin))).toBe("TooManyTries");
    expect(client.state.lock?.tryAt?.getTime()).toBe(Date.now() + 5_000);
    client.close();
    const next = server.client({ storage: folder });
    expect(await codeOf(next.unlock(pin))).toBe("TooManyTries");
    vi.setSystemTime(Date.now() + 5_000);
    expect(await codeOf(next.unlock(wrong))).toBe("WrongSecret");
    vi.setSystemTime(Date.now() + 5_000);
    expect(await codeOf(next.unlock(pin))).toBe("TooManyTries");
    vi.setSystemTime(Date.now() + 5_000);
    await next.unlock(pin);
    expect(next.state.lock?.tryAt).toBeNull();
    expect(await next.decrypt(text)).toBe("dear diary");
    await next.lock();
    expect(await codeOf(next.unlock(wrong))).toBe("WrongSecret");
    await next.unlock(pin);
  });
});

describe("auto-lock", () => {
  test("locks when nobody called for that long, and not while somebody does", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const { client, text } = await somebody();
    await client.setLock(pin, { autoLockMs: 60_000 });
    for (let minutes = 0; minutes < 3; minutes += 1) {
      vi.setSystemTime(Date.now() + 50_000);
      expect(await client.decrypt(text)).toBe("dear diary");
    }
    vi.setSystemTime(Date.now() + 61_000);
    // However late its timer comes, a machine that slept opens nothing.
    expect(await codeOf(client.decrypt(text))).toBe("Locked");
    expect(client.state.status).toBe("locked");
    await client.unlock(pin);
    expect(await client.decrypt(text)).toBe("dear diary");
  });

  test("locks by itself", async () => {
    const { client } = await somebody();
    await client.setLock(pin, { autoLockMs: 1_000 });
    await until(() => client.state.status === "locked");
  });
});

describe("S24 storage at rest, in a folder", () => {
  test("with a lock, the folder's own key opens no record of the device; without one it does", async () => {
    const { client, folder } = await somebody();
    const names = async (): Promise<{ name: string; value: Bytes }[]> => readable(folder);
    expect((await names()).some(({ name, value }) => name === "device" && value.length === 32)).toBe(true);
    await client.setLock(pin);
    const records = await names();
    expect(records.map(({ name }) => name)).toContain("device");
    // The seed has 32 bytes in clear; sealed once more it is longer, and so is everything else.
    expect(records.find(({ name }) => name === "device")?.value.length).toBe(32 + 48);
    for (const { name, value } of records.filter(({ name }) => name !== "lock" && name !== "register")) {
      expect(Buffer.from(value).includes("diary"), name).toBe(false);
    }
    expect((await readdir(folder)).sort()).toEqual(["lock", "records", "storage.key"]);
    client.close();
  });
});

/** All that is in a folder's journal, opened with the key that lies beside it. */
async function readable(folder: string): Promise<{ name: string; value: Bytes }[]> {
  const key = await importStorageKey(new Uint8Array(await readFile(join(folder, "storage.key"))));
  const bytes = await readFile(join(folder, "records"));
  const generation = bytes.subarray(0, 16).toString("hex");
  const found: { name: string; value: Bytes }[] = [];
  for (let at = 16, count = 0; at < bytes.length; count += 1) {
    const end = at + 4 + bytes.readUInt32BE(at);
    const batch = Buffer.from(
      await openRecord(key, generation, String(count), new Uint8Array(bytes.subarray(at + 4, end))),
    );
    for (let inner = 0; inner < batch.length;) {
      const parts: Buffer[] = [];
      for (let part = 0; part < 3; part += 1) {
        const length = batch.readUInt32BE(inner);
        inner += 4;
        const size = length === 0xffff_ffff ? 0 : length;
        parts.push(batch.subarray(inner, inner + size));
        inner += size;
      }
      const [, name, value] = parts as [Buffer, Buffer, Buffer];
      found.push({ name: name.toString(), value: new Uint8Array(value) });
    }
    at = end;
  }
  return found;
}
