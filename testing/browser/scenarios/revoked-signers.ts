/**
 * Revoked signers: what a device that was taken away, or a former generation of an account's keys, signs. Which entry
 * counts is decided by the head of the account that it cites; the same table stands in `vectors/ledger`.
 */

import type { Client } from "@keyfold/client";
import { equal, fails, ok } from "../src/assert.ts";
import type { Liar, Lie, LyingScenarios } from "../src/liar.ts";
import { type World, lied } from "./world.ts";

/** They ask when they are told to, and not by themselves. */
const ALONE = { handleNotifications: false };

/** Alice's and bob's keychain, in which an insider, whose keys the operator has, may rotate. */
async function infiltrated(
  world: World,
  liar: Liar,
): Promise<{ alice: Client; bob: Client; keychain: string }> {
  const [alice, bob] = [await world.person("alice", ALONE), await world.person("bob", ALONE)];
  await liar.person("insider");
  const { keychainFingerprint: keychain } = await alice.createNewKeychain("notes", "secretBox");
  await alice.shareMostRecentKey(keychain, { userId: "bob" });
  await alice.shareMostRecentKey(keychain, { userId: "insider" }, { permissions: { allowRotation: true } });
  await liar.sync("insider");
  await bob.sync();
  await alice.sync();
  return { alice, bob, keychain };
}

function current(person: Client, keychain: string): string | undefined {
  return person.findKeyByKeychainFingerprint(keychain)?.keyFingerprint;
}

/**
 * A rotation that the former generation signed is refused with the code, and its key is nobody's. Whoever follows may
 * make a key of his own meanwhile: after an exclusion one is due.
 */
async function refused(
  liar: Liar,
  people: readonly Client[],
  keychain: string,
  cites: "first" | "newest" | "newest-as-first",
  code: string,
): Promise<void> {
  const held: string[] = [];
  for (const person of people) {
    const lie: Lie = { kind: "inject-rotation", keychain, signer: "insider", author: "insider", cites };
    await liar.lie(lie);
    await fails(code, () => person.getParticipants(keychain));
    await fails(code, () => person.getOwners(keychain));
    await fails(code, () => person.sync());
    held.push(...(person.keys[keychain] ?? []).map(({ keyFingerprint }) => keyFingerprint));
    await liar.beHonest();
    await person.sync();
  }
  for (const person of people) {
    await person.sync();
    const { entries, state } = await person.audit.keychain(keychain);
    const made = entries.filter(({ actions }) => actions.some(({ kind }) => kind === "rotate"));
    equal(
      made.filter(({ author }) => author.userId === "insider"),
      [],
      `keys that the former generation made, citing the ${cites}`,
    );
    equal(
      held.filter((key) => !state.keys.includes(key)),
      [],
      "keys that are in no ledger",
    );
  }
}

export const scenarios: LyingScenarios = {
  "S14 revoked signer: a former generation signs for the account as it is now": lied(async (world, liar) => {
    const { alice, bob, keychain } = await infiltrated(world, liar);
    await liar.generation("insider");
    await refused(liar, [alice, bob], keychain, "newest", "BadSignature");
    await refused(liar, [alice, bob], keychain, "newest-as-first", "CitationUnknown");
  }),

  "S14 revoked signer: a former generation goes back to the head that it stood at": lied(
    async (world, liar) => {
      const { alice, bob, keychain } = await infiltrated(world, liar);
      await liar.generation("insider");
      // Whoever wraps to him cites him as he is; from then on nothing may cite what was before.
      await alice.getUserIdentity("insider");
      await alice.rotateKey(keychain);
      await bob.sync();
      equal(current(bob, keychain), current(alice, keychain), "the key that all have");
      await refused(liar, [alice, bob], keychain, "first", "CitationGoesBack");
    },
  ),

  "S14 revoked signer: what a generation signed while it was the newest stays, and is read": lied(
    async (world, liar) => {
      const { alice, bob, keychain } = await infiltrated(world, liar);
      const before = await alice.audit.keychain(keychain);
      ok(
        before.entries.some(({ author }) => author.userId === "insider"),
        "he signed something",
      );
      await liar.generation("insider");
      await alice.rotateKey(keychain);
      await bob.sync();
      const after = await bob.audit.keychain(keychain);
      equal(
        after.entries.slice(0, before.entries.length).map(({ entryHash }) => entryHash),
        before.entries.map(({ entryHash }) => entryHash),
        "the entries from before",
      );
      equal((await bob.getUserIdentity("insider"))?.generation, 1, "his generation");
    },
  ),

  "S14 revoked signer: an account whose revoked device wrote on is refused, at first sight and later": lied(
    async (world, liar) => {
      const { alice, bob, keychain } = await infiltrated(world, liar);
      const stranger = await world.person("carol", ALONE);
      await liar.lie({ kind: "revoked-device", user: "insider" });
      await fails("NotAHolder", () => stranger.getUserIdentity("insider"));
      for (const person of [alice, bob]) {
        await fails("NotAHolder", () => person.getUserIdentity("insider"));
        await fails("NotAHolder", () => person.audit.account("insider"));
      }
      await liar.beHonest();
      equal((await stranger.getUserIdentity("insider"))?.generation, 0, "the true account");
      equal((await alice.getUserIdentity("insider"))?.generation, 0, "for alice too");
      await alice.rotateKey(keychain);
    },
  ),
};
