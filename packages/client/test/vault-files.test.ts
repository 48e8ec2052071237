/** Files of keychains, through a real server: what is put is what others get, whole, in ranges and as a stream. */
import { createHash } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Client } from "../src/node.js";
import type { Vault } from "../src/vault.js";
import { Server, codeOf, until } from "./server.js";

const MIB = 1 << 20;

let server: Server;
beforeAll(async () => {
  server = await Server.start();
});
afterAll(() => server.close());

/** Bytes of which no two places of a file are alike. */
function bytes(length: number, seed = 1): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(Math.ceil(length / 4));
  let state = seed;
  for (let at = 0; at < words.length; at += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    words[at] = state;
  }
  return new Uint8Array(words.buffer, 0, length);
}

function digest(content: Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

async function bytesOf(blob: Blob): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await blob.arrayBuffer());
}

async function drained(stream: ReadableStream<Uint8Array>): Promise<Uint8Array<ArrayBuffer>> {
  return bytesOf(await new Response(stream as ReadableStream<Uint8Array<ArrayBuffer>>).blob());
}

let people = 0;

/** Two who share a keychain. */
async function two(
  readOnly = false,
): Promise<{ kc: string; alice: Client; bob: Client; hers: Vault; his: Vault }> {
  people += 1;
  const [alice, bob] = [server.client(), server.client()];
  await Promise.all([alice.signup(`alice-${people}`), bob.signup(`bob-${people}`)]);
  bob.subscribe(() => undefined);
  const { keychainFingerprint: kc } = await alice.createNewKeychain("notes", "secretBox");
  await alice.shareCompleteKeychain(kc, { userId: `bob-${people}` }, { readOnly });
  await until(() => bob.keys[kc]);
  return { kc, alice, bob, hers: alice.vault(kc), his: bob.vault(kc) };
}

test("what one puts the other gets: whole, in ranges, and as a stream, whatever its size", async () => {
  const { hers, his } = await two();
  for (const [size, seed] of [
    [0, 1],
    [1, 2],
    [65_536, 3],
    [MIB - 8, 4],
    [MIB, 5],
    [4 * MIB - 8, 6],
    [4 * MIB, 7],
    [9 * MIB + 12_345, 8],
  ] as const) {
    const content = bytes(size, seed);
    await hers.put("pictures/summer.jpg", content, { mediaType: "image/jpeg" });
    const { contents, ...file } = await his.get("pictures/summer.jpg");
    expect(digest(await bytesOf(contents)), `${size}`).toBe(digest(content));
    expect([file.size, file.mediaType, contents.type]).toEqual([size, "image/jpeg", "image/jpeg"]);
    for (const [start, end] of [
      [0, 1],
      [Math.floor(size / 2), Math.floor(size / 2) + 70_000],
      [Math.max(0, size - 1), size + 9],
      [size, size + 1],
    ] as const) {
      const range = await his.getRange("pictures/summer.jpg", start, end);
      expect(digest(range), `${start} to ${end} of ${size}`).toBe(digest(content.slice(start, end)));
    }
    expect(digest(await drained(his.stream("pictures/summer.jpg"))), `${size}`).toBe(digest(content));
    const middle = his.stream("pictures/summer.jpg", {
      start: Math.floor(size / 3),
      end: Math.ceil(size / 2),
    });
    expect(digest(await drained(middle))).toBe(
      digest(content.slice(Math.floor(size / 3), Math.ceil(size / 2))),
    );
  }
});

test("a file is put from a blob, a file, bytes and a stream, and says what is known of it", async () => {
  const { hers, his } = await two();
  const content = bytes(5 * MIB + 7);
  const lastModified = Date.UTC(2026, 4, 2);
  await hers.put("a", new File([content], "other name", { type: "text/plain", lastModified }));
  const { stored, ...a } = await hers.put("a", new Blob([content], { type: "text/css" }));
  expect(a).toEqual({
    kind: "file",
    path: "a",
    name: "a",
    size: content.length,
    mediaType: "text/css",
    modified: null,
    version: 2,
  });
  expect(Math.abs(stored.getTime() - Date.now())).toBeLessThan(60_000);
  const [now, before] = await his.versions("a");
  expect([now?.version, now?.current, now?.mediaType]).toEqual([2, true, "text/css"]);
  expect([before?.version, before?.current, before?.modified]).toEqual([1, false, new Date(lastModified)]);
  expect(before?.mediaType).toBe("text/plain");
  let asked = 0;
  const stream = new ReadableStream<Uint8Array>(
    {
      pull: (controller) => {
        controller.enqueue(content.subarray(asked, asked + 100_000));
        asked += 100_000;
        if (asked >= content.length) controller.close();
      },
    },
    { highWaterMark: 0 },
  );
  await hers.put("b", stream, { mediaType: "video/mp4", modified: new Date(lastModified) });
  const b = await his.get("b");
  expect(digest(await bytesOf(b.contents))).toBe(digest(content));
  expect([b.mediaType, b.modified]).toEqual(["video/mp4", new Date(lastModified)]);
  expect(digest(await bytesOf((await his.get("a", { version: 1 })).contents))).toBe(digest(content));
  expect((await hers.restore("a", 1)).version).toBe(3);
  expect((await his.stat("a")).kind).toBe("file");
});

test("folders are made, listed, renamed, moved and removed, and names are one however they are composed", async () => {
  const { hers, his } = await two();
  await hers.put("a/b/one.txt", bytes(10));
  await hers.createFolder("c");
  await his.rename("a/b", "c/d");
  expect((await hers.list("c/d")).map(({ path, kind }) => [path, kind])).toEqual([["c/d/one.txt", "file"]]);
  expect((await hers.list()).map(({ name, kind }) => [name, kind])).toEqual([
    ["a", "folder"],
    ["c", "folder"],
  ]);
  expect(await codeOf(hers.rename("c", "a"))).toBe("FileExists");
  expect(await codeOf(hers.remove("c"))).toBe("FolderNotEmpty");
  expect(await codeOf(hers.get("c"))).toBe("NotAFile");
  expect(await codeOf(hers.list("c/d/one.txt"))).toBe("NotAFolder");
  expect(await codeOf(hers.put("c", bytes(1)))).toBe("NotAFile");
  expect(await codeOf(hers.put("", bytes(1)))).toBe("NotAFile");
  expect(await codeOf(hers.stat("nowhere"))).toBe("UnknownFile");
  expect(await codeOf(hers.stat("a/../c"))).toBe("BadText");
  expect((await hers.stat("")).name).toBe("");
  await his.put("u\u0308ber.txt", bytes(3));
  expect((await hers.stat("\u00fcber.txt")).name).toBe("\u00fcber.txt");
  await hers.remove("c", { recursive: true });
  await hers.remove("a");
  expect((await his.list()).map(({ name }) => name)).toEqual(["\u00fcber.txt"]);
});

test("who may only read puts nothing; who is banned gets nothing more, and a sweep leaves nothing to old keys", async () => {
  const { kc, alice, bob, hers, his } = await two(true);
  await hers.put("plan.txt", bytes(8));
  expect((await bytesOf((await his.get("plan.txt")).contents)).length).toBe(8);
  expect(await codeOf(his.put("plan.txt", bytes(1)))).toBe("NotAllowed");
  expect(await codeOf(his.remove("plan.txt"))).toBe("NotAllowed");
  expect(await codeOf(his.rename("plan.txt", "x"))).toBe("NotAllowed");
  expect(await hers.stillReadable()).toEqual({ contents: 0, bytes: 0 });
  await alice.banUser(bob.publicIdentity?.userId ?? "", kc);
  expect(await codeOf(his.get("plan.txt"))).toMatch(
    /^(AuthorBanned|UnknownKeychain|NotAMember|UnknownScope)$/,
  );
  expect(await hers.stillReadable()).toEqual({ contents: 1, bytes: 8 });
  expect(await hers.sweep()).toEqual({ contents: 1, bytes: 8, deleted: 0 });
  expect(await hers.stillReadable()).toEqual({ contents: 0, bytes: 0 });
  expect(digest(await bytesOf((await hers.get("plan.txt")).contents))).toBe(digest(bytes(8)));
});

test("one is told of what others do, and one's own folder shows it", async () => {
  const { hers, his } = await two();
  await his.list();
  let heard = 0;
  const off = his.subscribe(() => {
    heard += 1;
  });
  await hers.put("new.txt", bytes(1));
  await until(() => heard > 0);
  off();
  expect((await his.list()).map(({ name }) => name)).toEqual(["new.txt"]);
});

test("progress counts what is stored and what has come, and whoever cancels is told so", async () => {
  const { hers } = await two();
  const content = bytes(12 * MIB);
  const loaded: number[] = [];
  await hers.put("film", new Blob([content]), { onProgress: (progress) => loaded.push(progress.loaded) });
  expect(loaded.at(-1)).toBe(content.length);
  expect(loaded).toEqual([...loaded].sort((one, other) => one - other));
  const come: (number | null)[] = [];
  await hers.get("film", { onProgress: ({ loaded, total }) => come.push(loaded, total) });
  expect(come.slice(-2)).toEqual([content.length, content.length]);
  come.length = 0;
  await hers.getRange("film", MIB, 3 * MIB, { onProgress: ({ loaded, total }) => come.push(loaded, total) });
  expect(come.slice(-2)).toEqual([2 * MIB, 2 * MIB]);
  const cancelled = new AbortController();
  const put = hers.put("other", new Blob([content]), {
    signal: cancelled.signal,
    onProgress: () => cancelled.abort(),
  });
  expect(await codeOf(put)).toBe("Cancelled");
  expect(await codeOf(hers.stat("other"))).toBe("UnknownFile");
  const reading = hers.stream("film").getReader();
  expect((await reading.read()).value?.length).toBe(MIB);
  await reading.cancel();
});

test("a stream stays what it was while the file gets another content, and ends where a source fails", async () => {
  const { hers, his } = await two();
  const content = bytes(6 * MIB, 1);
  await hers.put("film", content);
  const reader = his.stream("film").getReader();
  const first = await reader.read();
  await hers.put("film", bytes(6 * MIB, 2));
  const rest: Uint8Array<ArrayBuffer>[] = [first.value ?? new Uint8Array()];
  for (let next = await reader.read(); !next.done; next = await reader.read()) rest.push(next.value);
  expect(digest(await bytesOf(new Blob(rest)))).toBe(digest(content));
  const broken = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.error(new Error("the camera was unplugged")),
  });
  expect(await codeOf(hers.put("film", broken))).toBe("Io");
  expect((await hers.stat("film")).kind === "file" && (await hers.versions("film")).length).toBe(2);
  expect(await codeOf(drained(hers.stream("nowhere")))).toBe("UnknownFile");
});

test("bad input is refused before anything is asked", async () => {
  const { hers } = await two();
  const put = (source: unknown) => codeOf(hers.put("x", source as Blob));
  expect([await put("text"), await put(undefined), await put({})]).toEqual(Array(3).fill("Malformed"));
  expect(await codeOf(hers.put(7 as unknown as string, bytes(1)))).toBe("Malformed");
  expect(await codeOf(hers.getRange("x", 2, 1))).toBe("Malformed");
  expect(await codeOf(hers.get("x", { version: 0 }))).toBe("Malformed");
  expect(await codeOf(hers.put("x", bytes(1), { modified: "today" as unknown as Date }))).toBe("Malformed");
  expect(() => hers.stream("x", { start: -1 })).toThrow("start must be a whole number of bytes");
  expect(await codeOf(hers.put("x", bytes(1), { mediaType: "x".repeat(257) }))).toBe("Malformed");
  expect(await hers.list()).toEqual([]);
});
