/**
 * What records are: their keys, what they are found by, and their bytes. Functions of records run here, in the page: they
 * cannot cross to the worker, which knows keys and bytes.
 */
import * as check from "./arguments.js";
import type { Cancellable } from "./client.js";
import { KeyfoldError } from "./error.js";
import type { Bytes } from "./types.js";
import type { IndexKeyOf, IndexQuery, IndexValues } from "./wasm/keyfold.js";

/**
 * One part of a key. Parts compare as they stand here: nothing, booleans, numbers, dates, texts (by code points), bytes.
 *
 * An integer beyond ±(2^53 − 1) comes back as a `bigint`. A `bigint` is accepted wherever an integer is, and equals the
 * number of the same value; it is from −2^63 to 2^63 − 1. Beyond that, and NaN, is `NotComparable`; what is none of
 * these, and a date that is none, is `Malformed`.
 */
export type KeyPart = null | boolean | number | bigint | Date | string | Uint8Array;

/** A key, or its one part. Keys compare part by part. Encoded, one has at most 1,024 bytes: `TooLarge`. */
export type IndexKey = KeyPart | readonly KeyPart[];

/** How records are found by something else than their key. */
export interface Secondary<T> {
  /**
   * What a record is found by: one key, several (each word of a text), or none. Together with the record's own key, each
   * has at most 1,024 bytes, encoded: `TooLarge`.
   */
  readonly by: (record: T) => readonly IndexKey[];
  /** No two records have the same: `NotUnique`. */
  readonly unique?: boolean;
}

/**
 * What records are, as functions of them. Every member's application declares the same.
 *
 * The functions are given records as they are read, also where one is put: JSON makes a text of a `Date` in a record, and
 * leaves `undefined` away. Where they throw, it is `Malformed`, and nothing is written.
 */
export interface IndexSchema<T> {
  /** A record's own key, of at most 255 parts (`TooLarge`): of two records with one key the later one stays. */
  readonly key: (record: T) => IndexKey;
  /**
   * At most 63 (`TooLarge`), in an order that never changes: a new one goes last, and knows the records written since. A
   * name is no whole number such as `"7"`, which JavaScript would put first: `Malformed`.
   */
  readonly secondary?: { readonly [name: string]: Secondary<T> };
}

/** Which records, in the order of their keys. */
export interface RangeOptions extends Cancellable {
  /** From this key on. */
  readonly from?: IndexKey;
  /** Up to this key, without it. */
  readonly to?: IndexKey;
  /** Those whose key begins with these parts. */
  readonly prefix?: IndexKey;
  /** Those whose next part is a text that begins so. */
  readonly startsWith?: string;
  /**
   * What comes behind this key in the order that is asked for: where reading goes on, whatever was written since, and
   * whether or not the record is still there. By a secondary key, the key of the last entry and its record's own.
   */
  readonly after?: IndexKey;
  /** Without so many of the first: they are counted, not read. A whole number from 0 on: `Malformed`. */
  readonly skip?: number;
  /** From the last to the first. */
  readonly reverse?: boolean;
  /** At most so many: a whole number from 0 on, or `Infinity`, the default. `Malformed`. Counting leaves it aside. */
  readonly limit?: number;
}

/** Secondary keys of a schema: trees of an index, less the records' own. */
const MOST_SECONDARY = 63;
/** Parts of a record's own key: their number stands in one byte beside what the record is found by. */
const MOST_PARTS = 255;
/** Names that JavaScript puts before all others. */
const NUMBERED = /^(?:0|[1-9]\d*)$/;

/** A secondary key as it was declared, and the tree in which records are found by it. */
interface Declared<T> extends Secondary<T> {
  readonly name: string;
  readonly tree: number;
}

/** The value that is to stand under a key where this one stands now, `null` for none; `undefined`: none is to. */
export type Next = (value: Uint8Array | null, at: number) => Uint8Array | undefined;

/** A schema as it was declared. */
export class Records<T> {
  readonly secondary: readonly Declared<T>[];
  readonly #key: IndexSchema<T>["key"];

  constructor(schema: IndexSchema<T>) {
    this.#key = schema.key;
    const declared = Object.entries(schema.secondary ?? {});
    if (declared.length > MOST_SECONDARY)
      throw new KeyfoldError("TooLarge", `an index has at most ${MOST_SECONDARY} secondary keys`);
    this.secondary = declared.map(([name, secondary], at) => {
      if (NUMBERED.test(name)) {
        const message = `a secondary key cannot be called ${name}: JavaScript puts names that are numbers first`;
        throw new KeyfoldError("Malformed", message);
      }
      check.callable(secondary?.by, `schema.secondary.${name}.by`);
      return { ...secondary, name, tree: at + 1 };
    });
  }

  /** The own key of the record that a value is. */
  key(value: Uint8Array): readonly KeyPart[] {
    return this.#own(plain<T>(value));
  }

  /** What is to change in all trees, where these values stand for keys. */
  changes(keys: readonly (readonly KeyPart[])[], values: IndexValues["values"], next: Next): IndexKeyOf[] {
    const changed = new Map<string, IndexKeyOf>();
    keys.forEach((key, at) => {
      const stands = values[at] ?? null;
      const comes = next(stands, at);
      if (stands === null && comes === undefined) return;
      const after = comes === undefined ? undefined : plain<T>(comes);
      if (after !== undefined && named(this.#own(after)) !== named(key))
        throw check.malformed("record", "one with the key that is changed", after);
      // What it was found by is asked of a record that nobody else has had.
      const gone = stands === null ? [] : this.#foundBy(key, plain<T>(stands));
      const come = after === undefined ? [] : this.#foundBy(key, after);
      for (const change of [{ tree: 0, key: [...key], value: comes }, ...gone.map(removed), ...come]) {
        const place = `${change.tree} ${named(change.key)}`;
        // What comes stays, whatever goes.
        if (change.value !== undefined || !changed.has(place)) changed.set(place, change);
      }
    });
    return [...changed.values()];
  }

  /** What stands in the secondary trees for a record. */
  #foundBy(own: readonly KeyPart[], record: T): IndexKeyOf[] {
    return this.secondary.flatMap(({ by, tree, name }) => {
      const what = `schema.secondary.${name}.by`;
      const keys = told(what, () => by(record));
      if (!Array.isArray(keys)) throw check.malformed(`what ${what} answers`, "a list of keys", keys);
      return keys.map((key: IndexKey) => ({
        tree,
        key: [...parts(key), ...own],
        value: Uint8Array.of(own.length),
      }));
    });
  }

  #own(record: T): readonly KeyPart[] {
    const key = parts(told("schema.key", () => this.#key(record)));
    if (key.length <= MOST_PARTS) return key;
    throw new KeyfoldError("TooLarge", `a record's own key has at most ${MOST_PARTS} parts`);
  }
}

function removed({ tree, key }: IndexKeyOf): IndexKeyOf {
  return { tree, key };
}

/** What a function of a schema says of a record. */
function told<R>(name: string, ask: () => R): R {
  try {
    return ask();
  } catch (cause) {
    const hint = "It is given records as they are read from JSON: a Date in one is a text there.";
    throw new KeyfoldError("Malformed", `${name} threw an error for a record`, { hint, cause });
  }
}

/** A key is its parts. */
export function parts(key: IndexKey): readonly KeyPart[] {
  return Array.isArray(key) ? (key as readonly KeyPart[]) : [key as KeyPart];
}

/** A key of a secondary tree: what a record is found by, and behind it its own key, of as many parts as the value says. */
export function split(key: readonly KeyPart[], value: Uint8Array): { by: KeyPart[]; own: KeyPart[] } {
  const [own] = value;
  if (own === undefined || own > key.length)
    throw new KeyfoldError("IndexDamaged", "a secondary key names no record");
  const at = key.length - own;
  return { by: key.slice(0, at), own: key.slice(at) };
}

/** Equal keys have equal names, and others have others. `NotComparable`, `Malformed` */
export function named(key: readonly KeyPart[]): string {
  return JSON.stringify(key.map(nameOf));
}

function nameOf(part: KeyPart): string {
  if (part === null || typeof part === "boolean") return String(part);
  if (typeof part === "number" || typeof part === "bigint") return `number ${digits(part)}`;
  // Half a character is written as a whole one that says so.
  if (typeof part === "string") return `text ${part.replace(/\p{Surrogate}/gu, "\ufffd")}`;
  if (part instanceof Uint8Array) return `bytes ${part.join()}`;
  if (part instanceof Date && !Number.isNaN(part.getTime())) return `date ${part.getTime()}`;
  throw check.malformed("a part of a key", "null, a boolean, number, bigint, date, text or bytes", part);
}

/** A number, exactly: of one value there is one. */
function digits(number: number | bigint): string {
  if (Number.isNaN(number))
    throw new KeyfoldError("NotComparable", "a key has NaN in it, which compares with nothing");
  // Beyond 2^53, a number does not show all of its digits.
  const integer = Number.isInteger(number) ? BigInt(number) : number;
  if (typeof integer === "bigint" && BigInt.asIntN(64, integer) === integer) return String(integer);
  if (typeof number === "number") return String(number);
  throw new KeyfoldError("NotComparable", "a key has an integer in it that is not from -2^63 to 2^63 - 1");
}

/** Which entries are asked for. */
export function query(options: RangeOptions): IndexQuery {
  const { from, to, after, skip, prefix, startsWith, reverse, limit } = options;
  if (skip !== undefined && !isCount(skip)) throw check.malformed("skip", "a whole number from 0 on", skip);
  if (limit !== undefined && limit !== Number.POSITIVE_INFINITY && !isCount(limit))
    throw check.malformed("limit", "a whole number from 0 on, or Infinity", limit);
  return {
    ...(from !== undefined && { from: [...parts(from)] }),
    ...(to !== undefined && { to: [...parts(to)] }),
    ...(after !== undefined && { after: [...parts(after)] }),
    ...(skip !== undefined && { skip }),
    ...(prefix !== undefined && { prefix: [...parts(prefix)] }),
    ...(startsWith !== undefined && { startsWith }),
    ...(reverse !== undefined && { reverse }),
  };
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** A record as it is kept. */
export function bytes(record: unknown): Bytes {
  const text = written(record);
  if (text === undefined) throw check.malformed("record", "something that JSON can write", record);
  return new TextEncoder().encode(text);
}

function written(record: unknown): string | undefined {
  try {
    return JSON.stringify(record);
  } catch (cause) {
    throw new KeyfoldError("Malformed", "a record has something in it that JSON cannot write", { cause });
  }
}

/** A record from what is kept. */
export function plain<T>(value: Uint8Array): T {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(value)) as T;
  } catch (cause) {
    throw new KeyfoldError("Malformed", "a value of the index is not JSON", { cause });
  }
}
