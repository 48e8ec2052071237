/** Networks and servers that fail, in both places; and those that are only slow. */

import { describe, expect } from "vitest";
import { eventually, fails } from "../src/assert.ts";
import { runAgainstLies } from "../src/evil.ts";
import { test } from "../src/harness/index.ts";
import { Tab } from "../src/tab.ts";

await runAgainstLies("network");

describe("a slow network", () => {
  test("300 ms away and 64 kB a second: everything works, and can be cancelled", async ({
    wire,
    keyfold,
    arrive,
  }) => {
    wire.set({ latency: 150, bandwidth: 64_000 });
    const tab = await Tab.open(await arrive(), { url: wire.url, key: keyfold.key });
    await tab.call("signup", "alice");
    const { keychainFingerprint } = await tab.call("createNewKeychain", "notes", "secretBox");
    await tab.call("rotateKey", keychainFingerprint);
    const code = await tab.page.evaluate(async (keychain) => {
      const cancelling = new AbortController();
      const rotating = globalThis.kept["client"].rotateKey(keychain, null, { signal: cancelling.signal });
      cancelling.abort();
      return await rotating.catch((error: { code: string }) => error.code);
    }, keychainFingerprint);
    expect(code).toBe("Cancelled");
    expect(await tab.call("decrypt", await tab.call("encrypt", "hello", keychainFingerprint))).toBe("hello");
  });

  test("a server that hangs: a call waits, others of the same tab that need no server do not wait for ever", async ({
    wire,
    keyfold,
    arrive,
  }) => {
    const tab = await Tab.open(await arrive(), { url: wire.url, key: keyfold.key });
    await tab.call("signup", "alice");
    const { keychainFingerprint } = await tab.call("createNewKeychain", "notes", "secretBox");
    wire.set({ silent: true });
    const code = await tab.page.evaluate(async () => {
      const cancelling = new AbortController();
      const asking = globalThis.kept["client"].getUserIdentity("bob", { signal: cancelling.signal });
      setTimeout(() => cancelling.abort(), 300);
      return await asking.catch((error: { code: string }) => error.code);
    });
    expect(code).toBe("Cancelled");
    wire.set({});
    wire.cut();
    expect(await tab.call("decrypt", await tab.call("encrypt", "hello", keychainFingerprint))).toBe("hello");
  });
});

describe("a browser that goes offline", () => {
  test("is offline at once, works with what it has, and catches up when it is back", async ({
    keyfold,
    arrive,
  }) => {
    const visitor = await arrive();
    const tab = await Tab.open(visitor, keyfold);
    await tab.call("signup", "alice");
    await tab.listen();
    const { keychainFingerprint } = await tab.call("createNewKeychain", "notes", "secretBox");
    await eventually("it is online", async () => (await tab.state()).sync === "online");
    await visitor.context.setOffline(true);
    await fails("ServerUnavailable", () => tab.call("getUserIdentity", "bob"));
    expect(await tab.call("decrypt", await tab.call("encrypt", "hello", keychainFingerprint))).toBe("hello");
    await visitor.context.setOffline(false);
    await eventually("it is online", async () => (await tab.state()).sync === "online");
    expect(await tab.call("getUserIdentity", "bob")).toBe(null);
  });
});
