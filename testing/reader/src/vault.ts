// vault.md: files and folders, found by their paths in an index that was opened.

import { compare, equal, hex, utf8 } from "./bytes.ts";
import { check } from "./failure.ts";
import type { Entry as Standing } from "./index-reader.ts";
import {
  type Content,
  ENTRIES,
  type Entry,
  entryKey,
  FORMER,
  formerKey,
  readContent,
  readEntry,
  readEntryKey,
  readFormerKey,
  ROOT,
} from "./vault-entry.ts";
import { namesOf } from "./vault-path.ts";

/** A path, and the versions of a file, the newest first; `null` of a folder. */
export type Listed = readonly [path: string, versions: readonly number[] | null];

/**
 * The content that is at a path, or that was, as a version.
 * @throws Failure `BadText`, `TooMany`, `UnknownFile`, `NotAFile`, `NotAFolder`, `IndexDamaged`, `Unsupported`
 */
export function contentAt(standing: readonly Standing[], path: string, version: number | null): Content {
  let found: Entry = { kind: "folder", id: ROOT, created: 0 };
  for (const name of namesOf(path)) {
    check(found.kind === "folder", "NotAFolder");
    const value = valueOf(standing, ENTRIES, entryKey(found.id, name));
    check(value !== undefined, "UnknownFile");
    found = readEntry(value);
  }
  check(found.kind === "file", "NotAFile");
  if (version === null || version === found.version) return found.content;
  const former = valueOf(standing, FORMER, formerKey(found.id, version));
  check(former !== undefined, "UnknownFile");
  return readContent(former);
}

/**
 * Everything, by path.
 * @throws Failure `IndexDamaged`, `Unsupported`
 */
export function listVault(standing: readonly Standing[]): readonly Listed[] {
  const listed = listFolder(standing, ROOT, "");
  return listed.toSorted(([a], [b]) => compare(utf8(a), utf8(b)));
}

function listFolder(standing: readonly Standing[], folder: Uint8Array, before: string): readonly Listed[] {
  return standing.flatMap(({ tree, key, value }): readonly Listed[] => {
    if (tree !== ENTRIES) return [];
    const place = readEntryKey(key);
    if (!equal(place.folder, folder)) return [];
    const path = before + place.name;
    const entry = readEntry(value);
    if (entry.kind === "folder") return [[path, null], ...listFolder(standing, entry.id, `${path}/`)];
    return [[path, [entry.version, ...formerVersions(standing, entry.id)]]];
  });
}

function formerVersions(standing: readonly Standing[], file: Uint8Array): readonly number[] {
  const former = standing.filter(({ tree }) => tree === FORMER).map(({ key }) => readFormerKey(key));
  const versions = former.filter((of) => equal(of.file, file)).map(({ version }) => version);
  return versions.toSorted((a, b) => b - a);
}

function valueOf(standing: readonly Standing[], tree: number, key: Uint8Array): Uint8Array | undefined {
  return standing.find((entry) => entry.tree === tree && hex(entry.key) === hex(key))?.value;
}
