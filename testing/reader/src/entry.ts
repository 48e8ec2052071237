// "Entries" of account-ledger.md: what entries of every ledger have in common, whatever they say.

import { concat, u64 } from "./bytes.ts";
import { decode, leadingInteger } from "./cbor.ts";
import { check } from "./failure.ts";
import { hash } from "./hash.ts";
import { SIGNATURE } from "./signature.ts";
import { bytes, list, tuple } from "./shape.ts";

/** An entry as it travels: what is signed, kept exactly as received, and its signatures. */
export interface Entry {
  readonly signed: Uint8Array;
  readonly signatures: readonly Uint8Array[];
}

/** The newest entry of a ledger. */
export interface Head {
  readonly seq: number;
  readonly hash: Uint8Array;
}

const VERSION = 1n;
const LONGEST = 2 * 2 ** 20;
const MOST_SIGNATURES = 32;

/** What a genesis' hash covers in place of an entry before. */
export const NOTHING_BEFORE = new Uint8Array(32);

/**
 * Reads an entry's outer form.
 * @throws Failure `TooLarge`, `TooMany`, `Malformed`, `NotCanonical`, `Truncated`
 */
export function parseEntry(encoded: Uint8Array): Entry {
  check(encoded.length <= LONGEST, "TooLarge");
  return decode(encoded, (item) => {
    const [signed, signatures] = tuple(item, 2);
    const items = list(signatures);
    check(items.length <= MOST_SIGNATURES, "TooMany");
    return { signed: bytes(signed), signatures: items.map((signature) => bytes(signature, SIGNATURE)) };
  });
}

/**
 * Checks the version of what an entry signs, before anything behind it is looked at.
 * @throws Failure `Unsupported`
 */
export function requireVersion(signed: Uint8Array): void {
  const version = leadingInteger(signed);
  check(version === null || version === VERSION, "Unsupported");
}

/** `H("KF1 entry hash", prev 32 ‖ u64 seq ‖ signed)`; of a genesis it is the scope id. */
export function entryHash(prev: Uint8Array, seq: number, signed: Uint8Array): Uint8Array {
  return hash("KF1 entry hash", concat(prev, u64(seq), signed));
}
