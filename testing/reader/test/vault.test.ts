// Vaults: paths and what stands in the index of files are read and written again; contents are sealed, cut, put with
// a storage that does something to them, found by their paths and read; what was interrupted is gone on with.

import { expect } from "vitest";

import { compare, concat, fromHex, hex } from "../src/bytes.ts";
import { sealEnvelope } from "../src/envelope.ts";
import { parseHead } from "../src/envelope-header.ts";
import { recorded } from "../src/random.ts";
import { contentAt, listVault } from "../src/vault.ts";
import { cutIntoParts, goOn, partId, type Place, readContentAt, vaultContext } from "../src/vault-content.ts";
import {
  type Content,
  encodeContent,
  encodeEntry,
  encodeLetGo,
  ENTRIES,
  type Entry,
  entryKey,
  filesIndexId,
  FORMER,
  formerKey,
  letGoKey,
  readContent,
  readEntry,
  readEntryKey,
  readFormerKey,
  readLetGo,
  readLetGoKey,
} from "../src/vault-entry.ts";
import { namesOf } from "../src/vault-path.ts";
import { heldKey, type KeyVector } from "./held-keys.ts";
import { readFolder, runFolder, type Vector } from "./vectors.ts";

type Text = { readonly hex: string } | { readonly repeat: string; readonly len: number };

interface PathVector extends Vector {
  readonly path: string;
  readonly names?: readonly string[];
}

interface EntryVector extends Vector {
  readonly tree: number;
  readonly key: string;
  readonly value: string;
  readonly out?: unknown;
}

interface ContentVector {
  readonly plaintext: Text;
  readonly keys: readonly KeyVector[];
  readonly random: string;
  readonly sealed: { readonly head: string; readonly body: number; readonly parts: readonly string[] };
  readonly context?: string;
  readonly padded?: boolean;
  readonly metadata?: {
    readonly name: string | null;
    readonly media_type: string | null;
    readonly modified: number | null;
  };
  readonly author?: {
    readonly account: string;
    readonly generation: number;
    readonly seq: number;
    readonly head: string;
    readonly seed: string;
  };
  readonly cut?: number;
}

interface PlaceVector extends Vector {
  readonly keychain: string;
  readonly index: string;
  readonly keys: readonly KeyVector[];
  readonly contents: readonly ContentVector[];
}

type StorageEdit =
  | { readonly swap: readonly [number, number] }
  | { readonly drop: number }
  | { readonly flip: readonly [part: number, offset: number, bit: number] }
  | { readonly truncate: readonly [part: number, length: number] }
  | { readonly append: readonly [part: number, hex: string] };

interface VaultVector extends PlaceVector {
  readonly storage: readonly StorageEdit[];
  readonly entries: readonly (readonly [tree: number, key: string, value: string])[];
  readonly read: {
    readonly path: string;
    readonly version: number | null;
    readonly range: readonly [number, number] | null;
  };
  readonly listed?: readonly unknown[];
  readonly out?: Text;
}

interface ResumedVector extends PlaceVector {
  readonly again: { readonly plaintext: Text; readonly noted: readonly string[]; readonly stored: number };
  readonly leaves: readonly string[] | null;
}

type AnyVector = PathVector | EntryVector | VaultVector | ResumedVector;

runFolder("vault", readFolder<AnyVector>("vault"), (vector) => {
  if ("path" in vector) readPath(vector);
  else if ("tree" in vector) readStanding(vector);
  else if ("again" in vector) resume(vector);
  else readVault(vector);
});

function readPath({ path, names }: PathVector): void {
  expect(namesOf(path)).toEqual(names);
}

/** What a key and its value say; both are written again. */
function readStanding(vector: EntryVector): void {
  const [key, value] = [fromHex(vector.key), fromHex(vector.value)];
  if (vector.tree === ENTRIES) {
    const { folder, name } = readEntryKey(key);
    const entry = readEntry(value);
    expect({ in: hex(folder), name, ...shownEntry(entry) }).toEqual(vector.out);
    expect([hex(entryKey(folder, name)), hex(encodeEntry(entry))]).toEqual([vector.key, vector.value]);
  } else if (vector.tree === FORMER) {
    const { file, version } = readFormerKey(key);
    const content = readContent(value);
    expect({ file: hex(file), version, content: shown(content) }).toEqual(vector.out);
    expect([hex(formerKey(file, version)), hex(encodeContent(content))]).toEqual([vector.key, vector.value]);
  } else {
    const { when, file, version } = readLetGoKey(key);
    const objects = readLetGo(value);
    expect({ when, file: hex(file), version, objects: objects.map(hex) }).toEqual(vector.out);
    expect([hex(letGoKey(when, file, version)), hex(encodeLetGo(objects))]).toEqual([
      vector.key,
      vector.value,
    ]);
  }
}

function shownEntry(entry: Entry): object {
  const id = hex(entry.id);
  return entry.kind === "file"
    ? { file: { id, version: entry.version, content: shown(entry.content) } }
    : { folder: { id, created: entry.created } };
}

function shown({ stored, mediaType, modified, size, head, body, parts }: Content): object {
  return { stored, media_type: mediaType, modified, size, head: hex(head), body, parts: parts.map(hex) };
}

function readVault(vector: VaultVector): void {
  const place = placeOf(vector, vector.storage);
  const standing = vector.entries.map(([tree, key, value]) => {
    return { tree, key: fromHex(key), value: fromHex(value) };
  });
  if (vector.listed !== undefined) expect(listVault(standing)).toEqual(vector.listed);
  const { path, version, range } = vector.read;
  const content = contentAt(standing, path, version);
  const plaintext = readContentAt(place, content, range);
  expect(vector.out).toBeDefined();
  if (vector.out !== undefined) expect(compare(plaintext, textOf(vector.out))).toBe(0);
}

function resume(vector: ResumedVector): void {
  const place = placeOf(vector, []);
  const { plaintext, noted, stored } = vector.again;
  const head = fromHex(vector.contents[0]?.sealed.head ?? "");
  const leaves = goOn(place, head, textOf(plaintext), noted.map(fromHex), stored);
  expect(leaves?.map(hex) ?? null).toEqual(vector.leaves);
}

/** What a storage has after contents were put, and what it did to them. */
function placeOf(vector: PlaceVector, edits: readonly StorageEdit[]): Place {
  const index = filesIndexId(fromHex(vector.keychain));
  expect(hex(index)).toBe(vector.index);
  const put = vector.contents.flatMap((content) => sealedParts(index, content));
  const parts: (Uint8Array | undefined)[] = put.slice();
  for (const edit of edits) editStorage(parts, edit);
  const objects = put.flatMap((part, at) => {
    const held = parts[at];
    return held === undefined ? [] : ([[hex(partId(part)), held]] as const);
  });
  return { index, keys: vector.keys.map(heldKey), objects: new Map(objects) };
}

/** Many vectors have the same contents. */
const sealedBefore = new Map<string, readonly Uint8Array[]>();

function sealedParts(index: Uint8Array, vector: ContentVector): readonly Uint8Array[] {
  const name = JSON.stringify(vector);
  const before = sealedBefore.get(name);
  if (before !== undefined) return before;
  const random = recorded(fromHex(vector.random));
  const author = vector.author && {
    ...vector.author,
    account: fromHex(vector.author.account),
    head: fromHex(vector.author.head),
    seed: fromHex(vector.author.seed),
  };
  const metadata = vector.metadata && {
    name: vector.metadata.name,
    mediaType: vector.metadata.media_type,
    modified: vector.metadata.modified,
  };
  const envelope = sealEnvelope(
    textOf(vector.plaintext),
    {
      context: vector.context === undefined ? vaultContext(index) : fromHex(vector.context),
      keys: vector.keys.map(heldKey),
      metadata: metadata ?? null,
      padded: vector.padded ?? true,
      author: author ?? null,
    },
    random.draw,
  );
  expect(random.left()).toBe(0);
  const { end } = parseHead(envelope);
  const body = envelope.slice(end);
  const parts =
    vector.cut === undefined
      ? cutIntoParts(body)
      : [body.slice(0, vector.cut), ...cutIntoParts(body.slice(vector.cut))];
  expect({
    head: hex(envelope.slice(0, end)),
    body: body.length,
    parts: parts.map((part) => hex(partId(part))),
  }).toEqual(vector.sealed);
  sealedBefore.set(name, parts);
  return parts;
}

function editStorage(parts: (Uint8Array | undefined)[], edit: StorageEdit): void {
  if ("swap" in edit) {
    const [a, b] = edit.swap;
    [parts[a], parts[b]] = [parts[b], parts[a]];
  } else if ("drop" in edit) {
    parts[edit.drop] = undefined;
  } else if ("flip" in edit) {
    const [at, offset, bit] = edit.flip;
    const after = partOf(parts, at).slice();
    after.set([(after[offset] ?? 0) ^ (1 << bit)], offset);
    parts[at] = after;
  } else if ("truncate" in edit) {
    const [at, length] = edit.truncate;
    parts[at] = partOf(parts, at).slice(0, length);
  } else {
    const [at, behind] = edit.append;
    parts[at] = concat(partOf(parts, at), fromHex(behind));
  }
}

function partOf(parts: readonly (Uint8Array | undefined)[], at: number): Uint8Array {
  const part = parts[at];
  if (part === undefined) throw new Error("no such part");
  return part;
}

function textOf(text: Text): Uint8Array {
  if ("hex" in text) return fromHex(text.hex);
  const pattern = fromHex(text.repeat);
  return Uint8Array.from({ length: text.len }, (_, index) => pattern[index % pattern.length] ?? 0);
}
