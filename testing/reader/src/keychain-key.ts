// "A key" of keychain-ledger.md: what an entry says of a key without telling it, and what it seals with it.

import { concat, isZero, textOf, u32, u8, viewOf } from "./bytes.ts";
import { openOnce } from "./derivation.ts";
import { check, otherwise } from "./failure.ts";
import { hash } from "./hash.ts";

const PADDED_NAMES = [32, 64, 128, 258];

/** `B = H("KF1 binding", creator's account id ‖ nonce)` */
export function binding(creator: Uint8Array, nonce: Uint8Array): Uint8Array {
  return hash("KF1 binding", concat(creator, nonce));
}

/** The commitment to a key, and its name. */
export function keyFingerprint(
  binding: Uint8Array,
  number: number,
  algorithm: number,
  key: Uint8Array,
): Uint8Array {
  return hash("KF1 key fingerprint", concat(binding, u32(number), u8(algorithm), key));
}

/** The commitment to a history secret. */
export function historyCommitment(binding: Uint8Array, number: number, secret: Uint8Array): Uint8Array {
  return hash("KF1 history commitment", concat(binding, u32(number), secret));
}

/**
 * Opens the link to the key before.
 * @throws Failure `Unauthentic`
 */
export function openHistoryLink(
  link: Uint8Array,
  secret: Uint8Array,
  binding: Uint8Array,
  number: number,
): { key: Uint8Array; history: Uint8Array } {
  const opened = openOnce(secret, "KF1 history link", concat(binding, u32(number)), link);
  check(opened.length === 64, "Unauthentic");
  return { key: opened.slice(0, 32), history: opened.slice(32) };
}

/**
 * Opens the name that a key's entry bears.
 * @throws Failure `Unauthentic`
 */
export function openName(sealed: Uint8Array, key: Uint8Array, binding: Uint8Array, number: number): string {
  const padded = openOnce(key, "KF1 name", concat(binding, u32(number)), sealed);
  check(padded.length >= 2, "Unauthentic");
  const end = 2 + viewOf(padded).getUint16(0);
  check(PADDED_NAMES.find((size) => end <= size) === padded.length, "Unauthentic");
  check(isZero(padded.slice(end)), "Unauthentic");
  return otherwise("Unauthentic", () => textOf(padded.slice(2, end)));
}
