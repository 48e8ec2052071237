// The plaintext of a master-key envelope (wraps.md, "The master key").

import { deriveAccountKeys } from "./account-keys.ts";
import { equal } from "./bytes.ts";
import { decode, encode } from "./cbor.ts";
import { check, otherwise } from "./failure.ts";
import { bytes, list, nullable, tuple, within } from "./shape.ts";

const MOST = 65_536;

/**
 * The master keys of all generations up to one; null for one that is lost. Canonical, and the newest one that whose
 * ledger key the account's ledger names.
 * @throws Failure `Unauthentic`
 */
export function readMasterKeys(
  plaintext: Uint8Array,
  generation: number,
  nonce: Uint8Array,
  ledgerKey: Uint8Array,
): readonly (Uint8Array | null)[] {
  const keys = otherwise("Unauthentic", () =>
    decode(plaintext, (item) => {
      const [number, items] = tuple(item, 2);
      check(within(number, 32) === generation && generation < MOST, "Unauthentic");
      check(equal(encode(item), plaintext), "Unauthentic");
      return list(items).map((key) => nullable(key, (there) => bytes(there, 32)));
    }),
  );
  const newest = keys.at(-1);
  check(keys.length === generation + 1 && newest instanceof Uint8Array, "Unauthentic");
  check(equal(deriveAccountKeys(newest, nonce, generation).ledgerKey, ledgerKey), "Unauthentic");
  return keys;
}
