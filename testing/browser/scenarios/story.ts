/** The story of every guide: two people share a keychain, and one reads what the other wrote. */

import { equal, eventually } from "../src/assert.ts";
import type { Scenarios } from "../src/scenario.ts";

export const scenarios: Scenarios = {
  "alice shares a keychain, and bob decrypts": async ({ Client, serverURL, serverKey, storage }) => {
    const config = { serverURL, serverSignaturePublicKey: serverKey };
    const alice = new Client({ ...config, storage: storage("alice") });
    const bob = new Client({ ...config, storage: storage("bob") });
    await alice.signup("alice");
    await bob.signup("bob");
    const received = new Promise<string>((resolve) => {
      bob.on("keyReceived", ({ keyFingerprint }) => resolve(keyFingerprint));
    });

    const { keychainFingerprint, keyFingerprint } = await alice.createNewKeychain("notes", "secretBox");
    const text = await alice.encrypt("Lunch at noon?", keychainFingerprint);
    const identity = await eventually("bob is known", () => alice.getUserIdentity("bob"));
    await alice.shareMostRecentKey(keychainFingerprint, identity);

    equal(await received, keyFingerprint);
    equal(await bob.decrypt(text, keychainFingerprint), "Lunch at noon?");
    await alice.close();
    await bob.close();
  },
};
