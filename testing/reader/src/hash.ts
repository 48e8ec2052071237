// `H(label, m)` of conventions.md: BLAKE3 in its key-derivation mode, so that hashes of two uses never meet.

import { blake3 } from "@noble/hashes/blake3.js";

import { utf8 } from "./bytes.ts";

/** `H(label, m)`: 32 bytes. */
export function hash(label: string, message: Uint8Array): Uint8Array {
  return blake3(message, { context: utf8(label) });
}

/** BLAKE3 without a label: 32 bytes. */
export function plainHash(message: Uint8Array): Uint8Array {
  return blake3(message);
}
