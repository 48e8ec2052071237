import { afterAll, beforeAll, expect, test } from "vitest";
import { Server, codeOf, until } from "./server.js";

let server: Server;
beforeAll(async () => {
  server = await Server.start();
});
afterAll(() => server.close());

test("a keychain shared with a group opens for who is in it, through groups in it too, until he is put out", async () => {
  const [alice, bob, carol] = [server.client(), server.client(), server.client()];
  await Promise.all([alice.signup("alice"), bob.signup("bob"), carol.signup("carol")]);
  bob.subscribe(() => undefined);
  carol.subscribe(() => undefined);

  const team = await alice.groups.create("team");
  expect(team).toMatchObject({
    name: "team",
    rank: 100,
    memberCount: 1,
    sharedBy: null,
    needsRotation: false,
  });
  await alice.groups.add(team, [{ userId: "bob" }, { userId: "carol" }]);
  const office = await alice.groups.create("office", { rank: 150 });
  const added = await alice.groups.add(office, team);
  expect(added.recipients.map(({ userId }) => userId)).toEqual(["group:team"]);

  const { keychainFingerprint: kc } = await alice.createNewKeychain("notes", "secretBox");
  const shared = await alice.shareCompleteKeychain(kc, office);
  expect(shared.recipients.map(({ userId }) => userId)).toEqual(["group:office"]);
  const before = await alice.encrypt("before", kc);
  await until(() => bob.keys[kc]);
  await until(() => carol.keys[kc]);
  expect(await bob.decrypt(before)).toBe("before");
  expect((await bob.groups.list()).map(({ name }) => name)).toEqual(["office", "team"]);
  const people = await alice.getParticipants(kc);
  expect(people.map(({ userId, through }) => [userId, through])).toEqual([
    ["alice", []],
    ["bob", ["group:office", "group:team"]],
    ["carol", ["group:office", "group:team"]],
  ]);

  await alice.groups.remove(team, { userId: "carol" });
  const after = await alice.encrypt("after", kc);
  expect(await bob.decrypt(after)).toBe("after");
  expect(await codeOf(carol.decrypt(after))).not.toBe("");
  expect((await alice.groups.get("team")).memberCount).toBe(2);
  expect((await alice.groups.participants(team)).map(({ userId }) => userId)).toEqual(["alice", "bob"]);
  expect(await codeOf(carol.groups.get("team"))).toBe("UnknownGroup");

  const audit = await alice.audit.keychain(kc);
  expect(audit.entries.flatMap(({ actions }) => actions.map(({ kind }) => kind))).toContain("observe");
  const file = await alice.audit.export(kc);
  expect(await server.client().audit.verify(file)).toMatchObject({ scope: kc, seq: audit.seq });
});

test("what a group cannot be is refused, and nothing is sent", async () => {
  const alice = server.client();
  await alice.signup("alice-alone");
  expect(await codeOf(alice.groups.create("team", { rank: 65_535 }))).toBe("Malformed");
  expect(await codeOf(alice.groups.create(""))).toBe("Malformed");
  const team = await alice.groups.create("team");
  expect(await codeOf(alice.groups.add(team, team))).toBe("RankTooHigh");
  const other = await alice.groups.create("other");
  expect(await codeOf(alice.groups.add(team, other))).toBe("RankTooHigh");
  expect(await codeOf(alice.groups.get("nobody's"))).toBe("UnknownGroup");
  // @ts-expect-error A name is no group.
  expect(await codeOf(alice.groups.remove("team", { userId: "bob" }))).toBe("Malformed");
});
