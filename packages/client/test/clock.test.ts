/** S18: a request counts for a minute. Who has a clock that is an hour off goes by the server's. */
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { Server, codeOf, until } from "./server.js";

const HOUR = 3_600_000;

let server: Server;
beforeAll(async () => {
  server = await Server.start();
});
afterEach(() => {
  vi.useRealTimers();
});
afterAll(() => server.close());

test.each([HOUR, -HOUR])("a clock that goes wrong by %d ms keeps nobody from his work", async (off) => {
  const bobId = `bob${off}`;
  const [alice, bob] = [server.client(), server.client()];
  await alice.signup(`alice${off}`);
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + off });
  // Somebody new, and somebody who is in: each with this clock.
  await bob.signup(bobId);
  const { keychainFingerprint } = await alice.createNewKeychain("notes", "secretBox");
  await alice.shareMostRecentKey(keychainFingerprint, (await alice.getUserIdentity(bobId)) ?? { userId: "" });
  await until(() => bob.state.keychains.length === 1);
});

test("a clock that is days off is said to be", async () => {
  const alice = server.client();
  await alice.signup("alice");
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 73 * HOUR });
  expect(await codeOf(alice.createNewKeychain("notes", "secretBox"))).toBe("ClockSkew");
  await expect(alice.sync()).rejects.toMatchObject({ hint: expect.stringContaining("3 days ahead of") });
});
