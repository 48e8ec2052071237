/** Owners of a keychain against each other and against members: one, two and three of them. */

import type { Client, OwnerProposal, Owners } from "@keyfold/client";
import { equal, fails } from "../src/assert.ts";
import type { Scenario, Scenarios } from "../src/scenario.ts";
import { type World, scenario } from "./world.ts";

const ALL = { allowSharing: true, allowRotation: true, allowDeletion: true, allowManagement: true };

const NONE = { allowSharing: false, allowRotation: false, allowDeletion: false, allowManagement: false };

/** Alice's keychain: bob with all permissions and carol are members. */
interface Notes {
  readonly alice: Client;
  readonly bob: Client;
  readonly carol: Client;
  readonly kc: string;
}

/** They ask when they are told to, and not by themselves. */
async function member(world: World, userId: string): Promise<Client> {
  return world.person(userId, { handleNotifications: false });
}

async function notes(world: World): Promise<Notes> {
  const [alice, bob] = [await member(world, "alice"), await member(world, "bob")];
  const carol = await member(world, "carol");
  const { keychainFingerprint: kc } = await alice.createNewKeychain("notes", "secretBox");
  await alice.shareMostRecentKey(kc, { userId: "bob" }, { permissions: ALL });
  await alice.shareMostRecentKey(kc, { userId: "carol" });
  await bob.sync();
  await carol.sync();
  return { alice, bob, carol, kc };
}

/** Alice and bob own it. */
async function ofTwo(world: World): Promise<Notes> {
  const all = await notes(world);
  equal((await all.alice.addOwner("bob", all.kc)).owners, ["alice", "bob"], "owners");
  return all;
}

/** All three own it. */
async function ofThree(world: World): Promise<Notes> {
  const all = await ofTwo(world);
  const waiting = await all.alice.addOwner("carol", all.kc);
  const decided = await all.bob.approveProposal(only(waiting).id, all.kc);
  equal([decided.owners, decided.quorum], [["alice", "bob", "carol"], 2], "owners");
  return all;
}

function only(owners: Owners): OwnerProposal {
  const [proposal, ...others] = owners.proposals;
  if (proposal === undefined || others.length > 0) throw new Error("not one proposal");
  return proposal;
}

/** Everybody's client comes to the same owners. */
async function owned({ alice, bob, carol, kc }: Notes, expected: readonly string[]): Promise<void> {
  for (const person of [alice, bob, carol]) equal((await person.getOwners(kc)).owners, expected, "owners");
}

function of(stage: (world: World) => Promise<Notes>, run: (notes: Notes) => Promise<void>): Scenario {
  return scenario(async (world) => run(await stage(world)));
}

export const scenarios: Scenarios = {
  "S17 owners: a member with all permissions makes no owner, removes none, and bans none": of(
    notes,
    async (all) => {
      const { alice, bob, carol, kc } = all;
      await fails("NotAnOwner", () => bob.addOwner("bob", kc));
      await fails("NotAnOwner", () => bob.addOwner("carol", kc));
      await fails("NotAnOwner", () => bob.removeOwner("alice", kc));
      await fails("OwnerProtected", () => bob.banUser("alice", kc));
      await fails("OwnerProtected", () => bob.setPermissions("alice", kc, { allowSharing: false }));
      await fails("NotAnOwner", () => carol.nameSuccessor(kc, kc));
      await owned(all, ["alice"]);
      equal((await alice.getPermissions(kc)).allowManagement, true, "alice's permissions");
    },
  ),

  "S17 owners: the only one neither leaves nor removes himself": of(notes, async (all) => {
    const { alice, kc } = all;
    await fails("LastOwner", () => alice.banUser("alice", kc));
    await fails("RemovalOfOneself", () => alice.removeOwner("alice", kc));
    await owned(all, ["alice"]);
  }),

  "S17 owners: of two neither removes nor bans the other, whoever votes for it, and how often": of(
    ofTwo,
    async (all) => {
      const { alice, bob, carol, kc } = all;
      const { id } = only(await alice.removeOwner("bob", kc));
      equal(only(await alice.removeOwner("bob", kc)).approvals, ["alice"], "said again, it is one vote");
      equal(only(await alice.approveProposal(id, kc)).approvals, ["alice"], "and approved by oneself too");
      await fails("RemovalOfOneself", () => bob.approveProposal(id, kc));
      await fails("NotAnOwner", () => carol.approveProposal(id, kc));
      await fails("OwnerProtected", () => alice.banUser("bob", kc));
      await fails("OwnerProtected", () => alice.setPermissions("bob", kc, { allowDeletion: false }));
      // A friend who is voted in would help: it takes both to vote one in.
      equal((await alice.addOwner("carol", kc)).proposals.length, 2, "proposals");
      await owned(all, ["alice", "bob"]);
    },
  ),

  "S17 owners: an approval counts once, and not for what lapsed": of(ofTwo, async (all) => {
    const { alice, bob, carol, kc } = all;
    const removal = only(await alice.removeOwner("bob", kc)).id;
    const friend = (await bob.addOwner("carol", kc)).proposals.find(
      ({ decision }) => decision === "addOwner",
    );
    const decided = await alice.approveProposal(friend?.id ?? "", kc);
    equal([decided.owners, decided.proposals], [["alice", "bob", "carol"], []], "owners have changed");
    await fails("NoSuchProposal", () => alice.approveProposal(friend?.id ?? "", kc));
    await fails("NoSuchProposal", () => carol.approveProposal(removal, kc));
    await owned(all, ["alice", "bob", "carol"]);
  }),

  "S17 owners: two of three remove the third, who keeps nothing but reading until he is banned": of(
    ofThree,
    async (all) => {
      const { alice, bob, carol, kc } = all;
      const { id } = only(await alice.removeOwner("bob", kc));
      await fails("OwnerProtected", () => alice.banUser("bob", kc));
      equal((await carol.approveProposal(id, kc)).owners, ["alice", "carol"], "owners");
      equal(await bob.getPermissions(kc), NONE, "not even what he had before");
      await fails("NotAnOwner", () => bob.removeOwner("alice", kc));
      await fails("NoSuchProposal", () => carol.approveProposal(id, kc));
      equal(await bob.decrypt(await alice.encrypt("still here", kc)), "still here", "bob reads");
      await alice.banUser("bob", kc);
      const text = await alice.encrypt("without him", kc);
      await bob.sync().catch(() => undefined);
      await fails("NoSlot", () => bob.decrypt(text));
      await carol.sync();
      equal(await carol.decrypt(text), "without him", "carol reads");
    },
  ),

  "S17 owners: who wants to remove whom at once, the first in the ledger wins, and the other lapses": of(
    ofThree,
    async (all) => {
      const { alice, bob, carol, kc } = all;
      await Promise.all([alice.removeOwner("bob", kc), bob.removeOwner("alice", kc)]);
      const [first, second] = (await carol.getOwners(kc)).proposals;
      const decided = await carol.approveProposal(first?.id ?? "", kc);
      const left = ["alice", "bob", "carol"].filter((userId) => userId !== first?.subject);
      equal([decided.owners, decided.proposals], [left, []], "who is left");
      await fails("NoSuchProposal", () => carol.approveProposal(second?.id ?? "", kc));
      await owned(all, left);
    },
  ),

  "S17 owners: a vote goes with the owner who gave it": of(ofThree, async (all) => {
    const { alice, bob, carol, kc } = all;
    const { id } = only(await alice.removeOwner("bob", kc));
    await alice.banUser("alice", kc);
    await fails("NoSuchProposal", () => carol.approveProposal(id, kc));
    for (const person of [bob, carol]) equal((await person.getOwners(kc)).owners, ["bob", "carol"], "owners");
    // Two are left: one of them is no majority.
    equal((await carol.removeOwner("bob", kc)).owners, ["bob", "carol"], "owners");
  }),
};
