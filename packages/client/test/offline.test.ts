import { afterEach, beforeEach, expect, test } from "vitest";
import { Relay } from "./relay.js";
import { Server, codeOf, until } from "./server.js";

let server: Server;
beforeEach(async () => {
  server = await Server.start();
});
afterEach(() => server.close());

test("without a server known keys still work; once it is back, what was missed arrives", async () => {
  const [alice, bob] = [server.client(), server.client()];
  const states: string[] = [];
  bob.on("syncStateChanged", ({ state }) => states.push(state));
  await Promise.all([alice.signup("alice"), bob.signup("bob")]);
  const { keychainFingerprint: kc } = await alice.createNewKeychain("notes", "secretBox");
  await until(() => bob.state.sync === "online");

  await server.stop();
  await until(() => bob.state.sync === "offline" && alice.state.sync === "offline");
  const text = await alice.encrypt("written offline", kc);
  expect(await alice.decrypt(text, kc)).toBe("written offline");
  const refused = await alice.createNewKeychain("other", "secretBox").catch((thrown: unknown) => thrown);
  expect(refused).toMatchObject({ code: "ServerUnavailable", retryable: true });
  expect((await alice.login()).userId).toBe("alice");

  await server.startAgain();
  const bobIdentity = await alice.getUserIdentity("bob");
  await alice.shareMostRecentKey(kc, bobIdentity ?? { userId: "" });
  await until(() => bob.findKeyByPurpose("notes"));
  expect(await bob.decrypt(text, kc)).toBe("written offline");
  expect(states).toEqual(["online", "offline", "online"]);
});

test("logging out without a server wipes the keys, and says that the server was not told", async () => {
  const alice = server.client();
  await alice.signup("alice");
  await server.stop();
  expect(await codeOf(alice.logout())).toBe("ServerUnavailable");
  expect(alice.state).toMatchObject({ status: "out", identity: null });
  expect(await codeOf(alice.sign("a"))).toBe("LoggedOut");
});

test("a sign-up without a server fails, and goes through when it is repeated", async () => {
  await server.stop();
  const alice = server.client();
  expect(await codeOf(alice.signup("alice"))).toBe("ServerUnavailable");
  await server.startAgain();
  expect((await alice.signup("alice")).userId).toBe("alice");
});

test("a connection that breaks under a request is no failure, and nothing happens twice", async () => {
  const relay = await Relay.start(server.url);
  const alice = server.client({ serverURL: relay.url, handleNotifications: false });
  await alice.signup("alice");
  const { keychainFingerprint: kc } = await alice.createNewKeychain("notes", "secretBox");
  const vault = alice.vault(kc);

  relay.breakNext("before");
  await vault.put("a", new Blob(["first"]));
  expect(relay.broke).toBe(true);
  relay.breakNext("after");
  await alice.sync();
  expect(relay.broke).toBe(true);
  // It was done, but its answer is lost.
  relay.breakNext("after");
  expect(await codeOf(alice.createNewKeychain("other", "secretBox"))).toBe("ServerUnavailable");
  await alice.sync();
  expect(alice.state.keychains.map(({ purpose }) => purpose).sort()).toEqual(["notes", "other"]);
  relay.close();
});
