/** What callers do wrongly: every call answers with a typed error, and nothing is sent or changed. */

import type { Client } from "@keyfold/client";
import { equal, fails, ok } from "../src/assert.ts";
import type { Scenarios } from "../src/scenario.ts";
import { next } from "./events.ts";
import { scenario } from "./world.ts";

/** What JavaScript callers pass where a text is meant. */
const NO_TEXTS: readonly unknown[] = [undefined, null, 7, true, {}, [], "", new Uint8Array(3), Symbol("s")];
/** A fingerprint that nothing has. */
const NOBODYS = "A".repeat(43);

/** A client whose arguments TypeScript does not check, as in an application without it. */
type Untyped = Record<string, (...args: unknown[]) => unknown>;
const untyped = (client: Client): Untyped => client as unknown as Untyped;

/** The calls by name, each with one argument in question and the others right. */
function calls(client: Client, keychain: string, key: string): Record<string, (wrong: unknown) => unknown> {
  const call = untyped(client);
  const bob = { userId: "bob" };
  return {
    signup: (wrong) => call["signup"]?.(wrong),
    "createNewKeychain, purpose": (wrong) => call["createNewKeychain"]?.(wrong, "secretBox"),
    "rotateKey, keychain": (wrong) => call["rotateKey"]?.(wrong),
    getUserIdentity: (wrong) => call["getUserIdentity"]?.(wrong),
    "getUsersIdentities, one": (wrong) => call["getUsersIdentities"]?.(["bob", wrong]),
    "shareMostRecentKey, keychain": (wrong) => call["shareMostRecentKey"]?.(wrong, bob),
    "shareMostRecentKey, user id": (wrong) => call["shareMostRecentKey"]?.(keychain, { userId: wrong }),
    "shareCompleteKeychain, keychain": (wrong) => call["shareCompleteKeychain"]?.(wrong, bob),
    "shareKey, keychain": (wrong) => call["shareKey"]?.(wrong, key, bob),
    "shareKey, key": (wrong) => call["shareKey"]?.(keychain, wrong, bob),
    "deleteOutgoingSharedKey, user id": (wrong) => call["deleteOutgoingSharedKey"]?.(wrong, key),
    "deleteOutgoingSharedKey, key": (wrong) => call["deleteOutgoingSharedKey"]?.("bob", wrong),
    "getParticipants, keychain": (wrong) => call["getParticipants"]?.(wrong, key),
    "getPermissions, keychain": (wrong) => call["getPermissions"]?.(wrong),
    "setPermissions, user id": (wrong) => call["setPermissions"]?.(wrong, keychain, { allowSharing: true }),
    "setPermissions, keychain": (wrong) => call["setPermissions"]?.("bob", wrong, { allowSharing: true }),
    "banUser, user id": (wrong) => call["banUser"]?.(wrong, keychain),
    "banUser, keychain": (wrong) => call["banUser"]?.("bob", wrong),
    "encrypt, keychain": (wrong) => call["encrypt"]?.("value", wrong),
    decrypt: (wrong) => call["decrypt"]?.(wrong),
    "encryptFile, keychain": (wrong) => call["encryptFile"]?.(new File([], "f"), wrong),
    "verifySignature, signature": (wrong) => call["verifySignature"]?.(wrong, NOBODYS, "item"),
  };
}

export const scenarios: Scenarios = {
  "arguments that are no texts are Malformed": scenario(async (world) => {
    const alice = await world.person("alice");
    const { keychainFingerprint, keyFingerprint } = await alice.createNewKeychain("notes", "secretBox");
    for (const [call, run] of Object.entries(calls(alice, keychainFingerprint, keyFingerprint))) {
      for (const wrong of NO_TEXTS) {
        // A keychain may be named in a list where several are taken.
        if (call === "encryptFile, keychain" && Array.isArray(wrong)) continue;
        const error = await Promise.resolve()
          .then(() => run(wrong))
          .then(
            (value) => `an answer: ${JSON.stringify(value)}`,
            (error: unknown) => String((error as { code?: unknown }).code ?? error),
          );
        equal(
          error,
          "Malformed",
          `${call} with ${typeof wrong === "symbol" ? "a symbol" : JSON.stringify(wrong)}`,
        );
      }
    }
    equal(alice.state.keychains.length, 1, "keychains afterwards");
  }),

  "arguments of other types are Malformed": scenario(async (world) => {
    const alice = await world.person("alice");
    const { keychainFingerprint: keychain } = await alice.createNewKeychain("notes", "secretBox");
    const call = untyped(alice);
    const wrong: readonly (() => unknown)[] = [
      () => call["createNewKeychain"]?.("notes", "rot13"),
      () => call["getUsersIdentities"]?.("bob"),
      () => call["getUsersIdentities"]?.(),
      () => call["shareMostRecentKey"]?.(keychain, null),
      () => call["shareMostRecentKey"]?.(keychain, "bob"),
      () => call["shareMostRecentKey"]?.(keychain, []),
      () =>
        call["shareMostRecentKey"]?.(keychain, { userId: "bob" }, { permissions: { allowEverything: true } }),
      () =>
        call["shareMostRecentKey"]?.(keychain, { userId: "bob" }, { permissions: { allowSharing: "yes" } }),
      () => call["shareMostRecentKey"]?.(keychain, { userId: "bob" }, { expiresAt: 7 }),
      () => call["setPermissions"]?.("bob", keychain, null),
      () => call["setPermissions"]?.("bob", keychain, { allowDeleting: true }),
      () => call["setPermissions"]?.("bob", keychain, { allowDeletion: 1 }),
      () => call["encrypt"]?.("value", keychain, 7),
      () => call["encryptFile"]?.("contents", keychain),
      () => call["decryptFile"]?.(new Uint8Array(100)),
      () => call["decryptFileRange"]?.(new Blob([]), { start: 5, end: 2 }),
      () => call["decryptFileRange"]?.(new Blob([]), { start: -1, end: 2 }),
      () => call["sign"]?.(7),
      () => call["on"]?.("keyRecieved", () => undefined),
      () => call["on"]?.("keyReceived"),
      () => call["subscribe"]?.(7),
    ];
    for (const run of wrong) {
      const error = await Promise.resolve()
        .then(run)
        .then(
          () => "an answer",
          (error: unknown) => String((error as { code?: unknown }).code ?? error),
        );
      equal(error, "Malformed", String(run));
    }
  }),

  "names that are too long, not normal, or have control characters": scenario(async (world) => {
    const alice = await world.person("alice");
    const stranger = world.client("stranger");
    await fails("TooLarge", () => stranger.signup("a".repeat(129)));
    await fails("TooLarge", () => alice.createNewKeychain("a".repeat(257), "secretBox"));
    await fails("TooLarge", () => alice.createNewKeychain("ä".repeat(129), "secretBox"));
    for (const name of ["a\nb", "a\u0000", "\u007f", "Zu\u0308rich"]) {
      await fails("BadText", () => stranger.signup(name));
      await fails("BadText", () => alice.createNewKeychain(name, "secretBox"));
    }
    equal(alice.state.keychains, [], "keychains");
    await alice.createNewKeychain("ä".repeat(128), "secretBox");
    await stranger.signup("ü".repeat(64));
  }),

  "people, keychains and keys that do not exist": scenario(async (world) => {
    const alice = await world.person("alice");
    const { keychainFingerprint: keychain, keyFingerprint } = await alice.createNewKeychain(
      "notes",
      "secretBox",
    );
    const nobody = { userId: "nobody" };
    await fails("UnknownUser", () => alice.shareMostRecentKey(keychain, nobody));
    await fails("UnknownUser", () => alice.setPermissions("nobody", keychain, { allowSharing: true }));
    await fails("UnknownUser", () => alice.banUser("nobody", keychain));
    await fails("UnknownUser", () => alice.deleteOutgoingSharedKey("nobody", keyFingerprint));
    await world.person("bob");
    for (const missing of [NOBODYS, "no purpose of mine"]) {
      await fails("UnknownKeychain", () => alice.rotateKey(missing));
      await fails("UnknownKeychain", () => alice.encrypt("value", missing));
      await fails("UnknownKeychain", () => alice.getParticipants(missing, keyFingerprint));
      await fails("UnknownKeychain", () => alice.getPermissions(missing));
      await fails("UnknownKeychain", () => alice.shareMostRecentKey(missing, { userId: "bob" }));
      await fails("UnknownKeychain", () => alice.banUser("bob", missing));
      await fails("UnknownKeychain", () => alice.encryptFile(new File([], "f"), missing));
    }
    await fails("UnknownKey", () => alice.shareKey(keychain, NOBODYS, { userId: "bob" }));
    await fails("UnknownKey", () => alice.getParticipants(keychain, NOBODYS));
  }),

  "somebody else's keychain does not exist for a stranger": scenario(async (world) => {
    const [alice, bob] = [await world.person("alice"), await world.person("bob")];
    const { keychainFingerprint: keychain } = await alice.createNewKeychain("notes", "secretBox");
    const text = await alice.encrypt("secret", keychain);
    await fails("UnknownKeychain", () => bob.getParticipants(keychain));
    await fails("UnknownKeychain", () => bob.encrypt("mine", keychain));
    await fails("NoSlot", () => bob.decrypt(text));
  }),

  "what one may not do is refused by its rule, and changes nothing": scenario(async (world) => {
    const [alice, bob] = [await world.person("alice"), await world.person("bob")];
    await world.person("carol");
    const { keychainFingerprint: keychain, keyFingerprint } = await alice.createNewKeychain(
      "notes",
      "secretBox",
    );
    const received = next(bob, "keyReceived");
    await alice.shareMostRecentKey(keychain, { userId: "bob" });
    await received;
    await fails("SharingNotAllowed", () => bob.shareMostRecentKey(keychain, { userId: "carol" }));
    await fails("RotationNotAllowed", () => bob.rotateKey(keychain));
    await fails("DeletionNotAllowed", () => bob.banUser("alice", keychain));
    await fails("ManagementNotAllowed", () => bob.setPermissions("bob", keychain, { allowRotation: true }));
    await fails("OwnerProtected", () => alice.setPermissions("alice", keychain, { allowRotation: false }));
    await fails("LastOwner", () => alice.banUser("alice", keychain));
    await fails("NoSuchMember", () => alice.setPermissions("carol", keychain, { allowSharing: true }));
    equal(alice.findKeyByKeychainFingerprint(keychain)?.keyFingerprint, keyFingerprint, "the current key");
    equal(
      (await alice.getParticipants(keychain)).map((one) => one.userId).sort(),
      ["alice", "bob"],
      "participants",
    );
  }),

  "a read-only participant writes nothing that others would refuse": scenario(async (world) => {
    const [alice, bob] = [await world.person("alice"), await world.person("bob")];
    const { keychainFingerprint: keychain } = await alice.createNewKeychain("notes", "secretBox");
    const received = next(bob, "keyReceived");
    await alice.shareMostRecentKey(keychain, { userId: "bob" }, { readOnly: true });
    await received;
    equal(bob.state.keychains[0]?.readOnly, true, "bob sees it");
    equal(await bob.decrypt(await alice.encrypt("hello", keychain)), "hello", "what bob reads");
    await fails("NotAllowed", () => bob.encrypt("mine", keychain));
  }),

  "every call before anybody signed up is NoHome": scenario(async (world) => {
    const client = world.client("nobody");
    const { signup, ...others } = calls(client, NOBODYS, NOBODYS);
    ok(signup !== undefined, "signing up is the way out");
    const texts: Record<string, unknown> = { decrypt: "kf1.AAAA" };
    for (const [call, run] of Object.entries(others)) {
      if (call.startsWith("verifySignature")) continue;
      const right =
        texts[call] ?? (/keychain|key$/.test(call) ? NOBODYS : /purpose/.test(call) ? "notes" : "bob");
      await fails("NoHome", () => run(right));
    }
    await fails("NoHome", () => client.login());
    await fails("NoHome", () => client.login("alice"));
    equal(client.state.status, "out", "status");
  }),

  "a server's key that is none, or another's": scenario(async (world) => {
    await fails("Malformed", () => world.client("none", { serverSignaturePublicKey: "" }).signup("alice"));
    for (const key of ["short", "=".repeat(43), "A".repeat(44), `${"A".repeat(42)}!`]) {
      await fails("WrongServerKey", () =>
        world.client(`m${key}`, { serverSignaturePublicKey: key }).signup("alice"),
      );
    }
    const wrong = world.client("wrong", {
      serverSignaturePublicKey: world.environment.serverKey.replace(/^./, (first) =>
        first === "A" ? "B" : "A",
      ),
    });
    await fails("WrongServerKey", () => wrong.signup("alice"));
    // Several keys may be named, as while a server changes its key.
    const several = world.client("several", {
      serverSignaturePublicKey: [NOBODYS, world.environment.serverKey],
    });
    await several.signup("alice");
  }),

  "a server's address that is none, that nobody answers at, or that is not encrypted": scenario(
    async (world) => {
      for (const serverURL of [
        "",
        "keyfold",
        "/keyfold",
        "ftp://127.0.0.1",
        "javascript:alert(1)",
        7 as never,
      ]) {
        await fails("Malformed", () => world.client(`m${serverURL}`, { serverURL }).signup("alice"));
      }
      await fails("ServerUnavailable", () =>
        world.client("gone", { serverURL: "http://127.0.0.1:9" }).signup("alice"),
      );
      for (const serverURL of [
        "http://keyfold.example",
        "http://192.168.0.1:8787",
        "http://127.0.0.1.example",
      ]) {
        await fails("NotSecure", () => world.client(serverURL, { serverURL }).signup("alice"));
      }
    },
  ),

  "an AbortSignal that is aborted already sends nothing": scenario(async (world) => {
    const alice = await world.person("alice");
    const { keychainFingerprint: keychain } = await alice.createNewKeychain("notes", "secretBox");
    const signal = AbortSignal.abort("not now");
    const error = await fails("Cancelled", () =>
      alice.shareMostRecentKey(keychain, { userId: "bob" }, { signal }),
    );
    equal(error.cause, "not now", "its cause");
    await fails("Cancelled", () => alice.encryptFile(new File(["x"], "f"), keychain, { signal }));
  }),

  "errors say what to do and where to read more": scenario(async (world) => {
    const alice = await world.person("alice");
    const error = await fails("HomeExists", () => alice.signup("bob"));
    const { docs, retryable, name } = error as unknown as { docs: string; retryable: boolean; name: string };
    equal([name, retryable], ["KeyfoldError", false], "the class");
    ok(docs.endsWith("/docs/errors.md#homeexists"), `the page is named: ${docs}`);
  }),
};
