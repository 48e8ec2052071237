import { mkdtemp, readFile, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { FolderNear } from "../src/engine/store/folder-near.js";
import type { Client } from "../src/node.js";
import type { VaultIndex } from "../src/vault-index.js";
import { Server, codeOf } from "./server.js";

interface Row {
  readonly id: number;
  readonly text: string;
}

const row = (id: number): Row => ({ id, text: `row ${id} `.padEnd(80, "abcdefg ") });
const rows = (from: number, to: number): Row[] =>
  Array.from({ length: to - from }, (_, at) => row(from + at));

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "keyfold-near-"));
});
afterEach(() => rm(dir, { recursive: true, maxRetries: 5 }));

async function files(folder: string): Promise<string[]> {
  const all = await readdir(folder, { recursive: true, withFileTypes: true });
  return all.filter((file) => file.isFile()).map((file) => join(file.parentPath, file.name));
}

/** Names as objects have them: hexadecimal that says nothing. */
const name = (number: number): string =>
  (Math.imul(number + 1, 0x9e3779b1) >>> 0).toString(16).padStart(8, "0").repeat(8);
const bytes = (number: number, length = 4_096): Uint8Array<ArrayBuffer> =>
  new Uint8Array(length).fill(number);

test("what is kept is found, also later, until it is let go of", async () => {
  const near = new FolderNear(join(dir, "near"));
  expect(await near.find([name(1)])).toEqual([undefined]);
  near.keep([
    [name(1), bytes(1)],
    [name(2), bytes(2, 0)],
  ]);
  near.keep([[name(1), bytes(3)]]);
  expect(await near.find([name(2), name(3), name(1)])).toEqual([bytes(2, 0), undefined, bytes(3)]);
  await near.close();
  const again = new FolderNear(join(dir, "near"));
  expect(await again.find([name(1)])).toEqual([bytes(3)]);
  again.keep([[name(1), undefined]]);
  expect(await again.find([name(1), name(2)])).toEqual([undefined, bytes(2, 0)]);
  for (const file of await files(join(dir, "near")))
    expect((await stat(file)).mode & 0o777, file).toBe(0o600);
});

test("it has a bound, also over what was there before, and what was used last stays", async () => {
  const [loved, folder] = [name(1_000_000), join(dir, "near")];
  for (let time = 0; time < 4; time += 1) {
    const near = new FolderNear(folder, 256 << 10);
    if (time === 0) near.keep([[loved, bytes(7)]]);
    for (let number = 0; number < 40; number += 10) {
      const ten = Array.from({ length: 10 }, (_, at) => time * 40 + number + at);
      near.keep(ten.map((number) => [name(number), bytes(number)]));
      expect(await near.find([loved])).toEqual([bytes(7)]);
    }
    await near.close();
  }
  const sizes = await Promise.all((await files(folder)).map(async (file) => (await stat(file)).size));
  const all = sizes.reduce((sum, size) => sum + size, 0);
  expect(all).toBeLessThanOrEqual(256 << 10);
  expect(all).toBeGreaterThan(128 << 10);
}, 120_000);

test("where nothing can be written nothing is kept, and nothing fails", async () => {
  await writeFile(join(dir, "near"), "no folder");
  const near = new FolderNear(join(dir, "near"));
  near.keep([[name(1), bytes(1)]]);
  expect(await near.find([name(1)])).toEqual([undefined]);
  await near.close();
});

test("the next client on a folder reads what this one read, without the server, and says so", async () => {
  const server = await Server.start();
  try {
    const folder = join(dir, "home");
    const table = (client: Client, kc: string): VaultIndex<Row> =>
      client.vault(kc).index<Row>("rows", { key: ({ id }) => id });
    const first = server.client({ storage: folder });
    await first.signup("alice");
    const { keychainFingerprint: kc } = await first.createNewKeychain("books", "secretBox");
    await table(first, kc).put(rows(0, 20_000));
    expect(await table(first, kc).list({ from: 100, limit: 50 })).toEqual(rows(100, 150));
    await first.close();
    await server.stop();

    const next = server.client({ storage: folder });
    const index = table(next, kc);
    expect(await index.list({ from: 100, limit: 50 })).toEqual(rows(100, 150));
    expect(index.offline).toBe(true);
    expect(await index.count()).toBe(20_000);
    expect(await codeOf(index.list({ from: 15_000, limit: 5 }))).toBe("ServerUnavailable");
    // It waits in the folder, is seen at once, and whoever listens is told by fingerprint, whatever the call named.
    const written = new Promise((resolve) => next.on("indexChanged", resolve));
    await table(next, "books").delete(110);
    expect(await written).toEqual({ keychainFingerprint: kc, indexId: expect.stringMatching(/^[\w-]{43}$/) });
    expect(await index.count()).toBe(19_999);
    expect(await index.waiting()).toBe(1);
    for (const file of await files(join(folder, "near")))
      expect((await readFile(file)).includes("abcdefg"), file).toBe(false);

    await server.startAgain();
    await index.put(row(20_000));
    expect(index.offline).toBe(false);
    expect(await index.waiting()).toBe(0);
    expect(await index.count()).toBe(20_000);
    await next.logout({ forget: true });
    expect(await files(folder)).not.toContainEqual(expect.stringContaining("/near/"));
    await next.close();
  } finally {
    await server.close();
  }
}, 120_000);
