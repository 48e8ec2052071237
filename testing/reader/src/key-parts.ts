// index.md, "Keys": keys that are made of parts, so that bytes compare as the parts do.

import { concat, equal, textOf, u8, utf8, viewOf } from "./bytes.ts";
import { check, Failure, otherwise } from "./failure.ts";

/** One part of a key. */
export type Part =
  | { readonly kind: "null" }
  | { readonly kind: "boolean"; readonly value: boolean }
  | { readonly kind: "integer"; readonly value: bigint }
  | { readonly kind: "float"; readonly value: number }
  | { readonly kind: "date"; readonly value: bigint }
  | { readonly kind: "text"; readonly value: string }
  | { readonly kind: "bytes"; readonly value: Uint8Array };

const NULL = 0x08;
const FALSE = 0x10;
const TRUE = 0x11;
const NUMBER = 0x20;
const DATE = 0x28;
const TEXT = 0x30;
const BYTES = 0x38;
const SIGN = 1n << 63n;
const ALL = (1n << 64n) - 1n;

/** The key of these parts. */
export function encodeKey(parts: readonly Part[]): Uint8Array {
  return concat(...parts.map(encodePart));
}

/**
 * The parts of a key.
 * @throws Failure `IndexDamaged` for bytes that `encodeKey` does not make.
 */
export function decodeKey(key: Uint8Array): readonly Part[] {
  const parts: Part[] = [];
  otherwise("IndexDamaged", () => {
    for (let at = 0; at < key.length;) {
      const [part, end] = decodePart(key, at);
      parts.push(part);
      at = end;
    }
  });
  check(equal(encodeKey(parts), key), "IndexDamaged", "another encoding of a key");
  return parts;
}

function encodePart(part: Part): Uint8Array {
  switch (part.kind) {
    case "null":
      return u8(NULL);
    case "boolean":
      return u8(part.value ? TRUE : FALSE);
    case "integer": {
      const below = floatBelow(part.value);
      return concat(u8(NUMBER), ordered(below), u16(Number(part.value - BigInt(below))));
    }
    case "float":
      return concat(u8(NUMBER), ordered(part.value), u16(0));
    case "date":
      return concat(u8(DATE), bits64(BigInt.asUintN(64, part.value) ^ SIGN));
    case "text":
      return concat(u8(TEXT), escaped(utf8(part.value)));
    case "bytes":
      return concat(u8(BYTES), escaped(part.value));
  }
}

function decodePart(key: Uint8Array, at: number): readonly [Part, end: number] {
  const kind = key[at];
  const start = at + 1;
  const view = viewOf(key);
  switch (kind) {
    case NULL:
      return [{ kind: "null" }, start];
    case FALSE:
    case TRUE:
      return [{ kind: "boolean", value: kind === TRUE }, start];
    case NUMBER: {
      const float = unordered(view.getBigUint64(start));
      const rest = BigInt(view.getUint16(start + 8));
      const part: Part = isInteger(float)
        ? { kind: "integer", value: BigInt(float) + rest }
        : { kind: "float", value: float };
      return [part, start + 10];
    }
    case DATE:
      return [{ kind: "date", value: BigInt.asIntN(64, view.getBigUint64(start) ^ SIGN) }, start + 8];
    case TEXT:
    case BYTES: {
      const [value, end] = unescaped(key, start);
      return [kind === TEXT ? { kind: "text", value: textOf(value) } : { kind: "bytes", value }, end];
    }
    default:
      throw new Failure("IndexDamaged", "a part of no kind");
  }
}

/** The greatest float that is not greater. */
function floatBelow(integer: bigint): number {
  const nearest = Number(integer);
  return BigInt(nearest) <= integer ? nearest : unordered(orderedBits(nearest) - 1n);
}

function isInteger(float: number): boolean {
  return Number.isInteger(float) && float >= -(2 ** 63) && float < 2 ** 63;
}

function orderedBits(float: number): bigint {
  const view = new DataView(new ArrayBuffer(8));
  // Of two zeros there is one.
  view.setFloat64(0, float === 0 ? 0 : float);
  const bits = view.getBigUint64(0);
  return (bits & SIGN) === 0n ? bits ^ SIGN : bits ^ ALL;
}

function ordered(float: number): Uint8Array {
  return bits64(orderedBits(float));
}

function unordered(bits: bigint): number {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, (bits & SIGN) === 0n ? bits ^ ALL : bits ^ SIGN);
  return view.getFloat64(0);
}

function bits64(bits: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  viewOf(bytes).setBigUint64(0, bits);
  return bytes;
}

function u16(value: number): Uint8Array {
  return Uint8Array.of(value >> 8, value & 0xff);
}

/** `00 FF` for each zero byte, and `00` at the end. */
function escaped(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from([...bytes].flatMap((byte) => (byte === 0 ? [0, 0xff] : [byte])).concat(0));
}

function unescaped(key: Uint8Array, start: number): readonly [Uint8Array, end: number] {
  const bytes: number[] = [];
  for (let at = start; at < key.length; at += 1) {
    const byte = key[at] ?? 0;
    if (byte === 0) {
      if (key[at + 1] !== 0xff) return [Uint8Array.from(bytes), at + 1];
      at += 1;
    }
    bytes.push(byte);
  }
  throw new Failure("IndexDamaged", "a part without an end");
}
