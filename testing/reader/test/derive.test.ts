// Derivations: keys of accounts and devices, what an entry says of a keychain's key and seals with it, and what people
// compare of their accounts.

import { expect } from "vitest";

import { deriveAccountKeys, deriveDeviceKeys, deviceId } from "../src/account-keys.ts";
import { fromHex, hex } from "../src/bytes.ts";
import { identityUri, safetyNumbers, safetyWords } from "../src/identity.ts";
import { historyCommitment, keyFingerprint, openHistoryLink, openName } from "../src/keychain-key.ts";
import { readFolder, runFolder, type Vector } from "./vectors.ts";

interface AccountVector extends Vector {
  readonly derives: "account";
  readonly in: { readonly master_key: string; readonly nonce: string; readonly generation: number };
  readonly out: Record<string, string>;
}

interface DeviceVector extends Vector {
  readonly derives: "device";
  readonly in: { readonly seed: string };
  readonly out: Record<string, string>;
}

interface KeyVector extends Vector {
  readonly derives: "key";
  readonly in: {
    readonly binding: string;
    readonly number: number;
    readonly algorithm: number;
    readonly key: string;
    readonly history: string;
    readonly link: string;
    readonly previous_key: string;
    readonly previous_history: string;
    readonly name: string;
    readonly sealed_name: string;
  };
  readonly out: Record<string, string>;
}

interface SafetyVector extends Vector {
  readonly derives: "safety words";
  readonly in: { readonly one_account: string; readonly other_account: string };
  readonly out: { readonly numbers: readonly number[]; readonly words: string };
}

interface UriVector extends Vector {
  readonly derives: "identity uri";
  readonly in: { readonly account: string; readonly user_id: string };
  readonly out: Record<string, string>;
}

type DeriveVector = AccountVector | DeviceVector | KeyVector | SafetyVector | UriVector;

runFolder("derive", readFolder<DeriveVector>("derive"), (vector) => {
  expect(derived(vector)).toEqual(vector.out);
});

function derived(vector: DeriveVector): Record<string, string | readonly number[]> {
  switch (vector.derives) {
    case "account": {
      const { master_key, nonce, generation } = vector.in;
      const keys = deriveAccountKeys(fromHex(master_key), fromHex(nonce), generation);
      return {
        ledger_key: hex(keys.ledgerKey),
        sharing_key: hex(keys.sharingKey),
        publication_key: hex(keys.publicationKey),
        signature_key: hex(keys.signatureKey),
      };
    }
    case "device": {
      const keys = deriveDeviceKeys(fromHex(vector.in.seed));
      return {
        signing_key: hex(keys.signingKey),
        wrapping_key: hex(keys.wrappingKey),
        device_id: hex(deviceId(keys)),
      };
    }
    case "key":
      return derivedKey(vector);
    case "safety words": {
      const numbers = safetyNumbers(fromHex(vector.in.one_account), fromHex(vector.in.other_account));
      return { numbers, words: safetyWords(numbers) };
    }
    case "identity uri":
      return { uri: identityUri(fromHex(vector.in.account), vector.in.user_id) };
  }
}

function derivedKey({ in: given }: KeyVector): Record<string, string> {
  const { number, algorithm } = given;
  const binding = fromHex(given.binding);
  const key = fromHex(given.key);
  const history = fromHex(given.history);
  const before = openHistoryLink(fromHex(given.link), history, binding, number);
  expect({ key: hex(before.key), history: hex(before.history) }).toEqual({
    key: given.previous_key,
    history: given.previous_history,
  });
  expect(openName(fromHex(given.sealed_name), key, binding, number)).toBe(given.name);
  return {
    fingerprint: hex(keyFingerprint(binding, number, algorithm, key)),
    history_commitment: hex(historyCommitment(binding, number, history)),
  };
}
