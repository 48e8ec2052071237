import { chmod, mkdtemp, readFile, readdir, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { FolderStore } from "../src/engine/store/folder.js";
import { MemoryStore } from "../src/engine/store/memory.js";
import { generateStorageKey, importStorageKey, openRecord, sealRecord } from "../src/engine/store/seal.js";
import { durableStores, everyStore } from "./contract/store.js";
import { codeOf } from "./server.js";

let dir: string;
beforeEach(async () => {
  dir = join(await mkdtemp(join(tmpdir(), "keyfold-store-")), "home");
});
afterEach(() => rm(join(dir, ".."), { recursive: true }));

const open = (): Promise<FolderStore> => FolderStore.open(dir);
const bytes = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

describe("memory", () => {
  test.each(Object.entries(everyStore))("%s", (_, promise) =>
    promise({ open: async () => new MemoryStore() }),
  );
});

describe("folder", () => {
  test.each(Object.entries({ ...everyStore, ...durableStores }))("%s", (_, promise) => promise({ open }));

  test("others can read nothing, and no value rests in the clear", async () => {
    const store = await open();
    await store.commit([{ home: "h", name: "a", value: bytes("a very secret value") }]);
    expect((await stat(dir)).mode & 0o777).toBe(0o700);
    for (const file of await readdir(dir)) {
      expect((await stat(join(dir, file))).mode & 0o777, file).toBe(0o600);
      expect((await readFile(join(dir, file))).includes("very secret"), file).toBe(false);
    }
    await store.close();
  });

  test("a half-written batch at the end is ignored, and the next one is not lost behind it", async () => {
    const store = await open();
    await store.commit([{ home: "h", name: "a", value: bytes("1") }]);
    await store.close();
    const whole = (await stat(join(dir, "records"))).size;
    const again = await open();
    await again.commit([{ home: "h", name: "b", value: bytes("2") }]);
    await again.close();
    const end = (await stat(join(dir, "records"))).size;
    for (const length of [whole + 1, whole + 4, end - 1]) {
      await truncate(join(dir, "records"), length);
      const torn = await open();
      expect(await torn.load("h", "a")).toEqual(bytes("1"));
      expect(await torn.load("h", "b")).toBeUndefined();
      await torn.commit([{ home: "h", name: "b", value: bytes("2") }]);
      await torn.close();
      const mended = await open();
      expect(await mended.load("h", "b")).toEqual(bytes("2"));
      await mended.close();
    }
  });

  test("a batch that was altered, moved or repeated is no record", async () => {
    const store = await open();
    for (const value of ["1", "2", "3"]) await store.commit([{ home: "h", name: "a", value: bytes(value) }]);
    await store.close();
    const path = join(dir, "records");
    const records = await readFile(path);
    const batch = (records.length - 16) / 3;
    const part = (from: number): Buffer => records.subarray(16 + from * batch, 16 + (from + 1) * batch);
    const altered = Buffer.from(records);
    altered.writeUInt8(altered.readUInt8(16 + 60) ^ 1, 16 + 60);
    const moved = Buffer.concat([records.subarray(0, 16), part(1), part(0), part(2)]);
    const repeated = Buffer.concat([records.subarray(0, 16), part(0), part(0), part(1), part(2)]);
    for (const forged of [altered, moved, repeated]) {
      await writeFile(path, forged);
      expect(await codeOf(open())).toBe("Internal");
    }
  });

  test("the journal does not grow for ever, and is whole after it was written anew", async () => {
    const store = await open();
    const large = new Uint8Array(200_000);
    for (let round = 0; round < 40; round += 1) {
      await store.commit([{ home: "h", name: "large", value: large.slice().fill(round) }]);
    }
    await store.commit([{ home: "h", name: "small", value: bytes("1") }]);
    await store.close();
    expect((await stat(join(dir, "records"))).size).toBeLessThan(2_000_000);
    const again = await open();
    expect((await again.load("h", "large"))?.[0]).toBe(39);
    expect(await again.load("h", "small")).toEqual(bytes("1"));
    await again.close();
  });

  test("two clients do not work on one folder, and the lock of a process that is gone is none", async () => {
    const store = await open();
    expect(await codeOf(open())).toBe("HomeInUse");
    await store.close();
    // No process has this number: it is larger than any system's.
    await writeFile(join(dir, "lock"), "4194999 1");
    await (await open()).close();
    // Our own number, of an earlier process that had it.
    await writeFile(join(dir, "lock"), `${process.pid} 1`);
    await (await open()).close();
  }, 20_000);

  test("without its key it is lost, and with a key that others can read it is refused", async () => {
    const store = await open();
    await store.close();
    await chmod(join(dir, "storage.key"), 0o640);
    expect(await codeOf(open())).toBe("NotAllowed");
    await rm(join(dir, "storage.key"));
    expect(await codeOf(open())).toBe("StorageLost");
  });
});

describe("sealing", () => {
  test("a record opens in its place only", async () => {
    const key = await importStorageKey(new Uint8Array(32).fill(1));
    const sealed = await sealRecord(key, "h", "a", bytes("value"));
    expect(await openRecord(key, "h", "a", sealed)).toEqual(bytes("value"));
    for (const [home, name] of [
      ["g", "a"],
      ["h", "b"],
      ["ha", ""],
      ["", "ha"],
    ] as const) {
      await expect(openRecord(key, home, name, sealed)).rejects.toMatchObject({ code: "Internal" });
    }
    const other = await importStorageKey(new Uint8Array(32).fill(2));
    await expect(openRecord(other, "h", "a", sealed)).rejects.toMatchObject({ code: "Internal" });
  });

  test("the same value is sealed under another key each time, and is wiped", async () => {
    const key = await importStorageKey(new Uint8Array(32).fill(1));
    const value = bytes("value");
    const one = await sealRecord(key, "h", "a", value);
    const other = await sealRecord(key, "h", "a", bytes("value"));
    expect(one.subarray(0, 32)).not.toEqual(other.subarray(0, 32));
    expect(one.subarray(32)).not.toEqual(other.subarray(32));
    expect(value).toEqual(new Uint8Array(5));
  });

  test("where randomness repeats, another value or place still has another key", async () => {
    const key = await importStorageKey(new Uint8Array(32).fill(1));
    const random = vi.spyOn(crypto, "getRandomValues").mockImplementation((array) => array);
    try {
      const salt = async (home: string, name: string, value: string): Promise<string> =>
        Buffer.from((await sealRecord(key, home, name, bytes(value))).subarray(0, 32)).toString("hex");
      const salts = [
        await salt("h", "a", "1"),
        await salt("h", "a", "2"),
        await salt("h", "b", "1"),
        await salt("g", "a", "1"),
      ];
      expect(new Set(salts).size).toBe(4);
      expect(await salt("h", "a", "1")).toBe(salts[0]);
    } finally {
      random.mockRestore();
    }
  });

  test("a fresh storage key cannot be read", async () => {
    const key = await generateStorageKey();
    expect(key.extractable).toBe(false);
    await expect(crypto.subtle.exportKey("raw", key)).rejects.toThrow();
  });
});
