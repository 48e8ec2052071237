/** Sharing beyond the page's snippets: several people at once, terms, ends, what a server is told twice. */

import type { Client } from "@keyfold/client";
import { equal, eventually, fails } from "../src/assert.ts";
import type { Scenarios } from "../src/scenario.ts";
import { next, record } from "./events.ts";
import { type World, scenario } from "./world.ts";

const userIds = (people: readonly { readonly userId: string }[]): string[] =>
  people.map((one) => one.userId).sort();

/** Alice with a keychain, and others who are connected. */
async function circle<const Others extends readonly string[]>(
  world: World,
  ...others: Others
): Promise<[keychain: string, alice: Client, ...{ [At in keyof Others]: Client }]> {
  const alice = await world.person("alice");
  const people: Client[] = [];
  for (const userId of others) people.push(await world.person(userId));
  const { keychainFingerprint } = await alice.createNewKeychain("notes", "secretBox");
  return [keychainFingerprint, alice, ...(people as { [At in keyof Others]: Client })];
}

export const scenarios: Scenarios = {
  "share…: with several people in one call": scenario(async (world) => {
    const [keychain, alice, bob, carol] = await circle(world, "bob", "carol");
    const both = Promise.all([next(bob, "keyReceived"), next(carol, "keyReceived")]);
    const people = await alice.getUsersIdentities(["bob", "carol"]);
    const outcome = await alice.shareMostRecentKey(keychain, people);
    equal(userIds(outcome.recipients), ["bob", "carol"], "recipients");
    await both;
    equal(userIds(await carol.getParticipants(keychain)), ["alice", "bob", "carol"], "participants");
  }),

  "share…: again with somebody who has it sends nothing": scenario(async (world) => {
    const [keychain, alice, bob] = await circle(world, "bob");
    const received = next(bob, "keyReceived");
    await alice.shareMostRecentKey(keychain, { userId: "bob" });
    await received;
    const outcome = await alice.shareMostRecentKey(keychain, { userId: "bob" });
    equal(
      outcome.recipients.map(({ already }) => already),
      [true],
      "it was there already",
    );
    equal(await alice.getOutgoingSharedKeys(), [], "nothing is on its way");
  }),

  "shareCompleteKeychain: one keychainUpdated, then one keyReceived": scenario(async (world) => {
    const [keychain, alice, bob] = await circle(world, "bob");
    await alice.rotateKey(keychain);
    const { events } = record(bob);
    await alice.shareCompleteKeychain(keychain, { userId: "bob" });
    await eventually("bob has both keys", () => (bob.keys[keychain] ?? []).length === 2);
    await eventually("bob was told", () => events.some((event) => event.startsWith("keyReceived")));
    equal(events[0], `keychainUpdated ${keychain}`, "the first event");
    equal(
      events.filter((event) => event.startsWith("keychainUpdated")).length,
      1,
      "keychainUpdated comes once",
    );
  }),

  "share…: whoever may share shares on, and sharedBy says who it was": scenario(async (world) => {
    const [keychain, alice, bob, carol] = await circle(world, "bob", "carol");
    let received = next(bob, "keyReceived");
    await alice.shareMostRecentKey(keychain, { userId: "bob" });
    await received;
    await fails("SharingNotAllowed", () => bob.shareMostRecentKey(keychain, { userId: "carol" }));
    const allowed = next(bob, "permissionsUpdated");
    await alice.setPermissions("bob", keychain, { allowSharing: true });
    await allowed;
    received = next(carol, "keyReceived");
    await bob.shareMostRecentKey(keychain, { userId: "carol" });
    equal((await received).sharedBy, "bob", "who shared");
    equal(carol.findKeyByKeychainFingerprint(keychain)?.sharedBy, "bob", "in the metadata too");
  }),

  "share… with permissions: granted from the start": scenario(async (world) => {
    const [keychain, alice, bob] = await circle(world, "bob");
    const received = next(bob, "keyReceived");
    await alice.shareMostRecentKey(keychain, { userId: "bob" }, { permissions: { allowRotation: true } });
    await received;
    equal((await bob.getPermissions(keychain)).allowRotation, true, "what bob may");
    await bob.rotateKey(keychain);
  }),

  "share… with expiresAt: the end is shown to everybody": scenario(async (world) => {
    const [keychain, alice, bob] = await circle(world, "bob");
    const expiresAt = new Date(Date.now() + 3_600_000);
    const received = next(bob, "keyReceived");
    await alice.shareMostRecentKey(keychain, { userId: "bob" }, { expiresAt });
    await received;
    equal(bob.findKeyByKeychainFingerprint(keychain)?.expiresAt, expiresAt, "the end");
    const ends = async (of: Client): Promise<unknown> =>
      Object.fromEntries((await of.getParticipants(keychain)).map((one) => [one.userId, one.expiresAt]));
    equal(
      [await ends(alice), await ends(bob)],
      Array(2).fill({ alice: null, bob: expiresAt }),
      "in the participants",
    );
    const soon = "soon" as never;
    await fails("Malformed", () =>
      alice.shareMostRecentKey(keychain, { userId: "bob" }, { expiresAt: soon }),
    );
  }),

  "an expired membership: nothing is encrypted, and what was there stays readable": scenario(
    async (world) => {
      const [keychain, alice, bob] = await circle(world, "bob");
      const expiresAt = new Date(Date.now() + 6_000);
      const received = next(bob, "keyReceived");
      await alice.shareMostRecentKey(keychain, { userId: "bob" }, { expiresAt });
      await received;
      const before = await bob.encrypt("before", keychain);
      await eventually("bob's client refuses by its own clock", async () => {
        const refused = await bob.encrypt("after", keychain).catch((error: { code: string }) => error.code);
        return refused === "NotAllowed";
      });
      equal(await bob.decrypt(before, keychain), "before", "what bob wrote while he might");
    },
  ),

  "getParticipants: pending ones only if asked for": scenario(async (world) => {
    const alice = await world.person("alice");
    const bob = await world.person("bob", { handleNotifications: false });
    const { keychainFingerprint, keyFingerprint } = await alice.createNewKeychain("notes", "secretBox");
    await alice.shareMostRecentKey(keychainFingerprint, { userId: "bob" });
    equal(userIds(await alice.getParticipants(keychainFingerprint, keyFingerprint)), ["alice"], "without");
    const all = await alice.getParticipants(keychainFingerprint, keyFingerprint, { pending: true });
    equal(
      all.map(({ userId, state }) => `${userId} ${state}`).sort(),
      ["alice accepted", "bob pending"],
      "with",
    );
    await bob.sync();
    const after = await alice.getParticipants(keychainFingerprint, keyFingerprint);
    const bobs = after.find((one) => one.userId === "bob");
    equal([bobs?.sharedBy, bobs?.owner, bobs?.state], ["alice", false, "accepted"], "bob");
    equal(bobs?.since instanceof Date, true, "since when");
  }),

  "deleteOutgoingSharedKey: after receipt there is nothing to cancel": scenario(async (world) => {
    const [keychain, alice, bob] = await circle(world, "bob");
    const received = next(bob, "keyReceived");
    await alice.shareMostRecentKey(keychain, { userId: "bob" });
    const { keyFingerprint } = await received;
    await fails("NotPending", () => alice.deleteOutgoingSharedKey("bob", keyFingerprint));
  }),

  "banUser: everybody is told, and what comes later is closed to the banned": scenario(async (world) => {
    const [keychain, alice, bob, carol] = await circle(world, "bob", "carol");
    const both = Promise.all([next(bob, "keyReceived"), next(carol, "keyReceived")]);
    await alice.shareMostRecentKey(keychain, [{ userId: "bob" }, { userId: "carol" }]);
    await both;
    const told = Promise.all([alice, bob, carol].map((person) => next(person, "memberBanned")));
    const outcome = await alice.banUser("bob", keychain);
    equal([outcome.userId, outcome.keychainFingerprint], ["bob", keychain], "the outcome");
    equal(
      await told,
      Array.from({ length: 3 }, () => ({ keychainFingerprint: keychain, userId: "bob" })),
      "events",
    );
    const text = await alice.encrypt("after", keychain);
    await eventually("carol has the new key", () =>
      carol.decrypt(text).then(
        () => true,
        () => false,
      ),
    );
    await fails("NoSlot", () => bob.decrypt(text));
    // Whoever may manage brings him back by sharing with him.
    const back = next(bob, "keyReceived");
    await alice.shareMostRecentKey(keychain, { userId: "bob" });
    await back;
    equal(await bob.decrypt(text), "after", "what he reads again");
  }),

  "identityUpdated, syncStateChanged: going and coming": scenario(async (world) => {
    const alice = await world.person("alice");
    await eventually("it is online", () => alice.state.sync === "online");
    const offline = next(alice, "syncStateChanged", ({ state }) => state === "offline");
    await alice.logout();
    equal((await offline).state, alice.state.sync, "the state agrees");
    const online = next(alice, "syncStateChanged", ({ state }) => state === "online");
    await alice.login("alice");
    await online;
  }),
};
