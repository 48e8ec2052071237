// HPKE of wraps.md: RFC 9180, mode base, single shot, with X-Wing as the KEM. The key schedule is written out:
// four lines of HKDF, so that what is hashed can be read beside the RFC.

import { gcm } from "@noble/ciphers/aes.js";
import { expand, extract } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { ml_kem768_x25519 as xwing } from "@noble/post-quantum/hybrid.js";

import { concat, u8, utf8 } from "./bytes.ts";
import { check, otherwise } from "./failure.ts";
import { hash } from "./hash.ts";
import type { Draw } from "./random.ts";

/** Length of an encapsulation, in bytes. */
export const ENC = 1120;

/** How much longer the output is than the plaintext, in bytes: encapsulation and tag. */
export const HPKE_OVERHEAD = ENC + 16;

/** Length of a wrapping key, in bytes. */
export const WRAPPING_KEY = 1216;

const MODE_BASE = 0;
const ENCAPSULATION_RANDOMNESS = 64;

/** "HPKE" and the ids of KEM, KDF and AEAD, two bytes each. */
const suite = concat(utf8("HPKE"), Uint8Array.of(0x64, 0x7a, 0x00, 0x01, 0x00, 0x02));

/** The wrapping key (1,216 bytes) of a 32-byte seed. */
export function wrappingKeyOf(seed: Uint8Array): Uint8Array {
  return xwing.keygen(seed).publicKey;
}

/** `H("KF1 wrapping key", public key)` */
export function wrappingKeyFingerprint(publicKey: Uint8Array): Uint8Array {
  return hash("KF1 wrapping key", publicKey);
}

/** `enc ‖ ct` to a wrapping key; draws 64 bytes, for ML-KEM and then for X25519. */
export function hpkeSeal(
  publicKey: Uint8Array,
  info: Uint8Array,
  associated: Uint8Array,
  plaintext: Uint8Array,
  draw: Draw,
): Uint8Array {
  const { cipherText, sharedSecret } = xwing.encapsulate(publicKey, draw(ENCAPSULATION_RANDOMNESS));
  const { key, nonce } = schedule(sharedSecret, info);
  return concat(cipherText, gcm(key, nonce, associated).encrypt(plaintext));
}

/**
 * Opens what `hpkeSeal` made.
 * @throws Failure `Unauthentic`
 */
export function hpkeOpen(
  seed: Uint8Array,
  info: Uint8Array,
  associated: Uint8Array,
  sealed: Uint8Array,
): Uint8Array {
  check(sealed.length >= HPKE_OVERHEAD, "Unauthentic");
  return otherwise("Unauthentic", () => {
    const { key, nonce } = schedule(xwing.decapsulate(sealed.slice(0, ENC), seed), info);
    return gcm(key, nonce, associated).decrypt(sealed.slice(ENC));
  });
}

/** RFC 9180, 5.1: `KeySchedule(mode_base, shared_secret, info, "", "")`, for sequence number 0. */
function schedule(sharedSecret: Uint8Array, info: Uint8Array): { key: Uint8Array; nonce: Uint8Array } {
  const none = new Uint8Array(0);
  const context = concat(
    u8(MODE_BASE),
    labeledExtract(none, "psk_id_hash", none),
    labeledExtract(none, "info_hash", info),
  );
  const secret = labeledExtract(sharedSecret, "secret", none);
  return {
    key: labeledExpand(secret, "key", context, 32),
    nonce: labeledExpand(secret, "base_nonce", context, 12),
  };
}

/** RFC 9180, 4. */
function labeledExtract(salt: Uint8Array, label: string, material: Uint8Array): Uint8Array {
  return extract(sha256, concat(utf8("HPKE-v1"), suite, utf8(label), material), salt);
}

/** RFC 9180, 4. */
function labeledExpand(secret: Uint8Array, label: string, info: Uint8Array, length: number): Uint8Array {
  const labelled = concat(Uint8Array.of(0, length), utf8("HPKE-v1"), suite, utf8(label), info);
  return expand(sha256, secret, labelled, length);
}
