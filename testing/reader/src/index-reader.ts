// index.md, "Reading": from a reference to all entries, with everything checked on the way.

import { compare, equal, hex, viewOf } from "./bytes.ts";
import { check, Failure } from "./failure.ts";
import { hash } from "./hash.ts";
import { type Node, readNode } from "./index-node.ts";
import { type Named, openObject, openSealed, openValue, type Storage, unframed } from "./index-object.ts";
import {
  type Body,
  type Change,
  changesOf,
  checkTogether,
  type Header,
  headersOf,
  readBody,
  readHeader,
  recordHash,
  recordOf,
  type Replaced,
  replacedOf,
  type Signed,
  type Top,
} from "./index-record.ts";
import { verify } from "./signature.ts";

/** Somebody who may write. */
export interface Writer {
  readonly account: Uint8Array;
  /** Under which his signatures verify. */
  readonly key: Uint8Array;
  /** He may not any more, with a ledger whose head is this or later. */
  readonly before: number | null;
}

/** What was seen of an index. */
export interface Seen {
  readonly generation: number;
  readonly hash: Uint8Array;
  readonly ledger: number;
}

/** A key, its value, and in which tree. */
export interface Entry {
  readonly tree: number;
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/**
 * The newest record's body, believed; `null` if nothing was written yet.
 * @throws Failure `IndexDamaged`, `NoKey`, `NotAllowed`, `Rollback`, `ObjectMissing`, `Unsupported`
 */
export function openIndex(storage: Storage, writers: readonly Writer[], seen: Seen | null): Body | null {
  const { reference } = storage;
  if (reference === null) {
    check(seen === null, "Rollback");
    return null;
  }
  check(reference.length >= 4, "IndexDamaged");
  const key = viewOf(reference).getUint32(0);
  const plain = openSealed(storage, key, reference.slice(4), { kind: "record" });
  const record = unframed(plain, recordOf);
  const header = readHeader(record.signed, storage.index);
  check(mayWrite(writers, header, record.signed), "NotAllowed");
  check(equal(hash("KF1 index body", record.body), header.body), "IndexDamaged", "another body");
  const body = readBody(record.body);
  checkTogether([...body.headers, record.signed], storage.index);
  if (seen !== null) checkDescent(storage, record.signed, header, body.headers, seen);
  return body;
}

function mayWrite(writers: readonly Writer[], header: Header, signed: Signed): boolean {
  const writer = writers.find(({ account }) => equal(account, header.account));
  if (writer === undefined) return false;
  const isIn = writer.before === null || header.seq < writer.before;
  return isIn && verify(writer.key, "KF1 index root", signed.bytes, signed.signature);
}

/** Goes back to what was seen, each time to the farthest record that is not older. */
function checkDescent(
  storage: Storage,
  newest: Signed,
  header: Header,
  headers: readonly Signed[],
  seen: Seen,
): void {
  check(header.generation <= seen.generation || header.seq >= seen.ledger, "NotAllowed");
  let [now, hashed, together] = [header, recordHash(newest), headers];
  while (now.generation > seen.generation) {
    const far = now.former.findLast(({ generation }) => generation >= seen.generation);
    if (far === undefined) throw new Failure("Rollback");
    hashed = far.hash;
    if (far.generation === seen.generation) break;
    if (far.place !== null) together = readList(storage, far.place);
    const signed = together.find((each) => equal(recordHash(each), far.hash));
    if (signed === undefined) throw new Failure("Rollback");
    now = readHeader(signed, storage.index);
    check(now.generation === far.generation, "Rollback");
  }
  check(header.generation >= seen.generation && equal(hashed, seen.hash), "Rollback");
}

function readList(storage: Storage, place: Named): readonly Signed[] {
  const headers = unframed(openObject(storage, place, { kind: "headers" }), headersOf);
  checkTogether(headers, storage.index);
  return headers;
}

/**
 * Everything in all trees, by tree and key.
 * @throws Failure `IndexDamaged`, `NoKey`, `ObjectMissing`
 */
export function listIndex(storage: Storage, body: Body): readonly Entry[] {
  const tail = body.segments.flatMap(({ at, count }) => {
    const changes = unframed(openObject(storage, at, { kind: "segment" }), changesOf);
    check(changes.length === count, "IndexDamaged", "another number of changes");
    return changes;
  });
  const found = new Map<string, Change>();
  const note = (change: Change): void => {
    found.set(`${change.tree} ${hex(change.key)}`, change);
  };
  for (const [tree, top] of body.trees.entries()) {
    if (top !== null) listTree(storage, tree, top, tree === 0 ? body.top : null, note);
  }
  for (const change of [...tail, ...body.changes]) note(change);
  const entries = [...found.values()].flatMap(({ tree, key, put }) => {
    if (put === null) return [];
    const value = put instanceof Uint8Array ? put : openValue(storage, tree, put.apart, put.length);
    return [{ tree, key, value }];
  });
  return entries.toSorted((a, b) => a.tree - b.tree || compare(a.key, b.key));
}

type Note = (change: Change) => void;

interface Bounds {
  readonly from: Uint8Array;
  readonly to: Uint8Array | null;
}

function listTree(storage: Storage, tree: number, top: Top, inRecord: Uint8Array | null, note: Note): void {
  const plain = inRecord ?? openObject(storage, top.node, { kind: "node", tree, level: top.level });
  listNode(storage, tree, nodeOf(plain, top.level, top.entries), { from: new Uint8Array(0), to: null }, note);
}

function nodeOf(plain: Uint8Array, level: number, entries: bigint): Node {
  const node = readNode(plain);
  check(node.level === level && node.entries === entries, "IndexDamaged", "another level or count");
  return node;
}

function listNode(storage: Storage, tree: number, node: Node, { from, to }: Bounds, note: Note): void {
  const keys = node.cells.map(({ key }) => key);
  for (const key of keys) {
    check(
      compare(key, from) >= 0 && (to === null || compare(key, to) < 0),
      "IndexDamaged",
      "belongs elsewhere",
    );
  }
  for (const [index, { key, payload }] of node.cells.entries()) {
    if ("child" in payload) {
      const level = node.level - 1;
      const plain = openObject(storage, payload.child, { kind: "node", tree, level });
      const bounds = { from: index === 0 ? from : key, to: keys[index + 1] ?? to };
      listNode(storage, tree, nodeOf(plain, level, payload.entries), bounds, note);
    } else {
      note({ tree, key, put: "value" in payload ? payload.value : payload });
    }
  }
}

/**
 * What was replaced and is not deleted yet, the newest first.
 * @throws Failure `IndexDamaged`, `NoKey`
 */
export function listReplaced(storage: Storage, body: Body): readonly Replaced[] {
  const lists: Replaced[] = [];
  let next = body.replaced;
  while (next !== null && storage.objects.has(hex(next.id))) {
    const list: Replaced = unframed(openObject(storage, next, { kind: "replaced" }), replacedOf);
    lists.push(list);
    next = list.before;
  }
  return lists;
}
