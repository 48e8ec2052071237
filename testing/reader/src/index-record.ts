// index.md, "The root record": what stands under the reference, who signed it, and which records it names.

import { equal, isZero } from "./bytes.ts";
import { decode, type Item, leadingInteger } from "./cbor.ts";
import { check, otherwise } from "./failure.ts";
import { hash } from "./hash.ts";
import type { Named } from "./index-object.ts";
import { bytes, integer, list, nullable, tuple, within } from "./shape.ts";

/** A header as it was signed. */
export interface Signed {
  readonly bytes: Uint8Array;
  readonly signature: Uint8Array;
}

/** A former record, as a header names it. */
export interface Former {
  readonly generation: number;
  readonly hash: Uint8Array;
  /** Where its header is; `null`: beside the one that names it. */
  readonly place: Named | null;
}

/** What is signed. */
export interface Header {
  readonly generation: number;
  readonly account: Uint8Array;
  /** The head of the keychain's ledger, as the author knew it. */
  readonly seq: number;
  readonly former: readonly Former[];
  readonly body: Uint8Array;
}

/** A tree's topmost node. */
export interface Top {
  readonly level: number;
  readonly node: Named;
  readonly entries: bigint;
}

/** A change that is in no tree yet. */
export interface Change {
  readonly tree: number;
  readonly key: Uint8Array;
  /** `null` takes the key away. */
  readonly put: Uint8Array | { readonly apart: Named; readonly length: number } | null;
}

/** What a record holds. */
export interface Body {
  readonly trees: readonly (Top | null)[];
  /** The primary's topmost node. */
  readonly top: Uint8Array | null;
  readonly segments: readonly { readonly at: Named; readonly count: number }[];
  readonly changes: readonly Change[];
  readonly replaced: Named | null;
  readonly headers: readonly Signed[];
}

/** What was replaced at one time. */
export interface Replaced {
  readonly before: Named | null;
  readonly ms: number;
  readonly objects: readonly Uint8Array[];
}

/** `H("KF1 index record", header bytes)` */
export function recordHash({ bytes: header }: Signed): Uint8Array {
  return hash("KF1 index record", header);
}

/** `[header bytes, signature, body bytes]` */
export function recordOf(item: Item): { readonly signed: Signed; readonly body: Uint8Array } {
  const [header, signature, body] = tuple(item, 3);
  return { signed: { bytes: bytes(header), signature: bytes(signature, 64) }, body: bytes(body) };
}

/**
 * Reads a header of this index.
 * @throws Failure `Unsupported`, `IndexDamaged`
 */
export function readHeader(signed: Signed, index: Uint8Array): Header {
  const version = leadingInteger(signed.bytes);
  check(version === null || version === 1n, "Unsupported");
  return otherwise("IndexDamaged", () =>
    decode(signed.bytes, (item) => {
      const [, of, number, account, seq, head, named, body] = tuple(item, 8);
      check(equal(bytes(of, 32), index), "IndexDamaged", "of another index");
      bytes(head, 32);
      const generation = integer(number);
      const generations = formerGenerations(generation);
      const former = list(named).map((each, at) => {
        const [hashed, place] = tuple(each, 2);
        return { generation: generations[at] ?? 0, hash: bytes(hashed, 32), place: placeOf(place) };
      });
      check(former.length === generations.length, "IndexDamaged", "other former records");
      return {
        generation,
        account: bytes(account, 32),
        seq: integer(seq),
        former,
        body: bytes(body, 32),
      };
    }),
  );
}

/** The generation less 1, then with its lowest 1 bit cleared, down to 0. */
function formerGenerations(generation: number): readonly number[] {
  const generations: number[] = [];
  if (generation === 0) return generations;
  for (let next = BigInt(generation) - 1n; ; next &= next - 1n) {
    generations.push(Number(next));
    if (next === 0n) return generations;
  }
}

/**
 * Headers that stand together: each follows the one before, and those that name one another do so without a place.
 * @throws Failure `IndexDamaged`
 */
export function checkTogether(headers: readonly Signed[], index: Uint8Array): void {
  const before: { readonly generation: number; readonly hash: Uint8Array }[] = [];
  for (const signed of headers) {
    const header = readHeader(signed, index);
    const last = before.at(-1);
    check(last === undefined || last.generation + 1 === header.generation, "IndexDamaged", "a gap");
    const first = before.at(0)?.generation ?? header.generation;
    for (const former of header.former) {
      const here = before.find(({ generation }) => generation === former.generation);
      check(former.generation >= first === (former.place === null), "IndexDamaged");
      check(here === undefined || equal(here.hash, former.hash), "IndexDamaged");
    }
    before.push({ generation: header.generation, hash: recordHash(signed) });
  }
}

/**
 * Reads a body.
 * @throws Failure `IndexDamaged`
 */
export function readBody(encoded: Uint8Array): Body {
  return otherwise("IndexDamaged", () => decode(encoded, bodyOf));
}

function bodyOf(item: Item): Body {
  const [trees, top, segments, changes, replaced, headers] = tuple(item, 6);
  const body = {
    trees: list(trees).map((tree) => nullable(tree, topOf)),
    top: nullable(top, (node) => bytes(node)),
    segments: list(segments).map((segment) => {
      const [id, key, count] = tuple(segment, 3);
      return { at: { id: bytes(id, 32), key: within(key, 32) }, count: within(count, 32) };
    }),
    changes: changesOf(changes ?? null),
    replaced: placeOf(replaced),
    headers: headersOf(headers ?? null),
  };
  const primary = body.trees[0] ?? null;
  check(body.trees.length <= 64 && body.trees.at(-1) !== null, "IndexDamaged", "trees");
  check(body.segments.length <= 8, "IndexDamaged", "segments");
  check((primary === null) === (body.top === null), "IndexDamaged", "no topmost node");
  check(primary === null || (isZero(primary.node.id) && primary.node.key === 0), "IndexDamaged");
  return body;
}

function topOf(item: Item): Top {
  const [level, id, key, entries] = tuple(item, 4);
  check(typeof entries === "bigint", "IndexDamaged");
  return { level: within(level, 8), node: { id: bytes(id, 32), key: within(key, 32) }, entries };
}

function placeOf(item: Item | undefined): Named | null {
  return nullable(item, (place) => {
    const [id, key] = tuple(place, 2);
    return { id: bytes(id, 32), key: within(key, 32) };
  });
}

/** `[signed, …]` */
export function headersOf(item: Item): readonly Signed[] {
  return list(item).map((each) => {
    const [header, signature] = tuple(each, 2);
    return { bytes: bytes(header), signature: bytes(signature, 64) };
  });
}

/** `[change, …]` */
export function changesOf(item: Item): readonly Change[] {
  return list(item).map((change) => {
    const fields = list(change);
    const [number, name, value, keyNumber, length] = fields;
    const [tree, key] = [within(number, 16), bytes(name)];
    check(tree < 64 && key.length <= 1024, "IndexDamaged");
    if (fields.length === 2) return { tree, key, put: null };
    if (fields.length === 5) {
      const apart = { id: bytes(value, 32), key: within(keyNumber, 32) };
      return { tree, key, put: { apart, length: within(length, 32) } };
    }
    check(fields.length === 3 && bytes(value).length <= 1024, "IndexDamaged");
    return { tree, key, put: bytes(value) };
  });
}

/** `[place, ms, [object id, …]]` */
export function replacedOf(item: Item): Replaced {
  const [before, ms, objects] = tuple(item, 3);
  return { before: placeOf(before), ms: integer(ms), objects: list(objects).map((id) => bytes(id, 32)) };
}
