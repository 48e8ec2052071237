/**
 * S24: what rests in a browser, and what crosses to the page. The worker tells the test all randomness that was drawn
 * in it, every secret among it; none of it may be found afterwards.
 *
 * A heap snapshot holds the page's strings, and not the bytes of its buffers; so what crosses the worker's border is
 * looked through as well, bytes and all.
 */

import type { Page } from "playwright-core";
import { describe, expect } from "vitest";
import { eventually } from "../src/assert.ts";
import { test } from "../src/harness/index.ts";
import { WATCH_CRYPTO, collect, prepare } from "../src/recorder.ts";
import { stored } from "../src/stored.ts";
import { Tab } from "../src/tab.ts";

const PLAINTEXT = "the plaintext of a value, which nobody else may read";
const PURPOSE = "a purpose that only members know";

/** All randomness of at least 32 bytes that workers drew, hexadecimal: seeds, keys, salts, whatever they became. */
async function drawn(page: Page): Promise<() => Promise<string[]>> {
  const all = await collect(page, "drawn");
  return async () => (await all()).filter((hex) => hex.length >= 64);
}

/** The forms in which bytes may be written. */
function forms(hex: string): string[] {
  const bytes = Buffer.from(hex, "hex");
  return [
    hex,
    bytes.toString("base64"),
    bytes.toString("base64url"),
    [...bytes].join(","),
    bytes.toString("latin1"),
  ];
}

/** A salt stands in front of each sealed record, and is no secret: docs of the store say so. */
const SALT_DIGITS = 64;

describe("S24 storage at rest", () => {
  test("nothing in clear while logged in, nothing at all after log-out, and no way to read the key", async ({
    keyfold,
    site,
    arrive,
  }) => {
    await prepare(site, WATCH_CRYPTO);
    const visitor = await arrive();
    const observer = await visitor.tab();
    const randomness = await drawn(observer);
    const tab = await Tab.open(visitor, keyfold);
    await tab.call("signup", "alice");
    const { keychainFingerprint } = await tab.call("createNewKeychain", PURPOSE, "secretBox");
    const text = await tab.call("encrypt", PLAINTEXT, keychainFingerprint);
    expect(await tab.call("decrypt", text)).toBe(PLAINTEXT);
    await tab.call("rotateKey", keychainFingerprint);

    for (const moment of ["while logged in", "after log-out", "after the device was removed"]) {
      if (moment === "after log-out") await tab.call("logout");
      if (moment === "after the device was removed") {
        await tab.call("login", "alice");
        await tab.call("logout", { forget: true });
      }
      const secrets = await eventually("the worker's randomness was heard", async () => {
        const all = await randomness();
        return all.length > 5 && all;
      });
      const found = await stored(observer);
      expect(found.length, moment).toBeGreaterThan(0);
      expect(
        found.filter((one) => one.startsWith("CryptoKey")),
        moment,
      ).toEqual(["CryptoKey sealed"]);
      const everything = found
        .map((one) => (/^[0-9a-f]{96,}$/.test(one) ? one.slice(SALT_DIGITS) : one))
        .join("\n");
      for (const clear of [
        PLAINTEXT,
        PURPOSE,
        Buffer.from(PLAINTEXT).toString("hex"),
        Buffer.from(PURPOSE).toString("hex"),
      ]) {
        expect(everything.includes(clear), `${clear} ${moment}`).toBe(false);
      }
      const leaks = secrets.filter((secret) => forms(secret).some((form) => everything.includes(form)));
      expect(leaks, moment).toEqual([]);
      // Halves of them neither: a seed must not be stored in two parts.
      const halves = secrets.filter(
        (secret) => everything.includes(secret.slice(0, 32)) || everything.includes(secret.slice(32, 64)),
      );
      expect(halves, moment).toEqual([]);
    }
  });

  test("localStorage holds who has a device here, and nothing else", async ({ keyfold, arrive }) => {
    const tab = await Tab.open(await arrive(), keyfold);
    await tab.call("signup", "alice");
    await tab.call("createNewKeychain", PURPOSE, "secretBox");
    const kept = (): Promise<object> => tab.page.evaluate(() => ({ ...localStorage, ...sessionStorage }));
    expect(await kept()).toEqual({ "keyfold:keyfold": '["alice"]' });
    await tab.call("logout", { forget: true });
    expect(await kept()).toEqual({});
  });

  test("no secret crosses to the page's thread, and none is in its heap", async ({
    keyfold,
    site,
    arrive,
  }) => {
    await prepare(site, WATCH_CRYPTO);
    const visitor = await arrive();
    // Looks through everything that a worker posts, before the page sees it.
    await visitor.context.addInitScript(() => {
      const crossed: string[] = [];
      Object.assign(globalThis, { crossed });
      const note = (value: unknown): void => {
        if (value instanceof ArrayBuffer) value = new Uint8Array(value);
        if (ArrayBuffer.isView(value)) {
          const bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
          crossed.push(Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(""));
        } else if (typeof value === "object" && value !== null)
          for (const entry of Object.entries(value)) entry.forEach(note);
        else crossed.push(String(value));
      };
      const Original = globalThis.Worker;
      globalThis.Worker = class extends Original {
        constructor(...args: ConstructorParameters<typeof Worker>) {
          super(...args);
          this.addEventListener("message", ({ data }) => note(data));
        }
      };
    });
    const observer = await visitor.tab();
    const randomness = await drawn(observer);
    const tab = await Tab.open(visitor, keyfold);
    await tab.listen();
    await tab.call("signup", "alice");
    const { keychainFingerprint } = await tab.call("createNewKeychain", PURPOSE, "secretBox");
    const text = await tab.call("encrypt", PLAINTEXT, keychainFingerprint);
    await tab.call("decrypt", text);
    await tab.call("rotateKey", keychainFingerprint);
    const signature = await tab.call("sign", "item");
    expect(signature).not.toBe("");
    const secrets = await eventually("the worker's randomness was heard", async () => {
      const all = await randomness();
      return all.length > 5 && all;
    });
    const crossed = await tab.page.evaluate(() => (globalThis as unknown as { crossed: string[] }).crossed);
    // The check would see it: what was asked for did cross.
    expect(crossed).toContain(PLAINTEXT);
    const everything = crossed.join("\n");
    expect(secrets.filter((secret) => forms(secret).some((form) => everything.includes(form)))).toEqual([]);

    const devtools = await visitor.devtools(tab.page);
    const chunks: string[] = [];
    devtools.on("HeapProfiler.addHeapSnapshotChunk", ({ chunk }) => chunks.push(chunk));
    await devtools.send("HeapProfiler.takeHeapSnapshot", { reportProgress: false });
    const heap = chunks.join("");
    expect(heap.includes(keychainFingerprint), "the snapshot holds the page's strings").toBe(true);
    expect(
      secrets.filter((secret) =>
        forms(secret)
          .slice(0, 4)
          .some((form) => heap.includes(form)),
      ),
    ).toEqual([]);
  });
});
