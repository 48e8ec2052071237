/** What may be wrong around the client: the WebAssembly blocked, missing, another's or stopped, the worker dead. */

import { Client } from "@keyfold/client";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect } from "vitest";
import { eventually, fails } from "../src/assert.ts";
import { clientDist, STRICT_POLICY, test } from "../src/harness/index.ts";
import { Tab } from "../src/tab.ts";

const WASM = "/client/keyfold_bg.wasm";

describe("WebAssembly", () => {
  test("blocked by the Content Security Policy: WasmUnavailable says what to allow", async ({
    keyfold,
    site,
    arrive,
  }) => {
    site.policy = STRICT_POLICY.replace(" 'wasm-unsafe-eval'", "");
    const visitor = await arrive();
    visitor.expect(/Content Security Policy/);
    const tab = await Tab.open(visitor, keyfold);
    const error = await fails("WasmUnavailable", () => tab.call("signup", "alice"));
    expect(error).toHaveProperty("hint", expect.stringContaining("'wasm-unsafe-eval'"));
  });

  test("missing: WasmUnavailable says where it was looked for, and the next call looks again", async ({
    keyfold,
    site,
    arrive,
  }) => {
    site.fault(WASM, { status: 404 });
    const visitor = await arrive();
    visitor.expect(/404/);
    const tab = await Tab.open(visitor, keyfold);
    const error = await fails("WasmUnavailable", () => tab.call("signup", "alice"));
    expect(error.message).toContain(`${site.url}${WASM}`);
    site.fault(WASM, undefined);
    await tab.call("signup", "alice");
  });

  for (const [what, fault] of Object.entries({
    "a page, as single-page servers answer": { body: "<!doctype html>", type: "text/html" },
    "other bytes": { body: "not WebAssembly", type: "application/wasm" },
    nothing: { body: "", type: "application/wasm" },
  })) {
    test(`${what} in its place: WasmUnavailable`, async ({ keyfold, site, arrive }) => {
      site.fault(WASM, fault);
      const tab = await Tab.open(await arrive(), keyfold);
      await fails("WasmUnavailable", () => tab.call("signup", "alice"));
    });
  }

  test("of another version: VersionMismatch", async ({ keyfold, site, arrive }) => {
    const wasm = await readFile(join(clientDist, "keyfold_bg.wasm"));
    const { version } = JSON.parse(await readFile(join(clientDist, "../package.json"), "utf8")) as {
      version: string;
    };
    const other = version.replace(/^\d/, "9");
    let found = 0;
    for (let at = wasm.indexOf(version); at >= 0; at = wasm.indexOf(version, at + 1)) {
      wasm.write(other, at, "latin1");
      found += 1;
    }
    expect(found).toBeGreaterThan(0);
    site.fault(WASM, { body: wasm, type: "application/wasm" });
    const tab = await Tab.open(await arrive(), keyfold);
    const error = await fails("VersionMismatch", () => tab.call("signup", "alice"));
    expect(error.message).toContain(other);
  });

  test("of a server that does not know the media type, and slow: it works", async ({
    keyfold,
    site,
    arrive,
  }) => {
    site.fault(WASM, { type: "application/octet-stream", delay: 500 });
    const tab = await Tab.open(await arrive(), keyfold);
    await tab.call("signup", "alice");
  });
});

describe("the worker", () => {
  test("missing: WorkerStopped says what to do", async ({ keyfold, site, arrive }) => {
    site.fault("/client/worker.js", { status: 404 });
    const visitor = await arrive();
    visitor.expect(/404/);
    const tab = await Tab.open(visitor, keyfold);
    const error = await fails("WorkerStopped", () => tab.call("signup", "alice"));
    expect(error).toHaveProperty("hint", expect.stringContaining("worker.js"));
  });

  test("blocked by the Content Security Policy: WorkerStopped says what to allow", async ({
    keyfold,
    site,
    arrive,
  }) => {
    site.policy = STRICT_POLICY.replace("worker-src 'self'", "worker-src 'none'");
    const visitor = await arrive();
    visitor.expect(/Content Security Policy/);
    const tab = await Tab.open(visitor, keyfold);
    const error = await fails("WorkerStopped", () => tab.call("signup", "alice"));
    expect(error).toHaveProperty("hint", expect.stringContaining("worker-src"));
  });

  test("dies: calls under way fail with WorkerStopped, and the next one starts another", async ({
    keyfold,
    arrive,
  }) => {
    const tab = await Tab.open(await arrive(), keyfold);
    await tab.call("signup", "alice");
    const { keychainFingerprint } = await tab.call("createNewKeychain", "notes", "secretBox");
    const text = await tab.call("encrypt", "kept", keychainFingerprint);
    for (let round = 0; round < 3; round += 1) {
      const [worker] = tab.page.workers();
      if (worker === undefined) throw new Error("there is no worker");
      const gone = new Promise((resolve) => worker.once("close", resolve));
      const calls = Promise.allSettled([
        tab.call("rotateKey", keychainFingerprint),
        tab.call("createNewKeychain", `round ${round}`, "secretBox"),
      ]);
      // Ends it from within, as no event tells: `close` discards what the worker still had to do.
      worker.evaluate(() => globalThis.close()).catch(() => undefined);
      await gone;
      for (const outcome of await calls) {
        if (outcome.status === "rejected")
          expect(outcome.reason).toMatchObject({ code: "WorkerStopped", retryable: true });
      }
      expect(await tab.call("decrypt", text)).toBe("kept");
    }
    // Nothing was half-done: every key that is listed encrypts and decrypts.
    for (const keychain of (await tab.state()).keychains) {
      const sealed = await tab.call("encrypt", "whole", keychain.keychainFingerprint);
      expect(await tab.call("decrypt", sealed)).toBe("whole");
    }
  });

  test("dies while somebody only listens: another one follows", async ({ keyfold, arrive }) => {
    const visitor = await arrive();
    const tab = await Tab.open(visitor, keyfold);
    await tab.call("signup", "alice");
    await tab.listen();
    const online = async (): Promise<boolean> => (await tab.state()).sync === "online";
    await eventually("it is online", online);
    await tab.page
      .workers()[0]
      ?.evaluate(() => globalThis.close())
      .catch(() => undefined);
    await eventually("it is offline", async () => !(await online()));
    await eventually("it is online again", online);
  });
});

/** Without randomness the module traps, as it does without memory. Stays so until `mend`, in this thread. */
const breakRandomness = (): void => {
  const draw = Crypto.prototype.getRandomValues;
  Object.assign(globalThis, { mend: () => (Crypto.prototype.getRandomValues = draw) });
  Crypto.prototype.getRandomValues = () => {
    throw new Error("there is no randomness");
  };
};
const mend = (): void => (globalThis as unknown as { mend(): void }).mend();

/** All calls under way failed alike, and say that they may be made again. */
async function expectStopped(calls: readonly Promise<unknown>[]): Promise<void> {
  for (const outcome of await Promise.allSettled(calls)) {
    expect(outcome).toMatchObject({
      status: "rejected",
      reason: { code: "WorkerStopped", retryable: true },
    });
  }
}

describe("the WebAssembly traps in the middle of a call: all under way fail, and the next one works", () => {
  for (const worker of [true, false]) {
    test(worker ? "in a worker" : "in the page", async ({ keyfold, arrive }) => {
      const tab = await Tab.open(await arrive(), keyfold, { worker });
      await tab.call("signup", "alice");
      await tab.listen();
      const online = async (): Promise<boolean> => (await tab.state()).sync === "online";
      const { keychainFingerprint } = await tab.call("createNewKeychain", "notes", "secretBox");
      const text = await tab.call("encrypt", "kept", keychainFingerprint);
      for (let round = 0; round < 2; round += 1) {
        await eventually("it is online", online);
        if (worker) await tab.page.workers()[0]?.evaluate(breakRandomness);
        else await tab.page.evaluate(breakRandomness);
        await expectStopped([tab.call("encrypt", "lost", keychainFingerprint)]);
        // Another worker has its own.
        if (!worker) await tab.page.evaluate(mend);
        expect(await tab.call("decrypt", text)).toBe("kept");
        expect(await tab.call("decrypt", await tab.call("encrypt", "new", keychainFingerprint))).toBe("new");
      }
      await eventually("it is online again", online);
    });
  }

  test("in Node, for all clients of the process", async ({ keyfold, onTestFinished }) => {
    const folder = await mkdtemp(join(tmpdir(), "keyfold-trap-"));
    const people = ["alice", "bob"].map(
      (name) =>
        new Client({
          serverURL: keyfold.url,
          serverSignaturePublicKey: keyfold.key,
          storage: join(folder, name),
        }),
    );
    onTestFinished(async () => {
      for (const person of people) person.close();
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    });
    const [alice, bob] = people as [Client, Client];
    await Promise.all([alice.signup("alice"), bob.signup("bob")]);
    const { keychainFingerprint } = await alice.createNewKeychain("notes", "secretBox");
    const text = await alice.encrypt("kept", keychainFingerprint);
    for (let round = 0; round < 2; round += 1) {
      breakRandomness();
      try {
        await expectStopped([
          alice.encrypt("lost", keychainFingerprint),
          alice.rotateKey(keychainFingerprint),
          bob.createNewKeychain("lost", "secretBox"),
        ]);
      } finally {
        mend();
      }
      expect(await alice.decrypt(text)).toBe("kept");
      expect(await alice.decrypt(await alice.encrypt("new", keychainFingerprint))).toBe("new");
      await bob.createNewKeychain("new", "secretBox");
    }
  });
});
