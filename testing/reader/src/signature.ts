// Signatures of conventions.md: Ed25519 under a label, verified strictly. The equation is written out, because
// libraries check the cofactored one, which accepts signatures that others refuse.

import { ed25519 } from "@noble/curves/ed25519.js";
import { sha512 } from "@noble/hashes/sha2.js";

import { concat, equal, u8, utf8 } from "./bytes.ts";

const { Point } = ed25519;

/** Length of a signature, in bytes. */
export const SIGNATURE = 64;

/** The public key of a 32-byte seed. */
export function signingKeyOf(seed: Uint8Array): Uint8Array {
  return ed25519.getPublicKey(seed);
}

/** Ed25519 over a message as it stands, without a label. */
export function signRaw(seed: Uint8Array, message: Uint8Array): Uint8Array {
  return ed25519.sign(message, seed);
}

/**
 * Whether a signature over a message as it stands verifies strictly: canonical `R` and `s`, neither key nor `R`
 * of small order, and `[s]B = R + [k]A` without the cofactor.
 */
export function verifyRaw(key: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== SIGNATURE || key.length !== 32) return false;
  try {
    const encodedR = signature.slice(0, 32);
    const publicPoint = Point.fromBytes(key, true);
    const commitment = Point.fromBytes(encodedR, false);
    if (publicPoint.isSmallOrder() || commitment.isSmallOrder()) return false;
    const s = littleEndian(signature.slice(32));
    if (s >= Point.Fn.ORDER) return false;
    const k = littleEndian(sha512(concat(encodedR, key, message))) % Point.Fn.ORDER;
    const right = commitment.add(publicPoint.multiplyUnsafe(k));
    return equal(Point.BASE.multiplyUnsafe(s).toBytes(), right.toBytes());
  } catch {
    // Not a point of the curve.
    return false;
  }
}

/** `Sign(sk, label, m)` */
export function sign(seed: Uint8Array, label: string, message: Uint8Array): Uint8Array {
  return signRaw(seed, labelled(label, message));
}

/** Whether `Sign(sk, label, m)` verifies. */
export function verify(key: Uint8Array, label: string, message: Uint8Array, signature: Uint8Array): boolean {
  return verifyRaw(key, labelled(label, message), signature);
}

function labelled(label: string, message: Uint8Array): Uint8Array {
  return concat(utf8(label), u8(0), message);
}

function littleEndian(bytes: Uint8Array): bigint {
  return bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
}
