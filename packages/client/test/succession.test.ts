/** A server that has its next key: clients that know the one before go on, and so do those that are told the new one. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { Server, codeOf, until } from "./server.js";

let server: Server;
beforeAll(async () => {
  server = await Server.start();
});
afterAll(() => server.close());

test("clients follow a server to its next key, whichever of the two they were made with", async () => {
  const former = server.key;
  const [storage, idle] = [server.folder("alice"), server.folder("idle")];
  const [alice, bob] = [server.client({ storage }), server.client()];
  const resting = server.client({ storage: idle });
  await resting.signup("carol");
  resting.close();
  await alice.signup("alice");
  await bob.signup("bob");
  const { keychainFingerprint } = await bob.createNewKeychain("plans", "secretBox");
  await until(() => alice.state.sync === "online");

  await server.makeNextKey();
  await server.stop();
  await until(() => alice.state.sync === "offline");
  const key = await server.startAgain();
  expect(key).not.toBe(former);

  // The stream of events by itself, and a request.
  await until(() => alice.state.sync === "online");
  const identity = await bob.getUserIdentity("alice");
  await bob.shareMostRecentKey(keychainFingerprint, identity ?? { userId: "" });
  await until(() => alice.state.keychains.some(({ purpose }) => purpose === "plans"));
  alice.close();

  // A page that is loaded again, of the app as it was, and of the app that was told the new key.
  for (const named of [former, key]) {
    const again = server.client({ storage, serverSignaturePublicKey: named });
    expect((await again.login()).userId).toBe("alice");
    await again.sync();
    again.close();
  }
  // A device that did nothing meanwhile, and whose app was told the new key first.
  const woken = server.client({ storage: idle, serverSignaturePublicKey: key });
  expect((await woken.login()).userId).toBe("carol");
  await woken.sync();
  woken.close();
  // Nobody's key is nobody's.
  const other = server.client({ storage, serverSignaturePublicKey: bob.encode(new Uint8Array(32)) });
  expect(await codeOf(other.login())).toBe("WrongServerKey");
  other.close();
  // And somebody new, of the app as it was.
  const mallory = server.client({ serverSignaturePublicKey: former });
  await mallory.signup("mallory");
});
