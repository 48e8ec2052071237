// index.md, "Objects": what a storage keeps of an index, sealed for its place and named by its hash.

import { concat, equal, hex, isZero, u8, u32, viewOf } from "./bytes.ts";
import { decode, type Item } from "./cbor.ts";
import { derive, openOnce } from "./derivation.ts";
import { check, Failure, otherwise } from "./failure.ts";
import { hash } from "./hash.ts";

/** What belongs to all trees has this in the place of a tree's number. */
const ALL_TREES = 0xffff;
const SALT_AND_TAG = 40;

/** Where an object is, and what it is. */
export interface Place {
  readonly kind: "node" | "value" | "segment" | "record" | "headers" | "replaced";
  /** Of a node or a value. */
  readonly tree?: number;
  /** Of a node. */
  readonly level?: number;
}

const KINDS = ["node", "value", "segment", "record", "headers", "replaced"] as const;

/** An object as something else names it. */
export interface Named {
  readonly id: Uint8Array;
  /** The number of the keychain's key under which it is sealed. */
  readonly key: number;
}

/** What a storage holds, and the keys of who reads. */
export interface Storage {
  /** Whose objects these are; 32 bytes. */
  readonly index: Uint8Array;
  /** Sealed objects, by their ids in hexadecimal. */
  readonly objects: ReadonlyMap<string, Uint8Array>;
  /** What stands under the reference. */
  readonly reference: Uint8Array | null;
  /** Keys of the keychain, by number. */
  readonly keys: ReadonlyMap<number, Uint8Array>;
}

/** A length that sealed bytes are filled up to: a power of two, at least 1,024. */
function sealedLength(plain: number): number {
  return Math.max(1024, 2 ** Math.ceil(Math.log2(plain + SALT_AND_TAG)));
}

/**
 * Opens an object, with the zero bytes at its end.
 * @throws Failure `ObjectMissing`, `IndexDamaged`, `NoKey`
 */
export function openObject(storage: Storage, named: Named, place: Place): Uint8Array {
  const sealed = storage.objects.get(hex(named.id));
  if (sealed === undefined) throw new Failure("ObjectMissing");
  check(equal(hash("KF1 object", sealed), named.id), "IndexDamaged", "another object");
  return openSealed(storage, named.key, sealed, place);
}

/**
 * The same of what has no name but its place.
 * @throws Failure `IndexDamaged`, `NoKey`
 */
export function openSealed(storage: Storage, number: number, sealed: Uint8Array, place: Place): Uint8Array {
  const secret = storage.keys.get(number);
  if (secret === undefined) throw new Failure("NoKey");
  const tree = u32(place.tree ?? ALL_TREES).slice(2);
  const key = derive(secret, new Uint8Array(0), "KF1 index tree", concat(storage.index, tree), 32);
  const where = concat(u8(KINDS.indexOf(place.kind)), u8(place.level ?? 0), u32(sealed.length));
  return otherwise("IndexDamaged", () => openOnce(key, "KF1 index object", where, sealed));
}

/**
 * A value that stands apart: so many bytes, and zero bytes behind them.
 * @throws Failure
 */
export function openValue(storage: Storage, tree: number, named: Named, length: number): Uint8Array {
  const plain = openObject(storage, named, { kind: "value", tree });
  const fits = sealedLength(length) === plain.length + SALT_AND_TAG && isZero(plain.slice(length));
  check(fits, "IndexDamaged", "a value of another length");
  return plain.slice(0, length);
}

/**
 * What stands in a frame: `u32 length ‖ canonical CBOR ‖ zero bytes`.
 * @throws Failure `IndexDamaged`
 */
export function unframed<T>(plain: Uint8Array, read: (item: Item) => T): T {
  return otherwise("IndexDamaged", () => {
    const end = 4 + viewOf(plain).getUint32(0);
    check(end <= plain.length && isZero(plain.slice(end)), "IndexDamaged");
    return decode(plain.slice(4, end), read);
  });
}
