/**
 * Attacks by name, as the threat model numbers them: an operator who holds the server's signing key lies, alone or with
 * a member. What the client must not do is asserted on the traffic that the operator captured.
 */

import type { Client } from "@keyfold/client";
import { equal, eventually, fails, ok } from "../src/assert.ts";
import type { Liar, Lie, LyingScenarios } from "../src/liar.ts";
import { next, record } from "./events.ts";
import { type World, lied } from "./world.ts";

/** Alice, who has a keychain and knows bob. */
async function acquainted(world: World): Promise<{ alice: Client; bob: Client; keychain: string }> {
  const [alice, bob] = [await world.person("alice"), await world.person("bob")];
  const { keychainFingerprint } = await alice.createNewKeychain("notes", "secretBox");
  ok((await alice.getUserIdentity("bob")) !== null, "alice knows bob");
  return { alice, bob, keychain: keychainFingerprint };
}

/** Every way to share is refused with the code, and nothing that could hold a key leaves the client. */
async function sharesNothing(liar: Liar, alice: Client, keychain: string, code: string): Promise<void> {
  const key = alice.findKeyByKeychainFingerprint(keychain)?.keyFingerprint ?? "";
  const bob = { userId: "bob" };
  const sent = await liar.sentDuring(async () => {
    await fails(code, () => alice.getUserIdentity("bob"));
    await fails(code, () => alice.getUsersIdentities(["alice", "bob"]));
    await fails(code, () => alice.shareMostRecentKey(keychain, bob));
    await fails(code, () => alice.shareCompleteKeychain(keychain, bob));
    await fails(code, () => alice.shareKey(keychain, key, bob));
    await fails(code, () => alice.shareMostRecentKey(keychain, [{ userId: "alice" }, bob]));
  });
  equal(
    sent.filter((asked) => asked.writes),
    [],
    "requests that write",
  );
  // A wrap has more than a thousand bytes. Questions about people and ledgers are short.
  const long = sent.filter((asked) => asked.body.length > 600);
  equal(
    long.map((asked) => asked.path),
    [],
    "requests that are long enough for a wrap",
  );
  ok(sent.length > 0, "the client asked");
}

/** After the truth, sharing works. */
async function sharesAgain(liar: Liar, alice: Client, bob: Client, keychain: string): Promise<void> {
  await liar.beHonest();
  await alice.shareMostRecentKey(keychain, { userId: "bob" });
  // Bob may have been lied to as well, about himself: then his connection comes back later.
  await bob.sync();
  ok(bob.findKeyByKeychainFingerprint(keychain) !== undefined, "bob has the key");
}

const swaps: Readonly<Record<string, { lie: Lie; code: string }>> = {
  "other self-consistent keys": { lie: { kind: "identity-swap", user: "bob" }, code: "IdentityChanged" },
  "somebody else's account": {
    lie: { kind: "identity-of", user: "bob", shown: "alice" },
    code: "IdentityChanged",
  },
  "a forked ledger": { lie: { kind: "identity-fork", user: "bob" }, code: "IdentityChanged" },
  "the state before the sign-up": { lie: { kind: "identity-old", user: "bob" }, code: "IdentityChanged" },
};

const identitySwaps: LyingScenarios = Object.fromEntries(
  Object.entries(swaps).map(([what, { lie, code }]) => [
    `S1 identity swap: ${what} for bob, after alice knew him`,
    lied(async (world, liar) => {
      const { alice, bob, keychain } = await acquainted(world);
      await liar.lie(lie);
      await sharesNothing(liar, alice, keychain, code);
      await sharesAgain(liar, alice, bob, keychain);
    }),
  ]),
);

/** A keychain of alice's and bob's, and an insider, whose keys the operator has: a member who may only share. */
async function infiltrated(
  world: World,
  liar: Liar,
): Promise<{ alice: Client; bob: Client; keychain: string }> {
  const people = await acquainted(world);
  const { alice, bob, keychain } = people;
  await liar.person("insider");
  const received = next(bob, "keyReceived");
  await alice.shareMostRecentKey(keychain, { userId: "bob" });
  await received;
  await alice.shareMostRecentKey(keychain, { userId: "insider" }, { permissions: { allowSharing: true } });
  await liar.sync("insider");
  await eventually(
    "the insider is a member",
    async () => (await alice.getParticipants(keychain)).length === 3,
  );
  await eventually("bob knows it", async () => (await bob.getParticipants(keychain)).length === 3);
  return people;
}

/** What is injected changes no current key, and is written under by nobody; after the truth all goes on. */
async function staysCurrent(
  liar: Liar,
  people: Client[],
  keychain: string,
  lie: Lie,
  code: string,
): Promise<void> {
  const key = people[0]?.findKeyByKeychainFingerprint(keychain)?.keyFingerprint;
  ok(key !== undefined, "there is a current key");
  await liar.lie(lie);
  for (const person of people) {
    const { events, off } = record(person);
    await fails(code, () => person.getParticipants(keychain));
    await fails(code, () => person.sync());
    equal(person.findKeyByKeychainFingerprint(keychain)?.keyFingerprint, key, "the current key");
    equal(
      (person.keys[keychain] ?? []).filter((held) => held.keyFingerprint !== key).length,
      0,
      "other keys",
    );
    // Whatever is encrypted now is encrypted under the key that everybody has, or not at all.
    const text = await person.encrypt("now", keychain).catch(() => undefined);
    if (text !== undefined)
      equal((await person.open(text)).keyFingerprint, key, "what it is encrypted under");
    off();
    equal(
      events.filter((event) => /keyReceived|keyRotated/.test(event)),
      [],
      "events",
    );
  }
  await liar.beHonest();
  for (const person of people) {
    await person.sync();
    equal(
      person.findKeyByKeychainFingerprint(keychain)?.keyFingerprint,
      key,
      "the current key, after the truth",
    );
  }
}

export const scenarios: LyingScenarios = {
  ...identitySwaps,

  "S1 identity swap: somebody else's account under bob's name, at first sight": lied(async (world, liar) => {
    const [alice, bob] = [await world.person("alice"), await world.person("bob")];
    await world.person("carol");
    const { keychainFingerprint } = await alice.createNewKeychain("notes", "secretBox");
    await liar.lie({ kind: "identity-of", user: "bob", shown: "carol" });
    await sharesNothing(liar, alice, keychainFingerprint, "IdentityChanged");
    await sharesAgain(liar, alice, bob, keychainFingerprint);
  }),

  "S1 identity swap: the application is told once, by identityChanged": lied(async (world, liar) => {
    const { alice } = await acquainted(world);
    const told: string[] = [];
    alice.on("identityChanged", ({ userId }) => told.push(userId));
    await liar.lie({ kind: "identity-swap", user: "bob" });
    await fails("IdentityChanged", () => alice.getUserIdentity("bob"));
    await eventually("it was told", () => told.length > 0);
    await fails("IdentityChanged", () => alice.getUserIdentity("bob"));
    equal(told, ["bob"], "whom it concerns");
  }),

  "S1 identity swap: the person compares words and takes the true one": lied(async (world, liar) => {
    const [alice, bob] = [await world.person("alice"), await world.person("bob")];
    const { keychainFingerprint } = await alice.createNewKeychain("notes", "secretBox");
    const words = await bob.safetyWords("alice");
    await liar.lie({ kind: "identity-swap", user: "bob" });
    const swapped = await alice.getUserIdentity("bob");
    ok((await alice.safetyWords("bob")) !== words, "the words differ");
    await fails("NotVerified", () => alice.verifyIdentity("bob", words));
    await liar.beHonest();
    // She cannot tell the truth from a lie, and stops; what bob says decides.
    await sharesNothing(liar, alice, keychainFingerprint, "IdentityChanged");
    await fails("IdentityChanged", () => alice.verifyIdentity("bob", words));
    await fails("NotVerified", () => alice.acceptIdentity("bob", swapped?.uri ?? ""));
    await sharesNothing(liar, alice, keychainFingerprint, "IdentityChanged");
    const accepted = await alice.acceptIdentity("bob", words);
    equal(accepted.formerAccountId, swapped?.accountId, "whose place it took");
    equal(accepted.identity.accountId, bob.publicIdentity?.accountId, "who is bob now");
    await sharesAgain(liar, alice, bob, keychainFingerprint);
  }),

  "S2 key injection: a rotation by a member who may only share": lied(async (world, liar) => {
    const { alice, bob, keychain } = await infiltrated(world, liar);
    const lie = { kind: "inject-rotation", keychain, signer: "insider", author: "insider" } as const;
    await staysCurrent(liar, [alice, bob], keychain, lie, "RotationNotAllowed");
  }),

  "S2 key injection: a rotation by a banned ex-member": lied(async (world, liar) => {
    const { alice, bob, keychain } = await infiltrated(world, liar);
    const { keyFingerprint } = await alice.banUser("insider", keychain);
    await eventually(
      "bob follows",
      () => bob.findKeyByKeychainFingerprint(keychain)?.keyFingerprint === keyFingerprint,
    );
    const lie = { kind: "inject-rotation", keychain, signer: "insider", author: "insider" } as const;
    const known = (person: Client): string[] =>
      (person.keys[keychain] ?? []).map((key) => key.keyFingerprint);
    const before = [known(alice), known(bob)];
    await liar.lie(lie);
    for (const person of [alice, bob]) await fails("AuthorBanned", () => person.getParticipants(keychain));
    equal([known(alice), known(bob)], before, "keys");
    await liar.beHonest();
    const text = await alice.encrypt("after the ban", keychain);
    equal(await bob.decrypt(text), "after the ban", "who stayed reads");
    equal((await alice.open(text)).keyFingerprint, keyFingerprint, "what it is encrypted under");
  }),

  "S2 key injection: a rotation in alice's name that the operator signed": lied(async (world, liar) => {
    const { alice, bob, keychain } = await infiltrated(world, liar);
    const lie = { kind: "inject-rotation", keychain, signer: "insider", author: "alice" } as const;
    await staysCurrent(liar, [alice, bob], keychain, lie, "BadSignature");
  }),

  "S2 key injection: wraps that were altered or withheld are no keys, and the true ones are found later":
    lied(async (world, liar) => {
      for (const kind of ["altered-wraps", "no-wraps"] as const) {
        const alice = await world.person(`alice of ${kind}`);
        const bob = await world.person(`bob of ${kind}`, { handleNotifications: false });
        const { keychainFingerprint } = await alice.createNewKeychain("notes", "secretBox");
        const text = await alice.encrypt("hello", keychainFingerprint);
        await alice.shareMostRecentKey(keychainFingerprint, { userId: `bob of ${kind}` });
        await liar.lie({ kind });
        await bob.sync().catch(() => undefined);
        await fails("WrapMissing", () => bob.decrypt(text));
        await liar.beHonest();
        await bob.sync();
        equal(await bob.decrypt(text), "hello", "what bob reads after the truth");
      }
    }),

  "S3 ghost member: an entry by a stranger is not believed, and nobody lists or wraps to him": lied(
    async (world, liar) => {
      const { alice, bob, keychain } = await infiltrated(world, liar);
      await liar.person("stranger");
      const lie = { kind: "inject-rotation", keychain, signer: "stranger", author: "stranger" } as const;
      await staysCurrent(liar, [alice, bob], keychain, lie, "NotAMember");
      await liar.lie(lie);
      const sent = await liar.sentDuring(async () => {
        await fails("NotAMember", () => alice.rotateKey(keychain));
      });
      equal(
        sent.filter((asked) => asked.writes),
        [],
        "requests that write",
      );
      await liar.beHonest();
      const people = await alice.getParticipants(keychain, undefined, { pending: true });
      equal(people.map((one) => one.userId).sort(), ["alice", "bob", "insider"], "participants");
    },
  ),

  "S10 rollback: an older state of a keychain, and nothing is written upon it": lied(async (world, liar) => {
    const { alice, keychain } = await acquainted(world);
    const second = await alice.rotateKey(keychain);
    await liar.lie({ kind: "rollback", keychain });
    const sent = await liar.sentDuring(async () => {
      await fails("Rollback", () => alice.getParticipants(keychain));
      await fails("Rollback", () => alice.rotateKey(keychain));
      await fails("Rollback", () => alice.encrypt("upon it", keychain));
      await fails("Rollback", () => alice.sync());
    });
    equal(
      sent.filter((asked) => asked.writes),
      [],
      "requests that write",
    );
    equal(
      alice.findKeyByKeychainFingerprint(keychain)?.keyFingerprint,
      second.keyFingerprint,
      "the current key",
    );
    await liar.beHonest();
    await alice.rotateKey(keychain);
  }),

  "S18 replay: an unsigned verdict is a network error, and changes nothing": lied(async (world, liar) => {
    const alice = await world.person("alice");
    for (const [status, code] of [
      [401, "LoggedOut"],
      [401, "UnknownDevice"],
      [404, "UnknownUser"],
      [500, "Internal"],
    ] as const) {
      await liar.lie({ kind: "error", path: "", status, code, signed: false });
      await fails("BadServerSignature", () => alice.getUserIdentity("bob"));
    }
    await liar.beHonest();
    equal([alice.state.status, await alice.getUserIdentity("bob")], ["in", null], "as before");
  }),

  "S18 replay: what was done and not answered is done once": lied(async (world, liar) => {
    const alice = await world.person("alice");
    await liar.lie({ kind: "lost-reply", path: "/v1/scopes" });
    await fails("BadServerSignature", () => alice.createNewKeychain("notes", "secretBox"));
    await liar.beHonest();
    await alice.sync();
    equal(
      alice.state.keychains.map((keychain) => keychain.purpose),
      ["notes"],
      "keychains",
    );
  }),
};
