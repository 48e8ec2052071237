/** People: who is known, what they sign, coming and going. */

import { equal, fails, ok } from "../src/assert.ts";
import type { Scenarios } from "../src/scenario.ts";
import { next } from "./events.ts";
import { scenario } from "./world.ts";

export const scenarios: Scenarios = {
  "getUserIdentity: somebody's, and null when unknown": scenario(async (world) => {
    const [alice, bob] = [await world.person("alice"), await world.person("bob")];
    equal(await alice.getUserIdentity("nobody"), null, "nobody");
    const identity = await alice.getUserIdentity("bob");
    // All but whether it was compared, which for oneself nobody has to.
    equal(identity, { ...bob.publicIdentity, verified: false }, "bob, as he knows himself");
    equal(bob.publicIdentity?.verified, true, "bob, to himself");
    equal(await alice.getUserIdentity("alice"), alice.publicIdentity, "oneself");
  }),

  "getUsersIdentities: many at once, those that exist, in order": scenario(async (world) => {
    const alice = await world.person("alice", { handleNotifications: false });
    const there = Array.from({ length: 6 }, (_, at) => `${crypto.randomUUID()}-${at}`);
    for (const userId of there) {
      (await world.person(userId, { handleNotifications: false })).close();
    }
    const asked = there.flatMap((userId) => [`not-${userId}`, userId]);
    const known = await alice.getUsersIdentities(asked);
    equal(
      known.map((identity) => identity.userId),
      there,
      "who exists",
    );
    equal(await alice.getUsersIdentities([]), [], "nobody");
  }),

  "getUserIdentity: an unreachable server is an error, and never null": scenario(async (world) => {
    // Nothing listens on the discard port.
    const alone = world.client("alone", { serverURL: "http://127.0.0.1:9" });
    await fails("ServerUnavailable", () => alone.signup("alone"));
    await fails("NoHome", () => alone.getUserIdentity("bob"));
  }),

  "signup, login, logout: what the device is, and who is logged in": scenario(async (world) => {
    const alice = world.client("alice");
    equal(alice.publicIdentity, null, "nobody is logged in");
    equal(alice.currentDeviceId, null, "before");
    const told = next(alice, "identityUpdated", (identity) => identity !== null);
    await alice.signup("alice");
    const identity = alice.publicIdentity;
    equal(identity?.userId, "alice", "who");
    equal(await told, identity, "what was told");
    const device = alice.currentDeviceId;
    ok(typeof device === "string" && device !== "", "the device has an id");
    const { keychainFingerprint } = await alice.createNewKeychain("notes", "secretBox");
    const text = await alice.encrypt("hello", keychainFingerprint);

    const out = next(alice, "identityUpdated", (identity) => identity === null);
    await alice.logout();
    equal(await out, null, "what was told");
    equal([alice.state.status, alice.state.identity, alice.state.keychains], ["out", null, []], "afterwards");
    await fails("LoggedOut", () => alice.decrypt(text));

    await alice.login("alice");
    equal([alice.publicIdentity, alice.currentDeviceId], [identity, device], "the same person and device");
    equal(await alice.decrypt(text), "hello", "what was encrypted before");
  }),

  "signup: a second time, for another, for a taken user id": scenario(async (world) => {
    const alice = await world.person("alice");
    await fails("HomeExists", () => alice.signup("carol"));
    const other = world.client("other");
    await fails("UserTaken", () => other.signup("alice"));
    await other.signup("carol");
    equal(other.publicIdentity?.userId, "carol", "the failed attempt is no obstacle");
  }),

  "login: another client on the same storage goes on": scenario(async (world) => {
    const alice = await world.person("alice");
    const { keychainFingerprint } = await alice.createNewKeychain("notes", "secretBox");
    const text = await alice.encrypt("hello", keychainFingerprint);
    alice.close();
    const again = world.client("alice");
    await again.login();
    equal(await again.decrypt(text), "hello", "what the first one encrypted");
    equal(again.findKeyByPurpose("notes")?.keychainFingerprint, keychainFingerprint, "its keychain");
  }),

  "logout({ forget }): removes the device, and nobody else's": scenario(async (world) => {
    const client = await world.person("alice");
    await client.logout();
    await client.signup("bob");
    await client.logout({ forget: true });
    await fails("NoHome", () => client.login("bob"));
    await client.login("alice");
    equal(client.publicIdentity?.userId, "alice", "who is still here");
  }),

  "sign, verifySignature: each item's boundary counts": scenario(async (world) => {
    const [alice, bob] = [await world.person("alice"), await world.person("bob")];
    const signature = await alice.sign("ab", "c", new Uint8Array([1, 2]));
    const key = (await bob.getUserIdentity("alice"))?.signaturePublicKey ?? "";
    const verify = (...items: (string | Uint8Array)[]): Promise<boolean> =>
      bob.verifySignature(signature, key, ...items);
    equal(await verify("ab", "c", new Uint8Array([1, 2])), true, "what was signed");
    equal(await verify("a", "bc", new Uint8Array([1, 2])), false, "another boundary");
    equal(await verify("abc", new Uint8Array([1, 2])), false, "fewer items");
    equal(await verify("ab", "c", new Uint8Array([1, 2]), ""), false, "an empty item more");
    equal(await verify("ab", "c", new Uint8Array([1, 3])), false, "another byte");
    const bobs = bob.publicIdentity?.signaturePublicKey ?? "";
    equal(
      await bob.verifySignature(signature, bobs, "ab", "c", new Uint8Array([1, 2])),
      false,
      "another's key",
    );
    equal(
      await bob.verifySignature(signature, bob.decode(key), "ab", "c", new Uint8Array([1, 2])),
      true,
      "key as bytes",
    );
    const empty = await alice.sign();
    equal(
      [await bob.verifySignature(empty, key), await bob.verifySignature(empty, key, "")],
      [true, false],
      "no items",
    );
  }),

  "encode, decode: base64url, one text for each sequence of bytes": scenario(async (world) => {
    const client = world.client("alice");
    const bytes = Uint8Array.from({ length: 256 }, (_, at) => at);
    equal(client.decode(client.encode(bytes)), bytes, "all bytes");
    equal(
      client.encode(new Uint8Array([251, 255])),
      "-_8",
      "the letters of RFC 4648, section 5, without padding",
    );
    for (const text of ["-_9", "-_8=", "a", "+/8", "é"]) await fails("Malformed", () => client.decode(text));
  }),

  "two clients in one process do not disturb each other": scenario(async (world) => {
    const [alice, bob] = await Promise.all([world.person("alice"), world.person("bob")]);
    const [one, other] = await Promise.all([
      alice.createNewKeychain("notes", "secretBox"),
      bob.createNewKeychain("notes", "secretBox"),
    ]);
    const [hers, his] = await Promise.all([
      alice.encrypt("hers", one.keychainFingerprint),
      bob.encrypt("his", other.keychainFingerprint),
    ]);
    await fails("NoSlot", () => alice.decrypt(his));
    alice.close();
    equal(await bob.decrypt(his), "his", "bob, after alice's client was closed");
    await fails("NoSlot", () => bob.decrypt(hers));
    await fails("Closed", () => alice.decrypt(hers));
  }),
};
