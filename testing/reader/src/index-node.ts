// index.md, "Nodes": sorted cells, of which there is one encoding.

import { compare, concat, equal, isZero, viewOf } from "./bytes.ts";
import { check, otherwise } from "./failure.ts";
import type { Named } from "./index-object.ts";

const HEAD = 6;
const CELL_HEAD = 4;
const APART = 0x8000;
const LONGEST_KEY = 1024;
const LONGEST_VALUE = 1024;

/** What stands for a key. */
export type Payload =
  | { readonly value: Uint8Array }
  | { readonly apart: Named; readonly length: number }
  | { readonly child: Named; readonly entries: bigint };

/** A key and what stands for it. */
export interface Cell {
  readonly key: Uint8Array;
  readonly payload: Payload;
}

/** A node that was read. */
export interface Node {
  readonly level: number;
  readonly cells: readonly Cell[];
  /** Below it. */
  readonly entries: bigint;
}

/**
 * Reads a node.
 * @throws Failure `IndexDamaged`
 */
export function readNode(bytes: Uint8Array): Node {
  return otherwise("IndexDamaged", () => {
    const view = viewOf(bytes);
    const level = view.getUint8(0);
    check(view.getUint8(1) === 1, "IndexDamaged", "another version");
    const count = view.getUint16(2);
    const prefixEnd = HEAD + view.getUint16(4);
    check(count > 0 && prefixEnd <= bytes.length, "IndexDamaged");
    const prefix = bytes.slice(HEAD, prefixEnd);
    const cells: Cell[] = [];
    let at = prefixEnd + 2 * count;
    for (let index = 0; index < count; index += 1) {
      check(view.getUint16(prefixEnd + 2 * index) === at, "IndexDamaged", "a cell elsewhere");
      const rest = view.getUint16(at);
      const mark = view.getUint16(at + 2);
      const start = at + CELL_HEAD + rest;
      at = start + (mark & ~APART);
      check(at <= bytes.length, "IndexDamaged", "cut");
      const key = concat(prefix, bytes.slice(start - rest, start));
      check(key.length <= LONGEST_KEY, "IndexDamaged", "a key that is too long");
      cells.push({ key, payload: payloadOf(level, (mark & APART) !== 0, bytes.slice(start, at)) });
    }
    check(isZero(bytes.slice(at)), "IndexDamaged", "bytes behind the cells");
    checkKeys(cells, prefix);
    const entries = cells.reduce((sum, { payload }) => sum + ("child" in payload ? payload.entries : 1n), 0n);
    check(entries < 1n << 64n, "IndexDamaged");
    return { level, cells, entries };
  });
}

function payloadOf(level: number, isApart: boolean, bytes: Uint8Array): Payload {
  if (level === 0 && !isApart) {
    check(bytes.length <= LONGEST_VALUE, "IndexDamaged", "a value that is too long");
    return { value: bytes };
  }
  const view = viewOf(bytes);
  if (level === 0) {
    check(bytes.length === 40, "IndexDamaged");
    return { apart: { id: bytes.slice(0, 32), key: view.getUint32(32) }, length: view.getUint32(36) };
  }
  check(bytes.length === 44 && !isApart, "IndexDamaged");
  return { child: { id: bytes.slice(0, 32), key: view.getUint32(32) }, entries: view.getBigUint64(36) };
}

/** Strictly ascending, with the longest prefix that all have; of one key that is the whole. */
function checkKeys(cells: readonly Cell[], prefix: Uint8Array): void {
  for (const [index, { key }] of cells.entries()) {
    const before = cells[index - 1];
    check(before === undefined || compare(before.key, key) < 0, "IndexDamaged", "unsorted");
  }
  const first = cells.at(0)?.key ?? prefix;
  const last = cells.at(-1)?.key ?? prefix;
  let shared = 0;
  while (shared < first.length && first[shared] === last[shared]) shared += 1;
  check(equal(prefix, first.slice(0, shared)), "IndexDamaged", "another prefix");
}
