/** Ways back: in both places, and by a passkey, which only browsers have. */

import { describe, expect } from "vitest";
import { eventually, fails } from "../src/assert.ts";
import {
  type Keyfold,
  runInChromium,
  runInNode,
  type Site,
  test,
  type Visitor,
} from "../src/harness/index.ts";
import { Tab } from "../src/tab.ts";

await runInNode("recovery");
await runInChromium("recovery");

/**
 * A tab at a name, since passkeys belong to names, with an authenticator in it. Several databases are several devices of
 * one person, among which the browser's maker syncs passkeys.
 */
async function named(visitor: Visitor, keyfold: Keyfold, site: Site, hasPrf = true): Promise<Tab> {
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
  await tab.page.goto(site.url.replace("127.0.0.1", "localhost"));
  await tab.page.evaluate(() => globalThis.ready);
  return tab;
}

/** Goes on with another device in this tab. */
async function device(tab: Tab, { url, key }: Keyfold, storage: string): Promise<void> {
  await tab.page.evaluate(
    ({ url, key, storage }) => {
      globalThis.kept["client"]?.close();
      const named = { serverURL: url, serverSignaturePublicKey: key, storage };
      globalThis.kept["client"] = new globalThis.keyfold.Client(named);
    },
    { url, key, storage },
  );
}

describe("a passkey as a way back", () => {
  test("that is synced brings a new device in, and is not enough alone", async ({
    keyfold,
    site,
    arrive,
  }) => {
    const tab = await named(await arrive(), keyfold, site);
    await device(tab, keyfold, "laptop");
    await tab.call("signup", "alice");
    const { keychainFingerprint } = await tab.call("createNewKeychain", "notes", "secretBox");
    const sealed = await tab.call("encrypt", "hello", keychainFingerprint);
    const { method, recoveryId } = await tab.ask("recovery", "passkey", { label: "my phone's maker" });
    expect(method).toBe("passkey");
    expect((await tab.ask("recovery", "status")).missing).toEqual(["onlyPasskeys", "nothingOffline"]);

    await device(tab, keyfold, "phone");
    const { methods } = await tab.ask("recovery", "start", "alice");
    expect(methods.map((one) => one.recoveryId)).toEqual([recoveryId]);
    await fails("NoHome", () => tab.call("decrypt", sealed));
    const { identity } = await tab.ask("recovery", "recover", { passkey: true }, { label: "phone" });
    expect(identity.userId).toBe("alice");
    expect(await tab.call("decrypt", sealed)).toBe("hello");
    // It takes itself away too, and is worth nothing then.
    await tab.ask("recovery", "paper");
    await tab.ask("recovery", "remove", recoveryId, { passkey: true });
    await device(tab, keyfold, "tablet");
    await tab.ask("recovery", "start", "alice");
    await fails("WrongSecret", () => tab.ask("recovery", "recover", { passkey: true }));
  });

  test("S19: without what it derives, or with another account's, nothing opens", async ({
    keyfold,
    site,
    arrive,
  }) => {
    const tab = await named(await arrive(), keyfold, site);
    await device(tab, keyfold, "alice's");
    await tab.call("signup", "alice");
    await tab.ask("recovery", "passkey");
    await device(tab, keyfold, "bob's");
    await tab.call("signup", "bob");
    await tab.ask("recovery", "passkey");

    await device(tab, keyfold, "new");
    await tab.ask("recovery", "start", "bob");
    // Whoever is given another output: of another passkey, or of this one for another account.
    await tab.page.evaluate(() => {
      const { get } = CredentialsContainer.prototype;
      CredentialsContainer.prototype.get = async function (options) {
        const prf = options?.publicKey?.extensions?.prf?.eval;
        if (prf !== undefined) prf.first = new Uint8Array(32);
        return get.call(this, options);
      };
    });
    await fails("WrongSecret", () => tab.ask("recovery", "recover", { passkey: true }));
    expect((await tab.state()).status).toBe("out");
  });

  test("whose authenticator derives no keys: PasskeyUnavailable, and there is no way back", async ({
    keyfold,
    site,
    arrive,
  }) => {
    const tab = await named(await arrive(), keyfold, site, false);
    await device(tab, keyfold, "laptop");
    await tab.call("signup", "alice");
    await fails("PasskeyUnavailable", () => tab.ask("recovery", "passkey"));
    expect((await tab.ask("recovery", "status")).methods).toEqual([]);
  });

  test("Unsupported in Node", async ({ keyfold }) => {
    const { Client } = await import("@keyfold/client");
    const client = new Client({
      serverURL: keyfold.url,
      serverSignaturePublicKey: keyfold.key,
      storage: { memory: true },
    });
    await client.signup("alice");
    await fails("Unsupported", () => client.recovery.passkey());
    client.close();
  });
});

describe("a page that is loaded anew", () => {
  test("while somebody comes back has to sign in again, and nothing is half-done", async ({
    keyfold,
    arrive,
  }) => {
    const lost = await Tab.open(await arrive(), keyfold);
    await lost.call("signup", "alice");
    const { words } = await lost.ask("recovery", "paper");
    const visitor = await arrive();
    const before = await Tab.open(visitor, keyfold);
    await before.ask("recovery", "start", "alice");
    await before.page.close();
    const found = await Tab.open(visitor, keyfold);
    await fails("NoHome", () => found.ask("recovery", "recover", { paper: words }));
    await found.ask("recovery", "start", "alice");
    await found.ask("recovery", "recover", { paper: words }, { revoke: "all" });
    expect((await found.ask("devices", "list")).map(({ isCurrent }) => isCurrent)).toEqual([true]);
    await fails("UnknownDevice", () => lost.call("sync"));
  });

  test("killed at random moments while it comes back: it is in, or can come back, and once only", async ({
    keyfold,
    arrive,
  }) => {
    const lost = await Tab.open(await arrive(), keyfold);
    await lost.call("signup", "alice");
    const { keychainFingerprint } = await lost.call("createNewKeychain", "notes", "secretBox");
    const sealed = await lost.call("encrypt", "hello", keychainFingerprint);
    const { words } = await lost.ask("recovery", "paper");
    for (let round = 0; round < 5; round += 1) {
      const visitor = await arrive();
      const before = await Tab.open(visitor, keyfold);
      await before.ask("recovery", "start", "alice");
      before.ask("recovery", "recover", { paper: words }, { label: `round ${round}` }).catch(() => undefined);
      // The moment is random on purpose.
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 500));
      await visitor.kill(before.page);
      const found = await Tab.open(visitor, keyfold);
      await eventually("it is in", async () => {
        const isIn = await found.call("login").then(
          () => true,
          () => false,
        );
        if (isIn) return true;
        try {
          await found.ask("recovery", "start", "alice");
          await found.ask("recovery", "recover", { paper: words }, { label: `round ${round}` });
          return true;
        } catch (refused) {
          // A server under load asks to be asked again.
          if ((refused as { retryable?: boolean }).retryable === true) return false;
          throw refused;
        }
      });
      expect(await found.call("decrypt", sealed)).toBe("hello");
      await eventually("it stands in the account once", async () => {
        const labels = (await found.ask("devices", "list")).map(({ label }) => label);
        return labels.filter((label) => label === `round ${round}`).length === 1;
      });
      await found.page.close();
    }
  }, 120_000);
});
