/** Shares that wait for an answer: which are taken unasked, who is asked, and what each answer does. */

import type { Client, ClientConfig, IncomingShare } from "@keyfold/client";
import { equal, eventually, fails } from "../src/assert.ts";
import type { Scenarios } from "../src/scenario.ts";
import { next, record } from "./events.ts";
import { type World, scenario } from "./world.ts";

/** Alice with a keychain, and bob, who takes these shares. */
async function pair(
  world: World,
  acceptShares: NonNullable<ClientConfig["acceptShares"]>,
): Promise<[keychain: string, alice: Client, bob: Client]> {
  const [alice, bob] = [await world.person("alice"), await world.person("bob", { acceptShares })];
  const { keychainFingerprint } = await alice.createNewKeychain("notes", "secretBox");
  return [keychainFingerprint, alice, bob];
}

const share = (from: Client, keychain: string): Promise<unknown> =>
  from.shareMostRecentKey(keychain, { userId: "bob" }, { permissions: { allowSharing: true } });

const waiting = (client: Client): readonly string[] =>
  client.state.incomingShares.map(({ keychainFingerprint }) => keychainFingerprint);

export const scenarios: Scenarios = {
  "acceptShares: known: a stranger's share waits, is told once, and opens when it is accepted": scenario(
    async (world) => {
      const [keychain, alice, bob] = await pair(world, "known");
      const sealed = await alice.encrypt("hello", keychain);
      const { events } = record(bob);
      const arrived = next(bob, "shareReceived");
      await share(alice, keychain);
      equal(await arrived, { keychainFingerprint: keychain, sharedBy: "alice" }, "what is told");
      const [waits] = await bob.getIncomingSharedKeys();
      equal(
        [waits?.sharedBy, waits?.known, waits?.permissions.allowSharing],
        ["alice", false, true],
        "the share",
      );
      equal(waiting(bob), [keychain], "in the state");
      equal(bob.keys, {}, "no key is here");
      await fails("NoSlot", () => bob.decrypt(sealed));
      const accepted = await bob.acceptShare(keychain);
      equal([accepted.purpose, accepted.sharedBy], ["notes", "alice"], "what it is for is known now");
      equal(await bob.decrypt(sealed, keychain), "hello", "it opens");
      equal(waiting(bob), [], "nothing waits");
      equal(events.filter((event) => event.startsWith("shareReceived")).length, 1, "told once");
      await fails("NotPending", () => bob.acceptShare(keychain));
    },
  ),

  "acceptShares: known: whom one has looked up is not asked about": scenario(async (world) => {
    const [keychain, alice, bob] = await pair(world, "known");
    await bob.getUserIdentity("alice");
    const received = next(bob, "keyReceived");
    await share(alice, keychain);
    equal((await received).keychainFingerprint, keychain, "it arrived by itself");
  }),

  "declineShare: it waits no more, for its sharer neither, and can be shared again": scenario(
    async (world) => {
      const [keychain, alice, bob] = await pair(world, () => false);
      let arrived = next(bob, "shareReceived");
      await share(alice, keychain);
      await arrived;
      await bob.declineShare(keychain);
      equal(waiting(bob), [], "nothing waits");
      equal((await alice.getParticipants(keychain, null, { pending: true })).length, 1, "for alice neither");
      equal(await alice.getOutgoingSharedKeys(), [], "nothing is on its way");
      await fails("NotPending", () => bob.declineShare(keychain));
      arrived = next(bob, "shareReceived");
      await share(alice, keychain);
      await arrived;
      await bob.acceptShare(keychain);
      equal(Object.keys(bob.keys), [keychain], "it is here");
    },
  ),

  "acceptShares: a function is asked once about each share, and what it refuses waits": scenario(
    async (world) => {
      const asked: IncomingShare[] = [];
      const [first, alice, bob] = await pair(world, (shared) => {
        asked.push(shared);
        return asked.length > 1;
      });
      const { keychainFingerprint: second } = await alice.createNewKeychain("plans", "secretBox");
      const arrived = next(bob, "shareReceived");
      await share(alice, first);
      await arrived;
      const received = next(bob, "keyReceived");
      await share(alice, second);
      equal((await received).keychainFingerprint, second, "taken, because it said so");
      equal(waiting(bob), [first], "the other one waits");
      equal(
        asked.map(({ keychainFingerprint, sharedBy }) => [keychainFingerprint, sharedBy]),
        [
          [first, "alice"],
          [second, "alice"],
        ],
        "what it was asked",
      );
    },
  ),

  "a share that is withdrawn while it waits disappears": scenario(async (world) => {
    const [keychain, alice, bob] = await pair(world, "known");
    const arrived = next(bob, "shareReceived");
    await share(alice, keychain);
    await arrived;
    const [outgoing] = await alice.getOutgoingSharedKeys();
    await alice.deleteOutgoingSharedKey("bob", outgoing?.keyFingerprint ?? "");
    await eventually("bob sees that nothing waits", () => waiting(bob).length === 0);
    await fails("NotPending", () => bob.acceptShare(keychain));
  }),

  "acceptShares: anything else is Malformed": scenario(async (world) => {
    await fails("Malformed", async () => world.client("bob", { acceptShares: "sometimes" as never }));
  }),
};
