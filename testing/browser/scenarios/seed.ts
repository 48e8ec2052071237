/**
 * Every snippet of e2esdk's page on sharing, run as it stands there, and what the page says of it. The keys are the
 * page's headings.
 */
import type { Client } from "@keyfold/client";
import { equal, eventually, fails, ok } from "../src/assert.ts";
import type { Scenarios } from "../src/scenario.ts";
import { next, record } from "./events.ts";
import * as snippet from "./seed-snippets.js";
import { type World, scenario } from "./world.ts";

/** The user id on the page. */
const BOB = "bob's-user-id";

/** Alice with a keychain of two keys, and bob, who is not connected before he is told to. */
async function couple(world: World, bobIsOnline = true): Promise<Couple> {
  const alice = await world.person("alice");
  const bob = await world.person(BOB, { handleNotifications: bobIsOnline });
  const first = await alice.createNewKeychain("notes", "secretBox");
  const { keychainFingerprint } = first;
  const old = await alice.encrypt("before the rotation", keychainFingerprint);
  const second = await alice.rotateKey(keychainFingerprint);
  return { alice, bob, keychainFingerprint, keys: [first.keyFingerprint, second.keyFingerprint], old };
}

interface Couple {
  readonly alice: Client;
  readonly bob: Client;
  readonly keychainFingerprint: string;
  /** In the order in which they were made. */
  readonly keys: readonly [string, string];
  /** Encrypted under the first. */
  readonly old: string;
}

function owned(client: Client, keychainFingerprint: string): string[] {
  return (client.keys[keychainFingerprint] ?? []).map((key) => key.keyFingerprint);
}

export const scenarios: Scenarios = {
  "Sharing keys with others: the most recent key": scenario(async (world) => {
    const { alice, bob, keychainFingerprint, keys, old } = await couple(world);
    const received = next(bob, "keyReceived");
    await snippet.shareMostRecent(alice, keychainFingerprint);
    equal((await received).keyFingerprint, keys[1], "the key that arrived");
    equal(owned(bob, keychainFingerprint), [keys[1]], "bob's keys");
    const text = await alice.encrypt("hello", keychainFingerprint);
    equal(await bob.decrypt(text), "hello", "what bob reads");
    await fails("NoSlot", () => bob.decrypt(old));
  }),

  "Sharing keys with others: an entire keychain": scenario(async (world) => {
    const { alice, bob, keychainFingerprint, keys, old } = await couple(world);
    const received = next(bob, "keyReceived", (key) => key.keyFingerprint === keys[1]);
    await snippet.shareComplete(alice, keychainFingerprint);
    await received;
    await eventually("bob has both keys", () => owned(bob, keychainFingerprint).length === 2);
    equal(owned(bob, keychainFingerprint), [keys[1], keys[0]], "bob's keys, newest first");
    equal(await bob.decrypt(old), "before the rotation", "what bob reads of before");
  }),

  "Sharing keys with others: a specific key": scenario(async (world) => {
    const { alice, bob, keychainFingerprint, keys, old } = await couple(world);
    const received = next(bob, "keyReceived");
    await snippet.shareSpecific(alice, keychainFingerprint, keys[0]);
    equal((await received).keyFingerprint, keys[0], "the key that arrived");
    equal(await bob.decrypt(old), "before the rotation", "what bob reads");
    const text = await alice.encrypt("after", keychainFingerprint);
    await fails("NoSlot", () => bob.decrypt(text));
  }),

  "Receiving shared keys: added by themselves, in real time": scenario(async (world) => {
    const { alice, bob, keychainFingerprint } = await couple(world);
    await eventually("bob is connected", () => bob.state.sync === "online");
    await snippet.shareMostRecent(alice, keychainFingerprint);
    await eventually(
      "bob was given the key",
      () => bob.findKeyByKeychainFingerprint(keychainFingerprint) !== undefined,
    );
    const text = await bob.encrypt({ by: "bob" }, keychainFingerprint);
    equal(await alice.decrypt(text), { by: "bob" }, "what alice reads");
  }),

  "Listing outgoing shared keys: pending ones, and cancelling one": scenario(async (world) => {
    const { alice, bob, keychainFingerprint, keys } = await couple(world, false);
    await snippet.shareMostRecent(alice, keychainFingerprint);
    const [share, ...others] = await snippet.listOutgoing(alice);
    equal(others.length, 0, "other pending shares");
    equal(
      [share?.userId, share?.keychainFingerprint, share?.keyFingerprint],
      [BOB, keychainFingerprint, keys[1]],
      "it",
    );

    // The fingerprint on the page is of no key here: nothing is cancelled, and the client says so.
    await fails("NotPending", () => snippet.cancelOutgoing(alice));
    equal((await snippet.listOutgoing(alice)).length, 1, "pending shares");

    // The same statements, where the page's fingerprint is that of the key.
    await snippet.cancelOutgoing({
      deleteOutgoingSharedKey: (userId) => alice.deleteOutgoingSharedKey(userId, keys[1]),
    });
    equal(await snippet.listOutgoing(alice), [], "pending shares");
    await bob.sync();
    equal(owned(bob, keychainFingerprint), [], "what bob was given");
  }),

  "Listing participants: who owns a copy": scenario(async (world) => {
    const { alice, bob, keychainFingerprint, keys } = await couple(world, false);
    const people = async (keyFingerprint: string): Promise<string[]> =>
      (await snippet.listParticipants(alice, keychainFingerprint, keyFingerprint))
        .map((one) => one.userId)
        .sort();
    await snippet.shareMostRecent(alice, keychainFingerprint);
    equal(await people(keys[1]), ["alice"], "participants before bob received it");
    await bob.sync();
    equal(await people(keys[1]), ["alice", BOB], "participants");
    equal(await people(keys[0]), ["alice"], "participants of the key that was not shared");
  }),

  "Banning users: and what they cannot read afterwards": scenario(async (world) => {
    const { alice, bob, keychainFingerprint, keys } = await couple(world);
    const received = next(bob, "keyReceived");
    await snippet.shareMostRecent(alice, keychainFingerprint);
    await received;
    const before = await alice.encrypt("before", keychainFingerprint);
    await snippet.ban(alice, BOB, keychainFingerprint);
    ok(!keys.includes(owned(alice, keychainFingerprint)[0] ?? ""), "banning rotates");
    const text = await alice.encrypt("after", keychainFingerprint);
    equal(await bob.decrypt(before), "before", "what bob could read already");
    await fails("NoSlot", () => bob.decrypt(text));
    const people = await alice.getParticipants(keychainFingerprint);
    equal(
      people.map((one) => one.userId),
      ["alice"],
      "participants",
    );
  }),

  "Banning users: needs allowDeletion": scenario(async (world) => {
    const { alice, bob, keychainFingerprint } = await couple(world);
    const received = next(bob, "keyReceived");
    await snippet.shareMostRecent(alice, keychainFingerprint);
    await received;
    await fails("DeletionNotAllowed", () => snippet.ban(bob, "alice", keychainFingerprint));
    equal((await alice.getParticipants(keychainFingerprint)).length, 2, "participants");
  }),

  "Banning users: banning oneself is always allowed": scenario(async (world) => {
    const { alice, bob, keychainFingerprint } = await couple(world);
    const received = next(bob, "keyReceived");
    await snippet.shareMostRecent(alice, keychainFingerprint);
    await received;
    await snippet.ban(bob, BOB, keychainFingerprint);
    await eventually("bob is no participant", async () =>
      (await alice.getParticipants(keychainFingerprint)).every((one) => one.userId === "alice"),
    );
  }),

  "Permissions: a creator has all four, others none until they are granted": scenario(async (world) => {
    const { alice, bob, keychainFingerprint } = await couple(world);
    const received = next(bob, "keyReceived");
    await snippet.shareMostRecent(alice, keychainFingerprint);
    await received;
    const all = { allowSharing: true, allowRotation: true, allowDeletion: true, allowManagement: true };
    const none = { allowSharing: false, allowRotation: false, allowDeletion: false, allowManagement: false };
    equal(await alice.getPermissions(keychainFingerprint), all, "the creator's");
    equal(await bob.getPermissions(keychainFingerprint), none, "bob's");
    await fails("RotationNotAllowed", () => bob.rotateKey(keychainFingerprint));
    await fails("ManagementNotAllowed", () =>
      bob.setPermissions(BOB, keychainFingerprint, { allowRotation: true }),
    );
  }),

  "Setting permissions: what is omitted stays as it is": scenario(async (world) => {
    const { alice, bob, keychainFingerprint } = await couple(world);
    const received = next(bob, "keyReceived");
    await snippet.shareComplete(alice, keychainFingerprint);
    await received;
    await alice.setPermissions(BOB, keychainFingerprint, { allowDeletion: true });
    const updated = next(bob, "permissionsUpdated", ({ permissions }) => permissions.allowSharing);
    await snippet.setPermissions(alice, BOB, keychainFingerprint);
    const granted = { allowSharing: true, allowRotation: true, allowDeletion: true, allowManagement: false };
    equal((await updated).permissions, granted, "what bob is told");
    equal(await bob.getPermissions(keychainFingerprint), granted, "bob's permissions");
    // Rotation is his now.
    const rotated = next(alice, "keyRotated");
    const made = await bob.rotateKey(keychainFingerprint);
    equal((await rotated).keyFingerprint, made.keyFingerprint, "the new current key");
  }),

  "Reading permissions: in the participants result": scenario(async (world) => {
    const { alice, bob, keychainFingerprint, keys } = await couple(world, false);
    await snippet.shareComplete(alice, keychainFingerprint);
    await bob.sync();
    await snippet.setPermissions(alice, BOB, keychainFingerprint);
    const people = await snippet.listParticipants(bob, keychainFingerprint, keys[1]);
    const of = (userId: string): unknown => people.find((one) => one.userId === userId)?.permissions;
    const granted = { allowSharing: true, allowRotation: true, allowDeletion: false, allowManagement: false };
    equal(of(BOB), granted, "bob's permissions");
    equal(Object.values(of("alice") ?? {}), [true, true, true, true], "alice's permissions");
  }),

  "Reacting to received shared keys: keyReceived, until off()": scenario(async (world) => {
    const { alice, bob, keychainFingerprint, keys } = await couple(world);
    const lines: unknown[] = [];
    const { log } = console;
    console.log = (line) => lines.push(line);
    try {
      const unsubscribe = snippet.react(bob);
      await snippet.shareMostRecent(alice, keychainFingerprint);
      await eventually("the callback was called", () => lines.length > 0);
      equal(lines, [`Received key ${keys[1]} from alice`], "what was logged");
      unsubscribe();
      const more = await alice.createNewKeychain("more", "secretBox");
      const received = next(bob, "keyReceived");
      await snippet.shareMostRecent(alice, more.keychainFingerprint);
      await received;
      equal(lines.length, 1, "lines after off()");
    } finally {
      console.log = log;
    }
  }),

  "Reacting to received shared keys: keychainUpdated fires first, then keyReceived": scenario(
    async (world) => {
      const { alice, bob, keychainFingerprint, keys } = await couple(world);
      const { events, off } = record(bob);
      await snippet.shareMostRecent(alice, keychainFingerprint);
      await eventually("two events came", () => events.length >= 2);
      off();
      equal(events, [`keychainUpdated ${keychainFingerprint}`, `keyReceived ${keys[1]}`], "events");
    },
  ),
};
