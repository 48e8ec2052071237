import { afterAll, beforeAll, expect, test } from "vitest";
import type { Client } from "../src/node.js";
import type { ClientEvents } from "../src/types.js";
import { Server, codeOf, until } from "./server.js";

let server: Server;
beforeAll(async () => {
  server = await Server.start();
});
afterAll(() => server.close());

let teams = 0;
/** A keychain of alice's that bob and carol are in, all of them listening. */
async function team(): Promise<{ alice: Client; bob: Client; carol: Client; kc: string; ids: string[] }> {
  teams += 1;
  const ids = ["alice", "bob", "carol"].map((name) => `${name}-${teams}`);
  const [alice, bob, carol] = [server.client(), server.client(), server.client()];
  await Promise.all([alice, bob, carol].map((client, at) => client.signup(ids[at] ?? "")));
  for (const client of [alice, bob, carol]) client.subscribe(() => undefined);
  await until(() => [alice, bob, carol].every((client) => client.state.sync === "online"));
  const { keychainFingerprint: kc } = await alice.createNewKeychain("team", "secretBox");
  await alice.shareCompleteKeychain(kc, await alice.getUsersIdentities(ids.slice(1)));
  await until(() => bob.keys[kc] && carol.keys[kc]);
  return { alice, bob, carol, kc, ids };
}

const NONE = { allowSharing: false, allowRotation: false, allowDeletion: false, allowManagement: false };

test("permissions are denied by default, set one by one, and told", async () => {
  const { alice, bob, kc, ids } = await team();
  const [aliceId = "", bobId = ""] = ids;
  expect(await bob.getPermissions(kc)).toEqual(NONE);
  expect(await codeOf(bob.rotateKey(kc))).toBe("RotationNotAllowed");
  const told: ClientEvents["permissionsUpdated"][] = [];
  bob.on("permissionsUpdated", (payload) => told.push(payload));
  const granted = { ...NONE, allowRotation: true, allowSharing: true };
  expect(await alice.setPermissions(bobId, kc, { allowRotation: true, allowSharing: true })).toEqual(granted);
  await until(() => told.length > 0);
  expect(told).toEqual([{ keychainFingerprint: kc, userId: bobId, permissions: granted }]);
  expect(bob.state.keychains[0]?.permissions).toEqual(granted);
  // What is omitted stays.
  expect(await alice.setPermissions(bobId, kc, { allowSharing: false })).toEqual({
    ...NONE,
    allowRotation: true,
  });
  expect(await alice.getPermissions(kc, bobId)).toEqual({ ...NONE, allowRotation: true });
  expect(
    (await bob.getParticipants(kc)).find(({ userId }) => userId === bobId)?.permissions.allowRotation,
  ).toBe(true);
  await bob.rotateKey(kc);
  expect(await codeOf(bob.setPermissions(bobId, kc, { allowManagement: true }))).toBe("ManagementNotAllowed");
  expect(await codeOf(bob.banUser(aliceId, kc))).toBe("DeletionNotAllowed");
});

test("who is banned reads what was, and nothing that comes", async () => {
  const { alice, bob, carol, kc, ids } = await team();
  const bobId = ids[1] ?? "";
  const before = await alice.encrypt("before", kc);
  const told: string[] = [];
  carol.on("memberBanned", ({ userId }) => told.push(`banned ${userId}`));
  const outcome = await alice.banUser(bobId, kc);
  expect(outcome).toMatchObject({ keychainFingerprint: kc, userId: bobId });
  await until(() => carol.findKeyByKeychainFingerprint(kc)?.keyFingerprint === outcome.keyFingerprint);
  expect(told).toEqual([`banned ${bobId}`]);
  const after = await alice.encrypt("after", kc);
  expect(await carol.decrypt(after, kc)).toBe("after");
  expect(await bob.decrypt(before)).toBe("before");
  expect(await codeOf(bob.decrypt(after))).toBe("NoSlot");
  await until(() => !bob.state.keychains.some(({ keychainFingerprint }) => keychainFingerprint === kc));
  expect((await alice.getParticipants(kc)).map(({ userId }) => userId)).not.toContain(bobId);
});

test("after somebody left, another member's client makes the new key by itself", async () => {
  const { alice, carol, kc, ids } = await team();
  const former = alice.findKeyByKeychainFingerprint(kc)?.keyFingerprint;
  expect(await carol.banUser(ids[2] ?? "", kc)).toMatchObject({ keyFingerprint: null });
  await until(() => alice.findKeyByKeychainFingerprint(kc)?.keyFingerprint !== former);
  const text = await alice.encrypt("without carol", kc);
  expect(await codeOf(carol.decrypt(text))).toBe("NoSlot");
});

test("a share that is over is ended by whoever listens, though nothing else happens", async () => {
  const { alice, carol, kc, ids } = await team();
  const { keychainFingerprint: other } = await alice.createNewKeychain("for a while");
  const former = alice.findKeyByKeychainFingerprint(other)?.keyFingerprint;
  const expiresAt = new Date(Date.now() + 4_000);
  await alice.shareMostRecentKey(other, { userId: ids[2] ?? "" }, { expiresAt });
  await until(() => carol.keys[other]);
  await until(() => alice.findKeyByKeychainFingerprint(other)?.keyFingerprint !== former);
  expect((await alice.getParticipants(other)).map(({ userId }) => userId)).toEqual(ids.slice(0, 1));
  expect(await alice.getParticipants(kc)).toHaveLength(3);
});

test("owners decide together: one alone, of two both, and neither removes the other", async () => {
  const { alice, bob, carol, kc, ids } = await team();
  const [aliceId = "", bobId = "", carolId = ""] = ids;
  expect(await codeOf(bob.addOwner(bobId, kc))).toBe("NotAnOwner");
  expect(await alice.addOwner(bobId, kc)).toMatchObject({
    owners: [aliceId, bobId],
    quorum: 2,
    proposals: [],
  });
  const { owners, proposals } = await alice.removeOwner(bobId, kc);
  expect(owners).toEqual([aliceId, bobId]);
  const [removal] = proposals;
  expect(removal).toMatchObject({ decision: "removeOwner", subject: bobId, approvals: [aliceId] });
  expect(await codeOf(bob.approveProposal(removal?.id ?? "", kc))).toBe("RemovalOfOneself");
  expect(await codeOf(alice.banUser(bobId, kc))).toBe("OwnerProtected");
  const waiting = await bob.addOwner(carolId, kc);
  const friend = waiting.proposals.find(({ decision }) => decision === "addOwner");
  expect(await alice.approveProposal(friend?.id ?? "", kc)).toMatchObject({
    owners: [aliceId, bobId, carolId],
    proposals: [],
  });
  // The owners have changed: the removal has lapsed.
  expect(await codeOf(carol.approveProposal(removal?.id ?? "", kc))).toBe("NoSuchProposal");
  expect((await carol.getOwners(kc)).owners).toEqual([aliceId, bobId, carolId]);
});

test("a key that was given up is gone until somebody shares it again", async () => {
  const { alice, bob, kc, ids } = await team();
  const text = await alice.encrypt("old", kc);
  const keyFingerprint = bob.keys[kc]?.[0]?.keyFingerprint ?? "";
  await alice.rotateKey(kc);
  await until(() => bob.keys[kc]?.length === 2);
  await bob.deleteKey(kc, keyFingerprint);
  expect(bob.keys[kc]?.map((key) => key.keyFingerprint)).not.toContain(keyFingerprint);
  expect(await codeOf(bob.decrypt(text))).toBe("NoSlot");
  expect(await codeOf(bob.deleteKey(kc, "nonsense"))).toBe("UnknownKey");
  await alice.shareKey(kc, keyFingerprint, { userId: ids[1] ?? "" });
  await until(() => bob.keys[kc]?.length === 2);
  expect(await bob.decrypt(text)).toBe("old");
});
