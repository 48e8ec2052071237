/**
 * Substitution: an operator puts the wrap of one key where that of another belongs. A wrap is bound to the scope, the
 * key's number and the recipient, and its key to the entry that made it, so nothing opens to a key but the true one.
 */

import type { Client } from "@keyfold/client";
import { equal, fails, ok } from "../src/assert.ts";
import type { Lie, LyingScenarios } from "../src/liar.ts";
import { type World, lied } from "./world.ts";

type Other = Extract<Lie, { kind: "swapped-wraps" }>["other"];

/** They ask when they are told to, and not by themselves. */
const ALONE = { handleNotifications: false };

/** What the wraps in bob's places are really of. */
const OTHERS: Readonly<Record<Other, string>> = {
  number: "of another key number",
  recipient: "of another member",
  scope: "of another keychain or group",
  author: "of a key that somebody else chose, for the very place",
};

/** A text under each of two keys of a keychain that alice shared with bob and carol. */
async function twoKeys(alice: Client, purpose: string, history: boolean): Promise<[string, string, string]> {
  const { keychainFingerprint: kc } = await alice.createNewKeychain(purpose, "secretBox");
  const first = await alice.encrypt("first", kc);
  const both = [{ userId: "bob" }, { userId: "carol" }];
  if (history) await alice.shareCompleteKeychain(kc, both);
  else await alice.shareMostRecentKey(kc, both);
  await alice.rotateKey(kc);
  return [kc, first, await alice.encrypt("second", kc)];
}

/** Alice, and bob and carol who have asked for nothing yet. */
async function three(world: World): Promise<[Client, Client, Client]> {
  const [alice, bob] = [await world.person("alice", ALONE), await world.person("bob", ALONE)];
  return [alice, bob, await world.person("carol", ALONE)];
}

function held(person: Client, keychain: string): string[] {
  return (person.keys[keychain] ?? []).map((key) => key.keyFingerprint).sort();
}

const substitutions: LyingScenarios = Object.fromEntries(
  (Object.keys(OTHERS) as Other[]).map((other) => [
    `S6 substitution: a wrap ${OTHERS[other]} is no key, and the true one is found later`,
    lied(async (world, liar) => {
      const [alice, bob, carol] = await three(world);
      // Of each length that wraps have, two keychains: so each position has others that fit it.
      const shared = [
        await twoKeys(alice, "notes", false),
        await twoKeys(alice, "letters", false),
        await twoKeys(alice, "plans", true),
        await twoKeys(alice, "archive", true),
      ];
      await liar.lie({ kind: "swapped-wraps", other });
      for (const person of [bob, carol]) {
        await person.sync().catch(() => undefined);
        for (const [kc, first, second] of shared) {
          equal(held(person, kc), [], "keys");
          await fails("WrapMissing", () => person.decrypt(first));
          await fails("WrapMissing", () => person.decrypt(second));
          await fails("WrapMissing", () => person.encrypt("under which key?", kc));
        }
      }
      await liar.beHonest();
      for (const person of [bob, carol]) {
        await person.sync();
        for (const [kc, first, second] of shared) {
          equal(held(person, kc), held(alice, kc), "keys, after the truth");
          equal([await person.decrypt(first), await person.decrypt(second)], ["first", "second"], "texts");
        }
      }
    }),
  ]),
);

export const scenarios: LyingScenarios = {
  ...substitutions,

  "S6 substitution: who holds the keys so far takes no other for the next one": lied(async (world, liar) => {
    const [alice, bob] = await three(world);
    const [kc] = await twoKeys(alice, "notes", false);
    await twoKeys(alice, "letters", false);
    await bob.sync();
    const before = held(bob, kc);
    for (const other of Object.keys(OTHERS) as Other[]) {
      await alice.rotateKey(kc);
      const text = await alice.encrypt(`now ${other}`, kc);
      await liar.lie({ kind: "swapped-wraps", other });
      await bob.sync().catch(() => undefined);
      equal(held(bob, kc), before, `keys, while wraps are ${OTHERS[other]}`);
      await fails("WrapMissing", () => bob.decrypt(text));
      await fails("WrapMissing", () => bob.encrypt("under the former key?", kc));
      await liar.beHonest();
      await bob.sync();
      equal(await bob.decrypt(text), `now ${other}`, "what bob reads after the truth");
      before.splice(0, before.length, ...held(bob, kc));
      ok(before.length > 0, "he has the keys again");
    }
  }),

  "S6 substitution: a group's wraps are no keychain's, and the other way round": lied(async (world, liar) => {
    const [alice, bob] = await three(world);
    const team = await alice.groups.create("team");
    const { keychainFingerprint: kc } = await alice.createNewKeychain("notes", "secretBox");
    const text = await alice.encrypt("to the team", kc);
    await alice.groups.add(team, { userId: "bob" });
    await alice.shareCompleteKeychain(kc, team);
    await alice.shareCompleteKeychain(kc, { userId: "bob" });
    await liar.lie({ kind: "swapped-wraps", other: "scope" });
    await bob.sync().catch(() => undefined);
    equal(held(bob, kc), [], "keys");
    await fails("WrapMissing", () => bob.decrypt(text));
    await liar.beHonest();
    await bob.sync();
    equal(await bob.decrypt(text), "to the team", "what bob reads after the truth");
  }),
};
