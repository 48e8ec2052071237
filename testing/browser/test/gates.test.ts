/**
 * Gates: people come in by a certified OpenID provider, with tokens of a real flow, and by passkeys that Chromium makes
 * in an authenticator of its own. S19: what is shown there opens nothing.
 */

import { Client } from "@keyfold/client";
import { spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { describe, expect, onTestFinished } from "vitest";
import { fails } from "../src/assert.ts";
import {
  AUDIENCE,
  Keyfold,
  OTHER,
  Provider,
  type Site,
  type Visitor,
  keyfoldBinary,
  test,
} from "../src/harness/index.ts";

/** A server behind a provider, and both gone after the test. */
async function behindProvider(): Promise<{ provider: Provider; keyfold: Keyfold }> {
  const provider = await Provider.start();
  onTestFinished(() => provider.stop());
  const options = ["--gate", "oidc", "--oidc-issuer", provider.issuer, "--oidc-audience", AUDIENCE];
  const keyfold = await Keyfold.start(options);
  onTestFinished(() => keyfold.remove());
  return { provider, keyfold };
}

/** A client with storage of its own. */
function newcomer(keyfold: Keyfold): Client {
  const client = new Client({
    serverURL: keyfold.url,
    serverSignaturePublicKey: keyfold.key,
    storage: { memory: true },
  });
  onTestFinished(() => client.close());
  return client;
}

describe("behind an OpenID provider", () => {
  test("people come in as who they are there, from Node and from the command line, and share", async () => {
    const { provider, keyfold } = await behindProvider();
    const alice = newcomer(keyfold);
    await fails("GateMismatch", () => alice.signup("alice"));
    await alice.signup("alice", { token: await provider.signIn("alice") });
    const home = await mkdtemp(join(tmpdir(), "keyfold-bob-"));
    onTestFinished(() => rm(home, { recursive: true, force: true }));
    const run = (args: readonly string[], input = ""): Record<string, unknown> => {
      const said = spawnSync(keyfoldBinary(), ["--home", home, "--json", ...args], {
        input,
        encoding: "utf8",
      });
      return JSON.parse(said.stdout || said.stderr);
    };
    const signup = ["signup", "bob", "--server", keyfold.url, "--server-key", keyfold.key];
    expect(run(signup)).toMatchObject({ error: { code: "GateMismatch" } });
    const token = `${await provider.signIn("bob")}\n`;
    expect(run([...signup, "--token", "-"], token)).toMatchObject({ userId: "bob", loggedIn: true });
    const { keychainFingerprint, keyFingerprint } = await alice.createNewKeychain("notes");
    await alice.shareKey(keychainFingerprint, keyFingerprint, { userId: "bob" });
    run(["sync"]);
    expect(run(["keychain", "list"])).toMatchObject([{ purpose: "notes" }]);
  });

  test("S19: a token takes no other user id, and shows no account's keys to who has no device", async () => {
    const { provider, keyfold } = await behindProvider();
    const alice = newcomer(keyfold);
    await alice.signup("alice", { token: await provider.signIn("alice") });
    // The same refusal for a name that is taken and one that is free.
    const mallory = newcomer(keyfold);
    const token = await provider.signIn("mallory");
    const taken = await fails("NotAllowed", () => mallory.signup("alice", { token }));
    const free = await fails("NotAllowed", () => mallory.signup("aimee", { token }));
    expect(taken.message).toBe(free.message);
    // Whoever signs in as alice without a device of hers: the provider itself, say.
    const thief = newcomer(keyfold);
    const stolen = await provider.signIn("alice");
    await fails("UserTaken", () => thief.signup("alice", { token: stolen }));
    await fails("NoHome", () => thief.login("alice"));
    expect(thief.keys).toEqual({});
    await alice.createNewKeychain("still hers");
  });

  test("S19: whoever took the account at the provider over asks to be let in, and meanwhile opens nothing", async () => {
    const { provider, keyfold } = await behindProvider();
    const alice = newcomer(keyfold);
    await alice.signup("alice", { token: await provider.signIn("alice") });
    const { keychainFingerprint } = await alice.createNewKeychain("notes");
    const sealed = await alice.encrypt("hello", keychainFingerprint);
    const { words } = await alice.recovery.paper();

    const thief = newcomer(keyfold);
    await fails("GateMismatch", () => thief.devices.request("alice"));
    const stolen = await provider.signIn("alice");
    const asked = await thief.devices.request("alice", { token: stolen, label: "phone" });
    expect([thief.state.status, thief.keys]).toEqual(["out", {}]);
    await fails("NoHome", () => thief.decrypt(sealed));
    await fails("NoHome", () => thief.devices.approve(asked.code));
    await fails("NoHome", () => thief.devices.list());
    // She sees who asks, and that she is not it.
    const [request] = await alice.devices.requests();
    expect(request).toMatchObject({ deviceId: asked.deviceId, label: "phone" });
    await alice.devices.decline(asked.deviceId);
    await fails("UnknownEnrolment", () => thief.devices.approval());

    // The ways back are shown to him, for their owner needs to know them; none opens by having signed in.
    const started = await thief.recovery.start("alice", { token: stolen });
    expect(started.methods.map(({ method, label }) => [method, label])).toEqual([["paper", null]]);
    await fails("NoRecovery", () => thief.recovery.recover({ password: "a guess of his" }));
    const guess = Array.from({ length: 24 }, () => "zoo").join(" ");
    await fails("WrongWords", () => thief.recovery.recover({ paper: guess }));
    expect([thief.state.status, thief.keys]).toEqual(["out", {}]);
    expect((await alice.devices.list()).map(({ isCurrent }) => isCurrent)).toEqual([true]);
    // She herself comes back the same way, with what she kept.
    await thief.recovery.recover({ paper: words });
    expect(await thief.decrypt(sealed)).toBe("hello");
  });

  test("S26: a stranger who asks or comes back learns nothing of who has an account", async () => {
    const { provider, keyfold } = await behindProvider();
    const alice = newcomer(keyfold);
    await alice.signup("alice", { token: await provider.signIn("alice") });
    await alice.recovery.paper();
    const mallory = newcomer(keyfold);
    const token = await provider.signIn("mallory");
    for (const ask of [
      (userId: string) => mallory.devices.request(userId, { token }),
      (userId: string) => mallory.recovery.start(userId, { token }),
    ]) {
      const [taken, free] = [
        await fails("NotAllowed", () => ask("alice")),
        await fails("NotAllowed", () => ask("aimee")),
      ];
      expect(taken.message.replaceAll("alice", "aimee")).toBe(free.message);
    }
    expect(await alice.devices.requests()).toEqual([]);
  });

  test("a token that is expired, ahead, for another, edited, unsigned or of another issuer lets nobody in", async () => {
    const { provider, keyfold } = await behindProvider();
    const elsewhere = await Provider.start();
    onTestFinished(() => elsewhere.stop());
    const good = await provider.signIn("alice");
    const [head = "", body = "", signature = ""] = good.split(".");
    const claims = JSON.parse(Buffer.from(body, "base64url").toString()) as Record<string, unknown>;
    const now = Math.floor(Date.now() / 1_000);
    const encoded = (part: object): string => Buffer.from(JSON.stringify(part)).toString("base64url");
    const hour = 3_600;
    const bad: Record<string, [code: string, token: string]> = {
      expired: ["SignInExpired", provider.sign({ ...claims, iat: now - 2 * hour, exp: now - hour })],
      "by a clock an hour ahead": [
        "SignInRefused",
        provider.sign({ ...claims, iat: now + hour, exp: now + 2 * hour }),
      ],
      "for another application": ["SignInRefused", await provider.signIn("alice", OTHER)],
      "of another issuer": ["SignInRefused", await elsewhere.signIn("alice")],
      "of another issuer in this one's name": [
        "SignInRefused",
        elsewhere.sign({ ...claims, iss: provider.issuer }),
      ],
      edited: ["SignInRefused", `${head}.${encoded({ ...claims, sub: "bob" })}.${signature}`],
      unsigned: ["SignInRefused", `${encoded({ alg: "none", kid: "one" })}.${body}.`],
      none: ["SignInRefused", "a token"],
    };
    const alice = newcomer(keyfold);
    for (const [what, [code, token]] of Object.entries(bad)) {
      await fails(code, () => alice.signup("alice", { token })).catch((cause: unknown) => {
        throw new Error(`a token ${what}`, { cause });
      });
    }
    // And none of it is in the way of who has a good one.
    await alice.signup("alice", { token: good });
  });

  test("with the provider down nobody new comes in, who is in goes on, and it mends itself", async () => {
    const { provider, keyfold } = await behindProvider();
    const [alice, bob] = [newcomer(keyfold), newcomer(keyfold)];
    await alice.signup("alice", { token: await provider.signIn("alice") });
    const token = await provider.signIn("bob");
    await provider.stop();
    // Keys that a server has had from the provider are good for a while; one that has just been started has none.
    await keyfold.restart();
    const refused = await fails("GateUnavailable", () => bob.signup("bob", { token }));
    expect(refused).toMatchObject({ retryable: true });
    await alice.logout();
    await alice.login();
    await alice.createNewKeychain("notes");
    await provider.startAgain();
    await keyfold.restart();
    await bob.signup("bob", { token });
    expect(await alice.getUserIdentity("bob")).not.toBeNull();
  });
});

/** A page that has passkeys: no browser has them for an address in numbers. */
function named(site: Site): string {
  return site.url.replace("127.0.0.1", "localhost");
}

async function behindPasskeys(site: Site): Promise<Keyfold> {
  const keyfold = await Keyfold.start(["--gate", "passkey", "--passkey-origin", named(site)]);
  onTestFinished(() => keyfold.remove());
  return keyfold;
}

/** A page with an authenticator in it, which says yes at once, or cannot verify its person. */
async function withAuthenticator(visitor: Visitor, url: string, isUserVerified = true): Promise<Page> {
  const page = await visitor.context.newPage();
  await page.goto(url);
  await page.evaluate(() => globalThis.ready);
  const devtools = await visitor.devtools(page);
  await devtools.send("WebAuthn.enable");
  await devtools.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      transport: "internal",
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified,
      automaticPresenceSimulation: true,
    },
  });
  return page;
}

/** What signing up in the page comes to. */
async function signUp(page: Page, { url, key }: Keyfold, userId: string): Promise<string> {
  return await page.evaluate(
    async ({ url, key, userId }) => {
      const client = new globalThis.keyfold.Client({
        serverURL: url,
        serverSignaturePublicKey: key,
        storage: userId,
      });
      try {
        const identity = await client.signup(userId);
        await client.createNewKeychain("notes");
        return `in as ${identity.userId}`;
      } catch (error) {
        return (error as { code: string }).code;
      } finally {
        client.close();
      }
    },
    { url, key, userId },
  );
}

describe("behind passkeys", () => {
  test("a page signs up by a passkey that the browser makes, and a name is its passkey's", async ({
    site,
    arrive,
  }) => {
    const keyfold = await behindPasskeys(site);
    const visitor = await arrive();
    const page = await withAuthenticator(visitor, named(site));
    expect(await signUp(page, keyfold, "alice")).toBe("in as alice");
    expect(await signUp(page, keyfold, "bob")).toBe("in as bob");
    const stranger = await withAuthenticator(await arrive(), named(site));
    expect(await signUp(stranger, keyfold, "alice")).toBe("UserTaken");
    expect(await signUp(stranger, keyfold, "carol")).toBe("in as carol");
  });

  test("a further device shows the passkey to ask, and is let in by the first one alone", async ({
    site,
    arrive,
  }) => {
    const keyfold = await behindPasskeys(site);
    const page = await withAuthenticator(await arrive(), named(site));
    const outcome = await page.evaluate(
      async ({ url, key }) => {
        const client = (storage: string): Client =>
          new globalThis.keyfold.Client({ serverURL: url, serverSignaturePublicKey: key, storage });
        const [laptop, phone] = [client("laptop"), client("phone")];
        await laptop.signup("alice");
        const { keychainFingerprint } = await laptop.createNewKeychain("notes");
        const sealed = await laptop.encrypt("hello", keychainFingerprint);
        const asked = await phone.devices.request("alice");
        const refused = await phone.decrypt(sealed).catch((error: { code: string }) => error.code);
        const [request] = await laptop.devices.requests();
        await laptop.devices.approve(asked.deviceId);
        await phone.devices.approval();
        const opened = await phone.decrypt(sealed);
        const { words } = await laptop.recovery.paper();
        const found = client("found");
        await found.recovery.start("alice");
        await found.recovery.recover({ paper: words }, { revoke: "all" });
        const after = await found.decrypt(sealed);
        for (const one of [laptop, phone, found]) one.close();
        return { refused, sameWords: request?.words === asked.words, opened, after };
      },
      { url: keyfold.url, key: keyfold.key },
    );
    expect(outcome).toEqual({ refused: "NoHome", sameWords: true, opened: "hello", after: "hello" });
  });

  test("whoever has no passkey, or declines, is told so, and may try again", async ({ site, arrive }) => {
    const keyfold = await behindPasskeys(site);
    await fails("GateMismatch", () => newcomer(keyfold).signup("alice"));
    await fails("GateMismatch", () => newcomer(keyfold).signup("alice", { token: "a token" }));
    const visitor = await arrive();
    const declining = await withAuthenticator(visitor, named(site), false);
    expect(await signUp(declining, keyfold, "alice")).toBe("Cancelled");
    // A page of another origin, where this server's passkeys cannot be had.
    const elsewhere = await withAuthenticator(visitor, site.url);
    expect(await signUp(elsewhere, keyfold, "alice")).toBe("NotAllowed");
    const page = await withAuthenticator(await arrive(), named(site));
    expect(await signUp(page, keyfold, "alice")).toBe("in as alice");
  });
});
