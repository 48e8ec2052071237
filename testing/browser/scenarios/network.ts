/** A server that is away, slow to come back, of another version, or none at all. */

import { equal, eventually, fails } from "../src/assert.ts";
import type { LyingScenarios } from "../src/liar.ts";
import { next } from "./events.ts";
import { lied } from "./world.ts";

export const scenarios: LyingScenarios = {
  "no network: what one has the keys for is encrypted and decrypted all the same": lied(
    async (world, liar) => {
      const alice = await world.person("alice");
      const { keychainFingerprint: keychain } = await alice.createNewKeychain("notes", "secretBox");
      const text = await alice.encrypt("before", keychain);
      await eventually("it is online", () => alice.state.sync === "online");
      const offline = next(alice, "syncStateChanged", ({ state }) => state === "offline");
      await liar.lie({ kind: "down" });
      await offline;
      equal(await alice.decrypt(text), "before", "what was encrypted before");
      equal(
        await alice.decrypt(await alice.encrypt("meanwhile", keychain)),
        "meanwhile",
        "what is encrypted now",
      );
      equal(alice.findKeyByPurpose("notes")?.keychainFingerprint, keychain, "the state is still there");
      for (const call of [
        () => alice.getUserIdentity("bob"),
        () => alice.rotateKey(keychain),
        () => alice.createNewKeychain("more", "secretBox"),
        () => alice.sync(),
      ]) {
        const error = await fails("ServerUnavailable", call);
        equal((error as unknown as { retryable: boolean }).retryable, true, "whether to try again");
      }
    },
  ),

  "no network: logging out wipes the keys nevertheless": lied(async (world, liar) => {
    const alice = await world.person("alice");
    const { keychainFingerprint: keychain } = await alice.createNewKeychain("notes", "secretBox");
    const text = await alice.encrypt("secret", keychain);
    await liar.lie({ kind: "down" });
    await fails("ServerUnavailable", () => alice.logout());
    equal([alice.state.status, alice.state.keychains], ["out", []], "state");
    await fails("LoggedOut", () => alice.decrypt(text));
    await liar.beHonest();
    await alice.login("alice");
    equal(await alice.decrypt(text), "secret", "after logging in again");
  }),

  "back online: what happened meanwhile arrives by itself, each thing once": lied(async (world, liar) => {
    const [alice, bob] = [await world.person("alice"), await world.person("bob")];
    const { keychainFingerprint: keychain } = await alice.createNewKeychain("notes", "secretBox");
    await eventually("bob is online", () => bob.state.sync === "online");
    const told: string[] = [];
    bob.on("keyReceived", ({ keyFingerprint }) => told.push(keyFingerprint));
    bob.on("keyRotated", ({ keyFingerprint }) => told.push(keyFingerprint));
    for (let round = 0; round < 3; round += 1) {
      const offline = next(bob, "syncStateChanged", ({ state }) => state === "offline");
      await liar.lie({ kind: "down" });
      await offline;
      await liar.beHonest();
      if (round === 0) await alice.shareMostRecentKey(keychain, { userId: "bob" });
      else await alice.rotateKey(keychain);
      await eventually("bob was told", () => told.length > round);
    }
    const keys = (alice.keys[keychain] ?? []).map((key) => key.keyFingerprint).reverse();
    equal(told, keys, "what bob was told");
  }),

  "signing up while the answer is lost: the same call again completes it": lied(async (world, liar) => {
    const alice = world.client("alice");
    await liar.lie({ kind: "lost-reply", path: "/v1/accounts" });
    await fails("BadServerSignature", () => alice.signup("alice"));
    await liar.beHonest();
    await alice.signup("alice");
    equal(alice.publicIdentity?.userId, "alice", "who");
  }),

  "a server that serves newer clients only: ClientTooOld": lied(async (world, liar) => {
    const alice = await world.person("alice");
    await liar.lie({ kind: "foreign", form: "newer" });
    await fails("ClientTooOld", () => alice.getUserIdentity("bob"));
    await fails("ClientTooOld", () => world.client("bob").signup("bob"));
    await liar.beHonest();
    equal(await alice.getUserIdentity("nobody"), null, "after the truth");
  }),

  "something that is no Keyfold server: an error of the network, and nothing changes": lied(
    async (world, liar) => {
      const alice = await world.person("alice");
      for (const [form, code] of [
        ["html", "BadServerSignature"],
        ["garbage", "Unsupported"],
      ] as const) {
        await liar.lie({ kind: "foreign", form });
        await fails(code, () => alice.getUserIdentity("bob"));
        await fails(code, () => alice.createNewKeychain("notes", "secretBox"));
        equal(alice.state.status, "in", "alice is still logged in");
      }
    },
  ),

  "another server than the one of the account, or another key: refused": lied(async (world) => {
    const alice = await world.person("alice");
    alice.close();
    const other = world.environment.serverKey.replace(/^./, (first) => (first === "A" ? "B" : "A"));
    const moved = world.client("alice", { serverSignaturePublicKey: other });
    await fails("WrongServerKey", () => moved.login());
    moved.close();
    const elsewhere = world.client("alice", { serverURL: "https://keyfold.example" });
    await fails("WrongServer", () => elsewhere.login());
  }),
};
