/**
 * Shortcuts: a client that starts again goes on from the state that it stored, and does not replay a ledger from its
 * first entry. Whatever the operator shows in place of what follows there is refused by name, and what comes out is
 * what somebody sees who replays all of it.
 */

import type { Client, KeychainAudit } from "@keyfold/client";
import { equal, fails } from "../src/assert.ts";
import type { Liar, LyingScenarios } from "../src/liar.ts";
import { type World, lied } from "./world.ts";

/** They ask when they are told to, and not by themselves. */
const ALONE = { handleNotifications: false };

/** A keychain with a history: alice's and bob's, who may share it and rotate, and carol's, who was banned; and another. */
interface Stage {
  readonly alice: Client;
  readonly bob: Client;
  readonly kc: string;
  readonly other: string;
}

async function stage(world: World): Promise<Stage> {
  const [alice, bob] = [await world.person("alice", ALONE), await world.person("bob", ALONE)];
  await world.person("carol", ALONE);
  const { keychainFingerprint: kc } = await alice.createNewKeychain("notes", "secretBox");
  const permissions = { allowRotation: true, allowSharing: true };
  await alice.shareCompleteKeychain(kc, { userId: "bob" }, { permissions });
  await alice.shareMostRecentKey(kc, { userId: "carol" });
  await bob.sync();
  await alice.rotateKey(kc);
  await alice.banUser("carol", kc);
  const { keychainFingerprint: other } = await alice.createNewKeychain("letters", "secretBox");
  for (let entries = 0; entries < 9; entries += 1) await alice.rotateKey(other);
  await bob.sync();
  return { alice, bob, kc, other };
}

/** Somebody's client ends, and another one starts on what it stored. */
async function startAgain(world: World, person: Client, userId: string): Promise<Client> {
  person.close();
  const again = world.client(userId, ALONE);
  await again.login(userId);
  return again;
}

/** Whatever looks at the keychain is refused, and nothing is written. */
async function refuses(liar: Liar, person: Client, kc: string): Promise<void> {
  const code = "Rollback";
  const sent = await liar.sentDuring(async () => {
    await fails(code, () => person.sync());
    await fails(code, () => person.getParticipants(kc));
    await fails(code, () => person.encrypt("upon it", kc));
    await fails(code, () => person.rotateKey(kc));
    await fails(code, () => person.shareCompleteKeychain(kc, { userId: "carol" }));
  });
  equal(
    sent.filter((asked) => asked.writes),
    [],
    "requests that write",
  );
}

/** What there is to know of a keychain: who may do what, its keys, and each entry of an audit. */
async function seen(person: Client, kc: string): Promise<unknown> {
  const people = await person.getParticipants(kc, undefined, { pending: true });
  const members = people.map(({ userId, accountId, owner, permissions, state, since, sharedBy }) => ({
    ...{ userId, accountId, owner, permissions, state, since, sharedBy },
  }));
  const audit: KeychainAudit = await person.audit.keychain(kc);
  const { seq, entryHash, entries, state } = audit;
  members.sort((a, b) => (a.accountId < b.accountId ? -1 : 1));
  const keys = (person.keys[kc] ?? []).map(({ keyFingerprint }) => keyFingerprint).reverse();
  equal(keys, state.keys, "the keys that are held, and those of the ledger");
  return { members, seq, entryHash, entries, state };
}

/** Somebody who has never seen the keychain is shared with, and replays all of it. */
async function equalsReplay(world: World, sharer: Client, person: Client, kc: string): Promise<void> {
  const newcomer = await world.person("newcomer", ALONE);
  await sharer.shareCompleteKeychain(kc, { userId: "newcomer" });
  await newcomer.sync();
  await person.sync();
  equal(await seen(person, kc), await seen(newcomer, kc), "who went on, and who replayed all of it");
}

/** A lie to somebody who starts again; then the truth. */
function shown(tell: (liar: Liar, stage: Stage) => Promise<void>): LyingScenarios[string] {
  return lied(async (world, liar) => {
    const set = await stage(world);
    const { alice, kc } = set;
    await tell(liar, set);
    const bob = await startAgain(world, set.bob, "bob");
    await refuses(liar, bob, kc);
    await liar.beHonest();
    const { keyFingerprint } = await bob.rotateKey(kc);
    await alice.sync();
    equal(alice.findKeyByKeychainFingerprint(kc)?.keyFingerprint, keyFingerprint, "the current key");
    await equalsReplay(world, alice, bob, kc);
  });
}

export const scenarios: LyingScenarios = {
  "S12 shortcuts: who starts again is shown an older head": shown((liar, { kc }) =>
    liar.lie({ kind: "rollback", keychain: kc }),
  ),

  "S12 shortcuts: who starts again is shown another head under the number that he stored": shown(
    (liar, { kc }) => liar.lie({ kind: "other-head", keychain: kc }),
  ),

  "S12 shortcuts: who starts again is shown another keychain's ledger from his head on": shown(
    (liar, { kc, other }) => liar.lie({ kind: "other-ledger", keychain: kc, shown: other }),
  ),

  "S12 shortcuts: who starts again is shown a fork from before the head that he stored": lied(
    async (world, liar) => {
      const { alice, bob, kc } = await stage(world);
      await liar.lie({ kind: "fork" });
      await alice.rotateKey(kc);
      await alice.rotateKey(kc);
      await liar.beHonest();
      await bob.rotateKey(kc);
      await liar.lie({ kind: "show-fork" });
      const again = await startAgain(world, bob, "bob");
      await refuses(liar, again, kc);
      await liar.beHonest();
      await again.rotateKey(kc);
      // Alice was on the other side, and does not believe this one either.
      await fails("Rollback", () => alice.sync());
      await equalsReplay(world, again, again, kc);
    },
  ),

  "S12 shortcuts: whenever one starts again, and whatever came meanwhile, one sees what a replay sees": lied(
    async (world) => {
      const { alice, bob, kc } = await stage(world);
      let person = bob;
      const steps: ((alice: Client) => Promise<unknown>)[] = [
        (alice) => alice.rotateKey(kc),
        (alice) => alice.setPermissions("bob", kc, { allowSharing: false }),
        (alice) => alice.shareMostRecentKey(kc, { userId: "carol" }),
        (alice) => alice.banUser("carol", kc),
        (alice) => alice.addOwner("bob", kc),
      ];
      for (const step of steps) {
        await step(alice);
        person = await startAgain(world, person, "bob");
        await person.sync();
      }
      await equalsReplay(world, alice, person, kc);
    },
  ),
};
