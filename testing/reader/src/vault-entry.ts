// vault.md, "The index of files": what stands in its three trees.

import { concat, isZero, u8, utf8 } from "./bytes.ts";
import { decode, encode, type Item } from "./cbor.ts";
import { check, Failure } from "./failure.ts";
import { hash } from "./hash.ts";
import { decodeKey, encodeKey, type Part } from "./key-parts.ts";
import { bytes, integer, list, nullable, text, tuple } from "./shape.ts";
import { isName } from "./vault-path.ts";

/** The tree of what stands under names. */
export const ENTRIES = 0;
/** The tree of former contents. */
export const FORMER = 1;
/** The tree of what was let go of. */
export const LET_GO = 2;
/** The root folder's id. */
export const ROOT = new Uint8Array(16);

/** What is in a file, and where. */
export interface Content {
  /** When it was put, in milliseconds since 1970, as all times. */
  readonly stored: number;
  readonly mediaType: string;
  readonly modified: number | null;
  readonly size: number;
  readonly head: Uint8Array;
  readonly body: number;
  readonly parts: readonly Uint8Array[];
}

/** A file or folder. */
export type Entry =
  | {
      readonly kind: "file";
      readonly id: Uint8Array;
      readonly version: number;
      readonly content: Content;
    }
  | { readonly kind: "folder"; readonly id: Uint8Array; readonly created: number };

const ID = 16;
const OBJECT_ID = 32;
const LONGEST_MEDIA_TYPE = 256;
const MOST_PARTS = 24_576;

/** `H("KF1 index id", keychain id ‖ 00h ‖ "files")` */
export function filesIndexId(keychain: Uint8Array): Uint8Array {
  return hash("KF1 index id", concat(keychain, u8(0), utf8("files")));
}

/** Under which key a name stands. */
export function entryKey(folder: Uint8Array, name: string): Uint8Array {
  return encodeKey([
    { kind: "bytes", value: folder },
    { kind: "text", value: name },
  ]);
}

/**
 * Which folder and name a key says.
 * @throws Failure `IndexDamaged`
 */
export function readEntryKey(key: Uint8Array): { readonly folder: Uint8Array; readonly name: string } {
  const [folder, name] = partsOf(key, 2);
  check(name?.kind === "text" && isName(name.value), "IndexDamaged", "not a name");
  return { folder: idOf(folder), name: name.value };
}

/** Under which key a former content stands. */
export function formerKey(file: Uint8Array, version: number): Uint8Array {
  return encodeKey([{ kind: "bytes", value: file }, integerPart(version)]);
}

/**
 * Which file and version a key says.
 * @throws Failure `IndexDamaged`
 */
export function readFormerKey(key: Uint8Array): { readonly file: Uint8Array; readonly version: number } {
  const [file, version] = partsOf(key, 2);
  return { file: idOf(file), version: versionOf(version) };
}

/** Under which key stands what was let go of. */
export function letGoKey(when: number, file: Uint8Array, version: number): Uint8Array {
  return encodeKey([
    { kind: "date", value: BigInt(when) },
    { kind: "bytes", value: file },
    integerPart(version),
  ]);
}

/**
 * Which moment, file and version a key says.
 * @throws Failure `IndexDamaged`
 */
export function readLetGoKey(key: Uint8Array): {
  readonly when: number;
  readonly file: Uint8Array;
  readonly version: number;
} {
  const [when, file, version] = partsOf(key, 3);
  check(when?.kind === "date", "IndexDamaged", "not a time");
  return { when: counted(when.value, 0n), file: idOf(file), version: versionOf(version) };
}

/**
 * Reads what stands under a name.
 * @throws Failure `IndexDamaged`, `Unsupported`
 */
export function readEntry(value: Uint8Array): Entry {
  return read(value, (item) => {
    const [kind] = list(item);
    check(typeof kind === "bigint", "Malformed");
    if (kind === 0n) {
      const [, id, version, content] = tuple(item, 4);
      const counts = integer(version);
      check(counts > 0, "Malformed", "version 0");
      return { kind: "file", id: entryId(id), version: counts, content: parseContent(content) };
    }
    check(kind === 1n, "Unsupported");
    const [, id, created] = tuple(item, 3);
    return { kind: "folder", id: entryId(id), created: integer(created) };
  });
}

/** The canonical encoding of what stands under a name. */
export function encodeEntry(entry: Entry): Uint8Array {
  return entry.kind === "file"
    ? encode([0n, entry.id, BigInt(entry.version), itemOf(entry.content)])
    : encode([1n, entry.id, BigInt(entry.created)]);
}

/**
 * Reads a former content.
 * @throws Failure `IndexDamaged`
 */
export function readContent(value: Uint8Array): Content {
  return read(value, parseContent);
}

/** The canonical encoding of a content. */
export function encodeContent(content: Content): Uint8Array {
  return encode(itemOf(content));
}

/**
 * Reads the objects that were let go of.
 * @throws Failure `IndexDamaged`
 */
export function readLetGo(value: Uint8Array): readonly Uint8Array[] {
  return read(value, parseObjects);
}

/** The canonical encoding of objects. */
export function encodeLetGo(objects: readonly Uint8Array[]): Uint8Array {
  return encode(objects);
}

/** All that is wrong is damage, but a kind that this reader does not know. */
function read<T>(value: Uint8Array, parse: (item: Item) => T): T {
  try {
    return decode(value, parse);
  } catch (error) {
    if (!(error instanceof Failure) || error.code === "Unsupported") throw error;
    throw new Failure("IndexDamaged", error.message);
  }
}

function parseContent(item: Item | undefined): Content {
  const [stored, mediaType, modified, size, head, body, parts] = tuple(item, 7);
  const type = text(mediaType);
  check(utf8(type).length <= LONGEST_MEDIA_TYPE, "TooLarge");
  return {
    stored: integer(stored),
    mediaType: type,
    modified: nullable(modified, integer),
    size: integer(size),
    head: bytes(head),
    body: integer(body),
    parts: parseObjects(parts),
  };
}

function itemOf({ stored, mediaType, modified, size, head, body, parts }: Content): Item {
  const changed = modified === null ? null : BigInt(modified);
  return [BigInt(stored), mediaType, changed, BigInt(size), head, BigInt(body), parts];
}

function parseObjects(item: Item | undefined): readonly Uint8Array[] {
  const objects = list(item);
  check(objects.length <= MOST_PARTS, "TooMany");
  return objects.map((object) => bytes(object, OBJECT_ID));
}

function entryId(item: Item | undefined): Uint8Array {
  const id = bytes(item, ID);
  check(!isZero(id), "Malformed", "the root stands under no name");
  return id;
}

function partsOf(key: Uint8Array, count: number): readonly Part[] {
  const parts = decodeKey(key);
  check(parts.length === count, "IndexDamaged", `not ${count} parts`);
  return parts;
}

function idOf(part: Part | undefined): Uint8Array {
  check(part?.kind === "bytes" && part.value.length === ID, "IndexDamaged", "not an id");
  return part.value;
}

function versionOf(part: Part | undefined): number {
  check(part?.kind === "integer", "IndexDamaged", "not a version");
  return counted(part.value, 1n);
}

function counted(value: bigint, from: bigint): number {
  check(value >= from && value <= BigInt(Number.MAX_SAFE_INTEGER), "IndexDamaged");
  return Number(value);
}

function integerPart(value: number): Part {
  return { kind: "integer", value: BigInt(value) };
}
