// The canonical encoding (conventions.md): a decoder of CBOR (RFC 8949) that accepts the core deterministic
// form only and of that only what the formats use. Its own, because general decoders accept far more.

import { compare, concat, textOf, u8, utf8, viewOf } from "./bytes.ts";
import { check, Failure } from "./failure.ts";

/** What the formats are made of. Integers are not negative; an array is an array, never a map. */
export type Item = bigint | Uint8Array | string | boolean | null | readonly Item[];

const NESTING = 8;

const unsigned = 0;
const byteString = 2;
const textString = 3;
const array = 4;
const simple = 7;

/**
 * Decodes one canonical item that fills the whole input, and reads it: its own faults come first, then those
 * of its shape, then bytes behind it.
 * @throws Failure `Truncated`, `NotCanonical`, `TooMany` (nesting), `Malformed` (no CBOR, no UTF-8), and
 * whatever `read` throws.
 */
export function decode<T>(bytes: Uint8Array, read: (item: Item) => T): T {
  const decoder = new Decoder(bytes);
  const value = read(decoder.item(0));
  check(decoder.atEnd(), "NotCanonical", "bytes after the end");
  return value;
}

/**
 * The unsigned integer that an array starts with, if there is one; nothing behind it is looked at, because a
 * version decides how the rest is read, or that it is not.
 */
export function leadingInteger(bytes: Uint8Array): bigint | null {
  try {
    const decoder = new Decoder(bytes);
    const outer = decoder.head();
    if (outer.major !== array || outer.value === 0n) return null;
    const first = decoder.head();
    return first.major === unsigned ? first.value : null;
  } catch {
    // Decoding the whole says what is wrong.
    return null;
  }
}

/** Encodes canonically. */
export function encode(item: Item): Uint8Array {
  if (item === null) return u8(0xf6);
  if (typeof item === "boolean") return u8(item ? 0xf5 : 0xf4);
  if (typeof item === "bigint") return headOf(unsigned, item);
  if (typeof item === "string") return encodeString(textString, utf8(item));
  if (item instanceof Uint8Array) return encodeString(byteString, item);
  return concat(headOf(array, BigInt(item.length)), ...item.map(encode));
}

/**
 * Checks that a list stands strictly ascending by its items' encoded bytes, as a set must.
 * @throws Failure `NotCanonical`
 */
export function requireAscending(items: readonly Item[]): void {
  const encoded = items.map(encode);
  for (const [index, bytes] of encoded.entries()) {
    const before = encoded[index - 1];
    check(before === undefined || compare(before, bytes) < 0, "NotCanonical", "not ascending");
  }
}

interface Head {
  readonly major: number;
  readonly value: bigint;
}

class Decoder {
  readonly #bytes: Uint8Array;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  atEnd(): boolean {
    return this.#offset === this.#bytes.length;
  }

  item(depth: number): Item {
    const { major, value } = this.head();
    switch (major) {
      case unsigned:
        return value;
      case byteString:
        return this.#take(value);
      case textString:
        return decodeText(this.#take(value));
      case array: {
        check(depth < NESTING, "TooMany", "nested too deep");
        const items: Item[] = [];
        // No space is set aside for the items that a head promises: they may not be there.
        for (let index = 0n; index < value; index += 1n) {
          items.push(this.item(depth + 1));
        }
        return items;
      }
      case simple:
        if (value === 20n || value === 21n) return value === 21n;
        if (value === 22n) return null;
        throw new Failure("NotCanonical", "a simple value or float");
      default:
        throw new Failure("NotCanonical", "a negative integer, map or tag");
    }
  }

  /** The major type and argument of the next item, in the shortest form. */
  head(): Head {
    const initial = this.#take(1n)[0] ?? 0;
    const major = initial >> 5;
    const information = initial & 0x1f;
    if (information < 24) return { major, value: BigInt(information) };
    check(information !== 31, "NotCanonical", "of indefinite length");
    check(information < 28, "Malformed", "not CBOR");
    const length = 1 << (information - 24);
    const value = this.#take(BigInt(length)).reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
    check(major !== simple, "NotCanonical", "a simple value or float");
    check(value >= shortestFrom(length), "NotCanonical", "not the shortest form");
    return { major, value };
  }

  #take(length: bigint): Uint8Array {
    const end = BigInt(this.#offset) + length;
    check(end <= BigInt(this.#bytes.length), "Truncated");
    const taken = this.#bytes.slice(this.#offset, Number(end));
    this.#offset = Number(end);
    return taken;
  }
}

/** The least value that needs an argument of so many bytes. */
function shortestFrom(length: number): bigint {
  return length === 1 ? 24n : 1n << BigInt(4 * length);
}

function decodeText(bytes: Uint8Array): string {
  try {
    return textOf(bytes);
  } catch {
    throw new Failure("Malformed", "not UTF-8");
  }
}

function encodeString(major: number, bytes: Uint8Array): Uint8Array {
  return concat(headOf(major, BigInt(bytes.length)), bytes);
}

function headOf(major: number, value: bigint): Uint8Array {
  const initial = major << 5;
  if (value < 24n) return u8(initial | Number(value));
  const length = value < 1n << 8n ? 1 : value < 1n << 16n ? 2 : value < 1n << 32n ? 4 : 8;
  const bytes = new Uint8Array(9);
  viewOf(bytes).setBigUint64(1, value);
  bytes[8 - length] = initial | (24 + Math.log2(length));
  return bytes.slice(8 - length);
}
