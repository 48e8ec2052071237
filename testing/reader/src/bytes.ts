// Bytes as conventions.md notates them: concatenation, big-endian integers, text, hexadecimal, base64url.

import { check, Failure } from "./failure.ts";

/** `a ‖ b ‖ …` */
export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}

/** One byte. */
export function u8(value: number): Uint8Array {
  return Uint8Array.of(value);
}

/** Four bytes, big-endian. */
export function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

/** Eight bytes, big-endian. */
export function u64(value: number | bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value));
  return bytes;
}

/** A view to read integers from. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** UTF-8 of a text. */
export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/**
 * The text of UTF-8 bytes, a byte order mark included.
 * @throws TypeError where they are not UTF-8.
 */
export function textOf(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
}

/** Whether bytes are UTF-8. */
export function isText(bytes: Uint8Array): boolean {
  try {
    textOf(bytes);
    return true;
  } catch {
    return false;
  }
}

/** Lower-case hexadecimal: also what serves as the key of a map from bytes. */
export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

/**
 * Bytes of hexadecimal.
 * @throws Failure `Malformed` for anything else.
 */
export function fromHex(text: string): Uint8Array {
  check(/^([0-9a-f]{2})*$/.test(text), "Malformed", "not hexadecimal");
  return new Uint8Array(Buffer.from(text, "hex"));
}

/** Base64url without padding. */
export function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64url");
}

/**
 * Bytes of base64url without padding; trailing bits that are not zero, and other characters, are refused.
 * @throws Failure `Malformed`
 */
export function fromBase64url(text: string): Uint8Array {
  const bytes = new Uint8Array(Buffer.from(text, "base64url"));
  if (base64url(bytes) !== text) {
    throw new Failure("Malformed", "not base64url");
  }
  return bytes;
}

/** Negative, zero or positive as `a` stands before, at or after `b`, byte by byte. */
export function compare(a: Uint8Array, b: Uint8Array): number {
  return Buffer.compare(a, b);
}

/** Whether two strings of bytes are the same. This reader guards no secret, so not in constant time. */
export function equal(a: Uint8Array, b: Uint8Array): boolean {
  return compare(a, b) === 0;
}

/** Whether all bytes are zero. */
export function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}
