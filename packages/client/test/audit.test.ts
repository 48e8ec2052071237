import { afterAll, beforeAll, expect, test } from "vitest";
import { Server, codeOf, until } from "./server.js";

let server: Server;
beforeAll(async () => {
  server = await Server.start();
});
afterAll(() => server.close());

test("an audit tells who did what, with dates, and its file verifies in a client that never signed up", async () => {
  const [alice, bob] = [server.client(), server.client()];
  await Promise.all([alice.signup("alice"), bob.signup("bob")]);
  const { keychainFingerprint: kc, keyFingerprint } = await alice.createNewKeychain("team", "secretBox");
  bob.subscribe(() => undefined);
  const expiresAt = new Date(Date.now() + 3_600_000);
  await alice.shareMostRecentKey(kc, { userId: "bob" }, { expiresAt });
  await until(() => bob.keys[kc]);
  await alice.setPermissions("bob", kc, { allowSharing: true });

  const audit = await alice.audit.keychain(kc);
  expect([audit.kind, audit.scope, audit.serverKey, audit.seq]).toEqual(["keychain", kc, server.key, 3]);
  const accountId = expect.stringMatching(/^[\w-]{43}$/) as string;
  const person = (userId: string) => ({ userId, accountId, groupId: null });
  const none = { allowSharing: false, allowRotation: false, allowDeletion: false, allowManagement: false };
  expect(audit.entries.map(({ author, placed, actions }) => [author.userId, placed, actions])).toEqual([
    ["alice", false, [{ kind: "genesis", algorithm: "secretBox", keyFingerprint }]],
    [
      "alice",
      false,
      [
        {
          kind: "share",
          to: [person("bob")],
          keyNumbers: [[1, 1]],
          permissions: none,
          follows: true,
          readOnly: false,
          expiresAt,
        },
      ],
    ],
    ["bob", true, [{ kind: "accept", sharedBy: person("alice") }]],
    [
      "alice",
      false,
      [
        {
          kind: "setPermissions",
          person: person("bob"),
          granted: { ...none, allowSharing: true },
          withdrawn: none,
        },
      ],
    ],
  ]);
  for (const { time } of audit.entries) expect(time).toBeInstanceOf(Date);
  expect(audit.entries.at(-1)?.after).toEqual({ members: 2, keyNumber: 1, needsRotation: false });
  const { members, owners, keys } = audit.state;
  expect(members.find(({ userId }) => userId === "bob")?.expiresAt).toEqual(expiresAt);
  expect([owners.map(({ userId }) => userId), keys]).toEqual([["alice"], [keyFingerprint]]);

  const account = await alice.audit.account("bob");
  expect([account.kind, account.state.userId, account.entries.length]).toEqual(["account", "bob", 1]);
  expect(await codeOf(alice.audit.account("nobody"))).toBe("UnknownUser");
  expect(await codeOf(alice.audit.keychain(account.scope))).toBe("UnknownKeychain");

  const file = await alice.audit.export(kc);
  expect(await bob.audit.compare(kc, file)).toEqual({ agrees: true, commonSeq: 3, ownSeq: 3, otherSeq: 3 });
  expect(await codeOf(bob.audit.evidence(kc, { compare: file }))).toBe("NoEvidence");
  const stranger = server.client();
  const read = await stranger.audit.verify(file, { serverKey: server.key });
  expect(read).toEqual({ ...audit, knownSeq: null, signedAt: expect.any(Date) as Date });
  const altered = Uint8Array.from(file, (byte, at) => (at === file.length >> 1 ? byte ^ 1 : byte));
  expect(await codeOf(stranger.audit.verify(altered))).toBe("NotProved");
  expect(await codeOf(stranger.audit.verify(new Uint8Array(9)))).toBe("Malformed");
  expect(await codeOf(stranger.audit.verify("a text" as never))).toBe("Malformed");
});
