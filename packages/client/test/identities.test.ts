import { afterAll, beforeAll, expect, test } from "vitest";
import type { Client } from "../src/node.js";
import type { ClientEvents } from "../src/types.js";
import { Server, codeOf, until } from "./server.js";

let server: Server;
beforeAll(async () => {
  server = await Server.start();
});
afterAll(() => server.close());

let pairs = 0;
/** Two people who have not met. */
async function pair(): Promise<{ alice: Client; bob: Client; ids: readonly [string, string] }> {
  pairs += 1;
  const ids = [`alice-${pairs}`, `bob-${pairs}`] as const;
  const [alice, bob] = [server.client(), server.client()];
  await alice.signup(ids[0]);
  await bob.signup(ids[1]);
  return { alice, bob, ids };
}

test("two people see the same eight words, and whoever was told them has verified the other", async () => {
  const { alice, bob, ids } = await pair();
  const words = await bob.safetyWords(ids[0]);
  expect(words).toMatch(/^[a-z]+( [a-z]+){7}$/);
  expect(await alice.safetyWords(ids[1])).toBe(words);
  expect(await alice.getUserIdentity(ids[1])).toMatchObject({ verified: false });
  const typed = `  ${words.toUpperCase().replaceAll(" ", ",\n ")} `;
  expect(await alice.verifyIdentity(ids[1], typed)).toMatchObject({ userId: ids[1], verified: true });
  expect(await alice.getUserIdentity(ids[1])).toMatchObject({ verified: true });
  expect(await bob.getUserIdentity(ids[0])).toMatchObject({ verified: false });
});

test("an identity's text and its account id verify too, and one's own is verified", async () => {
  const { alice, bob, ids } = await pair();
  const own = alice.publicIdentity;
  if (own === null) throw new Error("alice is logged in");
  expect(own.verified).toBe(true);
  expect(own.uri).toBe(`keyfold:identity/${own.accountId}/${ids[0]}`);
  expect((await bob.verifyIdentity(ids[0], own.uri)).uri).toBe(own.uri);
  expect(await alice.verifyIdentity(ids[1], bob.publicIdentity?.accountId ?? "")).toMatchObject({
    verified: true,
  });
});

test("what does not fit is NotVerified, and changes nothing", async () => {
  const { alice, bob, ids } = await pair();
  const carol = server.client();
  const other = await carol.signup(`carol-${pairs}`);
  const words = await bob.safetyWords(ids[0]);
  const wrong = [
    await carol.safetyWords(ids[0]),
    words.split(" ").reverse().join(" "),
    words.split(" ").slice(1).join(" "),
    `${words} ${words}`,
    "these are no words of the list at all",
    other.uri,
    other.uri.replace("carol", "bob"),
    other.accountId,
    "keyfold:identity/",
  ];
  for (const told of wrong) {
    expect(await codeOf(alice.verifyIdentity(ids[1], told))).toBe("NotVerified");
    expect(await codeOf(alice.acceptIdentity(ids[1], told))).toBe("NotVerified");
  }
  expect(await alice.getUserIdentity(ids[1])).toMatchObject({ verified: false });
  expect(await codeOf(alice.safetyWords(ids[0]))).toBe("Malformed");
  expect(await codeOf(alice.verifyIdentity(ids[1], ""))).toBe("Malformed");
  expect(await codeOf(alice.safetyWords("nobody"))).toBe("UnknownUser");
});

test("what was compared shows in keychains and participants, and whoever shows them is told", async () => {
  const { alice, bob, ids } = await pair();
  for (const client of [alice, bob]) client.subscribe(() => undefined);
  await until(() => [alice, bob].every((client) => client.state.sync === "online"));
  const { keychainFingerprint: kc } = await alice.createNewKeychain("notes", "secretBox");
  await alice.shareCompleteKeychain(kc, { userId: ids[1] });
  await until(() => bob.keys[kc]);
  expect(bob.findKeyByPurpose("notes")).toMatchObject({ sharedBy: ids[0], sharedByVerified: false });
  const told: ClientEvents["participantsUpdated"][] = [];
  bob.on("participantsUpdated", (payload) => told.push(payload));
  await bob.verifyIdentity(ids[0], await alice.safetyWords(ids[1]));
  await until(() => told.length > 0);
  expect(told).toContainEqual({ keychainFingerprint: kc });
  expect(bob.findKeyByPurpose("notes")?.sharedByVerified).toBe(true);
  const people = (await bob.getParticipants(kc)).map(({ userId, verified, former }) => [
    userId,
    verified,
    former,
  ]);
  expect(people).toEqual([
    [ids[0], true, false],
    [ids[1], true, false],
  ]);
});

test("to accept what did not change is to verify it", async () => {
  const { alice, bob, ids } = await pair();
  const accepted = await alice.acceptIdentity(ids[1], await bob.safetyWords(ids[0]));
  expect(accepted).toMatchObject({
    formerAccountId: null,
    formerKeychains: [],
    identity: { verified: true },
  });
});
