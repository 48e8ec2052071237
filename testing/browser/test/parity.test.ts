/** The calls that an e2esdk user already writes, in both places, and which of them are still to come. */

import { describe, expect, test } from "vitest";
import { runInChromium, runInNode } from "../src/harness/index.ts";

for (const topic of ["values", "files", "keys", "people", "sharing", "incoming"]) {
  await runInNode(topic);
  await runInChromium(topic);
}

/** Calls of e2esdk that are not offered yet: a missing method is told by TypeScript, and never does something else. */
const LATER: Readonly<Record<string, string>> = {
  encryptFormData: "forms",
  unsealFormData: "forms",
  decryptFormForEdition: "forms",
};

/** Calls that are offered and refuse with `Unsupported`; `keys.ts` shows that they do. */
const REFUSED: Readonly<Record<string, string>> = {
  "createNewKeychain with expiresAt": "an end of a keychain is an entry of the ledger that is reserved",
  "rotateKey with expiresAt": "an end of a key is an entry of the ledger that is reserved",
};

describe("what is left for later", () => {
  for (const [call, reason] of Object.entries(LATER)) {
    test(`${call} (${reason}) is not there`, async () => {
      const { Client } = await import("@keyfold/client");
      expect(call in Client.prototype).toBe(false);
    });
  }

  test(`Unsupported: ${Object.keys(REFUSED).join(", ")}`, async () => {
    const { scenarios } = await import("../scenarios/keys.ts");
    expect(Object.keys(scenarios).filter((title) => title.includes("Unsupported"))).toHaveLength(1);
  });
});

describe("server rendering", () => {
  test("a client can be constructed and asked for its state without a browser, and does nothing", async () => {
    const { Client } = await import("@keyfold/client");
    const client = new Client({
      serverURL: "https://keyfold.example",
      serverSignaturePublicKey: "A".repeat(43),
      storage: "/nowhere/that/may/be/written",
    });
    expect(client.state).toMatchObject({ status: "loading", identity: null, keychains: [] });
    expect(client.state).toBe(client.state);
    expect(client.publicIdentity).toBeNull();
    expect(client.keys).toEqual({});
  });
});
