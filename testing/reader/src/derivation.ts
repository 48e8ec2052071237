// Derivation and sealing of conventions.md: HKDF-SHA-256, and AES-256-GCM under keys used once.

import { gcm } from "@noble/ciphers/aes.js";
import { hkdf } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";

import { concat, u8, utf8 } from "./bytes.ts";
import { check, otherwise } from "./failure.ts";
import type { Draw } from "./random.ts";

const SALT = 24;
const TAG = 16;

/** How much longer a sealed text is than what it seals, in bytes: salt and tag. */
export const SEAL_ONCE_OVERHEAD = SALT + TAG;

/** `Derive(secret, salt, label, place, n)` */
export function derive(
  secret: Uint8Array,
  salt: Uint8Array,
  label: string,
  place: Uint8Array,
  length: number,
): Uint8Array {
  return hkdf(sha256, secret, salt, concat(utf8(label), u8(0), place), length);
}

/** `SealOnce(key, label, place, plaintext)`, its salt drawn first. */
export function sealOnce(
  key: Uint8Array,
  label: string,
  place: Uint8Array,
  plaintext: Uint8Array,
  draw: Draw,
): Uint8Array {
  const salt = draw(SALT);
  return concat(salt, sealSegment(derive(key, salt, label, place, 32), new Uint8Array(12), plaintext));
}

/**
 * Opens what `sealOnce` made.
 * @throws Failure `Unauthentic`
 */
export function openOnce(key: Uint8Array, label: string, place: Uint8Array, sealed: Uint8Array): Uint8Array {
  check(sealed.length >= SEAL_ONCE_OVERHEAD, "Unauthentic");
  const once = derive(key, sealed.slice(0, SALT), label, place, 32);
  return openSegment(once, new Uint8Array(12), sealed.slice(SALT));
}

/** AES-256-GCM without associated data: the ciphertext, then 16 bytes of tag. */
export function sealSegment(key: Uint8Array, nonce: Uint8Array, plaintext: Uint8Array): Uint8Array {
  return gcm(key, nonce).encrypt(plaintext);
}

/**
 * Opens what `sealSegment` made.
 * @throws Failure `Unauthentic`
 */
export function openSegment(key: Uint8Array, nonce: Uint8Array, sealed: Uint8Array): Uint8Array {
  return otherwise("Unauthentic", () => gcm(key, nonce).decrypt(sealed));
}
