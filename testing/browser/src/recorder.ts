/**
 * Scripts that watch WebCrypto from within a thread under test, told to the test by a BroadcastChannel. They are
 * JavaScript as text, because they run before the code under test, in its thread: in front of the worker's script, or
 * as a page's init script.
 */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { eventually } from "./assert.ts";
import { clientDist, type Site } from "./harness/index.ts";

const CHANNEL = "seen-by-the-test";

/** Lets every worker of the site run scripts before its own. */
export async function prepare(site: Site, ...scripts: string[]): Promise<void> {
  const worker = await readFile(join(clientDist, "worker.js"), "utf8");
  site.fault("/client/worker.js", { body: scripts.join("\n") + worker });
}

/**
 * Writes down, in this tab, what all threads of its profile that run `WATCH_CRYPTO` tell from now on: which key met
 * which nonce, or the randomness that was drawn, hexadecimal; or, of `WATCH_RECORDS`, records by name. What is told
 * arrives later than what was done: who counts on some says how many.
 */
export async function collect(
  page: Page,
  kind: "sealed" | "drawn" | "record",
): Promise<(atLeast?: number) => Promise<string[]>> {
  await page.evaluate(
    ({ channel, kind }) => {
      const all: string[] = (globalThis.kept[kind] = []);
      const seen = (globalThis.kept["channel"] = new BroadcastChannel(channel));
      seen.onmessage = ({ data }) => {
        if (data.kind === kind) all.push(data.what);
      };
    },
    { channel: CHANNEL, kind },
  );
  return (atLeast = 0) =>
    eventually(`${atLeast} were seen`, async () => {
      const seen = await page.evaluate((kind): string[] => globalThis.kept[kind], kind);
      return seen.length >= atLeast && seen;
    });
}

/**
 * Tells of each AES-GCM encryption which key met which nonce, and of all randomness that was drawn. A key that was
 * imported is named by its bytes; one that was derived by HKDF, by its salt and label, which decide over it as long as
 * the base key is the same.
 */
export const WATCH_CRYPTO = `{
  const channel = new BroadcastChannel(${JSON.stringify(CHANNEL)});
  const names = new WeakMap();
  const hex = (data) => {
    const bytes = ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array(data);
    return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  };
  const wrap = (name, make) => {
    const original = SubtleCrypto.prototype[name];
    SubtleCrypto.prototype[name] = make(original);
  };
  wrap("importKey", (original) => async function (format, data, ...rest) {
    const name = format === "raw" ? "raw " + hex(data) : undefined;
    const key = await original.call(this, format, data, ...rest);
    if (name !== undefined) names.set(key, name);
    return key;
  });
  wrap("deriveKey", (original) => async function (algorithm, base, ...rest) {
    const name = "hkdf " + hex(algorithm.salt) + " " + hex(algorithm.info);
    const key = await original.call(this, algorithm, base, ...rest);
    names.set(key, name);
    return key;
  });
  wrap("encrypt", (original) => function (algorithm, key, ...rest) {
    channel.postMessage({ kind: "sealed", what: (names.get(key) ?? "unknown key") + " / " + hex(algorithm.iv) });
    return original.call(this, algorithm, key, ...rest);
  });
  const draw = Crypto.prototype.getRandomValues;
  Crypto.prototype.getRandomValues = function (array) {
    draw.call(this, array);
    channel.postMessage({ kind: "drawn", what: hex(array) });
    return array;
  };
}
`;

/** Tells of each record that is sealed its name, which is the associated data, and what it holds, hexadecimal. */
export const WATCH_RECORDS = `{
  const channel = new BroadcastChannel(${JSON.stringify(CHANNEL)});
  const encrypt = SubtleCrypto.prototype.encrypt;
  SubtleCrypto.prototype.encrypt = function (algorithm, key, data) {
    const name = new TextDecoder().decode(algorithm.additionalData ?? new Uint8Array());
    const bytes = new Uint8Array(data.buffer ?? data, data.byteOffset ?? 0, data.byteLength);
    const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
    channel.postMessage({ kind: "record", what: name + " " + hex });
    return encrypt.call(this, algorithm, key, data);
  };
}
`;

/** A clock that the test sets: how far every thread of the profile that loads this is ahead of the machine. */
export const SET_CLOCK = `{
  const now = Date.now;
  let ahead = 0;
  Date.now = () => now() + ahead;
  new BroadcastChannel("clock-of-the-test").onmessage = ({ data }) => {
    ahead = data;
  };
}
`;

/** Sets that clock. What is called afterwards finds it set: the workers hear of both in this order. */
export async function setClock(page: Page, ahead: number): Promise<void> {
  await page.evaluate(async (ahead) => {
    const clock = new BroadcastChannel("clock-of-the-test");
    clock.postMessage(ahead);
    clock.close();
  }, ahead);
}

/** Makes randomness repeat itself: every thread that loads this draws the same bytes in the same order. */
export const REPEAT_RANDOMNESS = `{
  let state = 1;
  Crypto.prototype.getRandomValues = function (array) {
    const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
    for (let at = 0; at < bytes.length; at += 1) {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      bytes[at] = state >>> 16;
    }
    return array;
  };
}
`;
