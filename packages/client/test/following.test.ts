import { afterAll, beforeAll, expect, test } from "vitest";
import { Server, until } from "./server.js";

let server: Server;
beforeAll(async () => {
  server = await Server.start();
});
afterAll(() => server.close());

test("without notifications nothing arrives by itself, and sync brings it", async () => {
  const alice = server.client();
  const bob = server.client({ handleNotifications: false });
  await Promise.all([alice.signup("alice"), bob.signup("bob")]);
  const told: string[] = [];
  bob.on("keyReceived", ({ purpose }) => told.push(purpose));
  const { keychainFingerprint } = await alice.createNewKeychain("notes", "secretBox");
  const identity = await alice.getUserIdentity("bob");
  await alice.shareMostRecentKey(keychainFingerprint, identity ?? { userId: "" });
  expect(bob.state).toMatchObject({ sync: "offline", leader: false, keychains: [] });
  await bob.sync();
  expect(told).toEqual(["notes"]);
});

test("thirty people in one process each hear of a share, once", async () => {
  const alice = server.client();
  await alice.signup("alice-30");
  const people = Array.from({ length: 30 }, (_, at) => ({ userId: `person-${at}`, client: server.client() }));
  const told = new Map<string, number>();
  for (const { userId, client } of people) {
    client.on("keyReceived", () => told.set(userId, (told.get(userId) ?? 0) + 1));
    await client.signup(userId);
  }
  await until(() => people.every(({ client }) => client.state.sync === "online"));
  const { keychainFingerprint } = await alice.createNewKeychain("all", "secretBox");
  await alice.shareCompleteKeychain(
    keychainFingerprint,
    await alice.getUsersIdentities(people.map(({ userId }) => userId)),
  );
  await until(() => told.size === people.length);
  expect([...told.values()].every((times) => times === 1)).toBe(true);
});

test("a state is another object exactly when something changed", async () => {
  const client = server.client();
  let calls = 0;
  client.subscribe(() => {
    calls += 1;
  });
  await client.signup("observer");
  await until(() => client.state.sync === "online");
  const [state, before] = [client.state, calls];
  await client.getUserIdentity("nobody");
  expect(client.state).toBe(state);
  expect(calls).toBe(before);
  await client.createNewKeychain("notes", "secretBox");
  expect(client.state).not.toBe(state);
  expect(state.keychains).toEqual([]);
});

test("a listener that throws does not keep the next one from hearing", async () => {
  const client = server.client();
  const heard: string[] = [];
  const uncaught: unknown[] = [];
  const listeners = process.listeners("uncaughtException");
  process.removeAllListeners("uncaughtException");
  process.on("uncaughtException", (error) => uncaught.push(error.message));
  try {
    client.on("identityUpdated", () => {
      throw new Error("a bug of the application");
    });
    client.on("identityUpdated", (identity) => heard.push(identity?.userId ?? ""));
    await client.signup("thrower");
    await until(() => heard.length > 0 && uncaught.length > 0);
    expect(heard).toEqual(["thrower"]);
    expect(uncaught).toEqual(["a bug of the application"]);
  } finally {
    process.removeAllListeners("uncaughtException");
    for (const listener of listeners) process.on("uncaughtException", listener);
  }
});
