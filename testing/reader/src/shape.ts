// From decoded items to fields: arrays of so many elements, bytes of a length, integers in a range.
// A field of another shape is `Malformed`; separate from `cbor.ts`, which knows no formats.

import type { Item } from "./cbor.ts";
import { check, Failure } from "./failure.ts";

const SAFE = BigInt(Number.MAX_SAFE_INTEGER);

/**
 * An array of any length.
 * @throws Failure `Malformed`
 */
export function list(item: Item | undefined): readonly Item[] {
  if (Array.isArray(item)) return item as readonly Item[];
  throw new Failure("Malformed", "not an array");
}

/**
 * An array of exactly so many elements.
 * @throws Failure `Malformed`
 */
export function tuple(item: Item | undefined, length: number): readonly Item[] {
  const items = list(item);
  check(items.length === length, "Malformed", `not ${length} fields`);
  return items;
}

/**
 * Bytes, of exactly that length where one is given.
 * @throws Failure `Malformed`
 */
export function bytes(item: Item | undefined, length?: number): Uint8Array {
  check(item instanceof Uint8Array, "Malformed", "not bytes");
  check(length === undefined || item.length === length, "Malformed", `not ${length} bytes`);
  return item;
}

/**
 * A text.
 * @throws Failure `Malformed`
 */
export function text(item: Item | undefined): string {
  check(typeof item === "string", "Malformed", "not a text");
  return item;
}

/**
 * `true` or `false`.
 * @throws Failure `Malformed`
 */
export function flag(item: Item | undefined): boolean {
  check(typeof item === "boolean", "Malformed", "not a boolean");
  return item;
}

/**
 * An integer that every client can hold, 2⁵³ − 1 at most: a time, a `seq`.
 * @throws Failure `Malformed`, `TooLarge`
 */
export function integer(item: Item | undefined): number {
  check(typeof item === "bigint", "Malformed", "not an integer");
  check(item <= SAFE, "TooLarge");
  return Number(item);
}

/**
 * An integer of a fixed width.
 * @throws Failure `Malformed`
 */
export function within(item: Item | undefined, bits: 8 | 16 | 32): number {
  check(typeof item === "bigint", "Malformed", "not an integer");
  check(item < 1n << BigInt(bits), "Malformed", `not a u${bits}`);
  return Number(item);
}

/** `null`, or what `read` makes of the item. */
export function nullable<T>(item: Item | undefined, read: (item: Item) => T): T | null {
  check(item !== undefined, "Malformed");
  return item === null ? null : read(item);
}
