/** Keychains and keys: what is told of them, and which one a purpose means. */

import { equal, eventually, fails, ok } from "../src/assert.ts";
import type { Scenarios } from "../src/scenario.ts";
import { next, record } from "./events.ts";
import { scenario } from "./world.ts";

export const scenarios: Scenarios = {
  "createNewKeychain, keys: metadata, and all permissions for the creator": scenario(async (world) => {
    const alice = await world.person("alice");
    const before = Date.now() - 1000;
    const key = await alice.createNewKeychain("notes", "secretBox");
    equal([key.purpose, key.algorithm, key.keyNumber], ["notes", "secretBox", 1], "the new key");
    equal([key.sharedBy, key.expiresAt, key.publicKey], [null, null, undefined], "what it has not");
    ok(key.createdAt instanceof Date && key.createdAt.getTime() >= before, "it says when it was made");
    ok(/^[A-Za-z0-9_-]{43}$/.test(key.keyFingerprint), "fingerprints are 32 bytes in base64url");
    equal(alice.keys[key.keychainFingerprint], [key], "keys");
    equal(alice.findKeyByKeychainFingerprint(key.keychainFingerprint), key, "by fingerprint");
    equal(alice.findKeyByPurpose("notes"), key, "by purpose");
    equal(
      Object.values(await alice.getPermissions(key.keychainFingerprint)),
      [true, true, true, true],
      "permissions",
    );
    const sealed = await alice.createNewKeychain("inbox", "sealedBox");
    ok(typeof sealed.publicKey === "string", "a sealedBox has a public key");
  }),

  "rotateKey, keys: the newest first": scenario(async (world) => {
    const alice = await world.person("alice");
    const { keychainFingerprint, keyFingerprint } = await alice.createNewKeychain("notes", "secretBox");
    const second = await alice.rotateKey(keychainFingerprint);
    const third = await alice.rotateKey(keychainFingerprint);
    const fingerprints = (alice.keys[keychainFingerprint] ?? []).map((key) => key.keyFingerprint);
    equal(fingerprints, [third.keyFingerprint, second.keyFingerprint, keyFingerprint], "keys");
    equal(alice.findKeyByKeychainFingerprint(keychainFingerprint), third, "the newest");
  }),

  "rotateKey: participants get the new key by themselves": scenario(async (world) => {
    const [alice, bob] = [await world.person("alice"), await world.person("bob")];
    const { keychainFingerprint } = await alice.createNewKeychain("notes", "secretBox");
    const received = next(bob, "keyReceived");
    await alice.shareMostRecentKey(keychainFingerprint, { userId: "bob" });
    await received;
    const rotated = next(bob, "keyRotated");
    const made = await alice.rotateKey(keychainFingerprint);
    equal(await rotated, { keychainFingerprint, keyFingerprint: made.keyFingerprint }, "what bob is told");
    const text = await alice.encrypt("after", keychainFingerprint);
    equal(await bob.decrypt(text), "after", "what bob reads");
    const people = await bob.getParticipants(keychainFingerprint, made.keyFingerprint);
    equal(people.map((one) => one.userId).sort(), ["alice", "bob"], "participants after a rotation");
  }),

  "findKeyByPurpose: nobody's is undefined": scenario(async (world) => {
    const alice = await world.person("alice");
    equal(
      [alice.findKeyByPurpose("notes"), alice.findKeyByKeychainFingerprint("A".repeat(43))],
      [undefined, undefined],
    );
  }),

  "findKeyByPurpose: one's own wins, and several people's are AmbiguousPurpose": scenario(async (world) => {
    const alice = await world.person("alice");
    const [bob, carol] = [await world.person("bob"), await world.person("carol")];
    const share = async (from: typeof alice): Promise<string> => {
      const { keychainFingerprint } = await from.createNewKeychain("notes", "secretBox");
      const received = next(alice, "keyReceived", (key) => key.keychainFingerprint === keychainFingerprint);
      await from.shareMostRecentKey(keychainFingerprint, { userId: "alice" });
      await received;
      return keychainFingerprint;
    };
    const bobs = await share(bob);
    const found = alice.findKeyByPurpose("notes");
    equal([found?.keychainFingerprint, found?.sharedBy], [bobs, "bob"], "the only one");
    await share(carol);
    await fails("AmbiguousPurpose", () => alice.findKeyByPurpose("notes"));
    const own = await alice.createNewKeychain("notes", "secretBox");
    equal(alice.findKeyByPurpose("notes")?.keychainFingerprint, own.keychainFingerprint, "one's own");
  }),

  "createNewKeychain, rotateKey: with a date of expiry are Unsupported so far, and never ignored": scenario(
    async (world) => {
      const alice = await world.person("alice");
      const soon = new Date(Date.now() + 60_000);
      await fails("Unsupported", () => alice.createNewKeychain("notes", "secretBox", soon));
      equal(alice.state.keychains, [], "keychains");
      const { keychainFingerprint } = await alice.createNewKeychain("notes", "secretBox");
      await fails("Unsupported", () => alice.rotateKey(keychainFingerprint, soon));
      equal((alice.keys[keychainFingerprint] ?? []).length, 1, "keys");
    },
  ),

  "deleteKey: one's own copy only, and the last one does not end the keychain": scenario(async (world) => {
    const alice = await world.person("alice");
    const { keychainFingerprint, keyFingerprint } = await alice.createNewKeychain("notes", "secretBox");
    const old = await alice.encrypt("old", keychainFingerprint);
    await alice.rotateKey(keychainFingerprint);
    await alice.deleteKey(keychainFingerprint, keyFingerprint);
    equal((alice.keys[keychainFingerprint] ?? []).length, 1, "keys");
    await fails("NoSlot", () => alice.decrypt(old));
    const [newest] = alice.keys[keychainFingerprint] ?? [];
    await alice.deleteKey(keychainFingerprint, newest?.keyFingerprint ?? "");
    await fails("UnknownKey", () => alice.encrypt("new", keychainFingerprint));
    await alice.rotateKey(keychainFingerprint);
    equal(await alice.decrypt(await alice.encrypt("new", keychainFingerprint)), "new", "with a new key");
  }),

  "on: one's own changes are told too, each once, and the state is newer than the event": scenario(
    async (world) => {
      const alice = await world.person("alice");
      const { events, off } = record(alice);
      const states: number[] = [];
      const told = alice.on("keychainUpdated", () => void states.push(alice.state.keychains.length));
      const { keychainFingerprint } = await alice.createNewKeychain("notes", "secretBox");
      await eventually("it was told", () => events.length > 0);
      const made = await alice.rotateKey(keychainFingerprint);
      await eventually("the rotation was told", () => events.includes(`keyRotated ${made.keyFingerprint}`));
      equal(states[0], 1, "keychains at the first event");
      equal(new Set(events).size >= events.length - 1, true, "no event but keychainUpdated comes twice");
      off();
      told();
    },
  ),

  "subscribe, state: a new object after a change, the same one without": scenario(async (world) => {
    const alice = await world.person("alice");
    const { keychainFingerprint } = await alice.createNewKeychain("notes", "secretBox");
    await eventually("it is online", () => alice.state.sync === "online");
    const before = alice.state;
    ok(alice.state === before, "the same until a change");
    let calls = 0;
    const off = alice.subscribe(() => (calls += 1));
    await alice.rotateKey(keychainFingerprint);
    await eventually("subscribers are called", () => calls > 0);
    ok(alice.state !== before, "another object");
    equal([before.keychains[0]?.keys.length, alice.state.keychains[0]?.keys.length], [1, 2], "old and new");
    off();
  }),
};
