// Numbers of keys, as keychain-ledger.md writes them: ascending ranges that neither touch nor overlap.

import type { Item } from "./cbor.ts";
import { check } from "./failure.ts";
import { list, tuple, within } from "./shape.ts";

/** From a first number to a last one, both included. */
export type KeyRange = readonly [first: number, last: number];

/** A set of numbers. */
export type KeyRanges = readonly KeyRange[];

/**
 * Reads ranges.
 * @throws Failure `NotCanonical`, `Malformed`
 */
export function parseRanges(item: Item | undefined): KeyRanges {
  const ranges = list(item).map((range): KeyRange => {
    const [first, last] = tuple(range, 2);
    return [within(first, 32), within(last, 32)];
  });
  for (const [index, [first, last]] of ranges.entries()) {
    const before = ranges[index - 1];
    check(first <= last && (before === undefined || before[1] + 1 < first), "NotCanonical");
  }
  return ranges;
}

/** Whether every number of a range is there. */
export function holdsRange(ranges: KeyRanges, [first, last]: KeyRange): boolean {
  return ranges.some((range) => range[0] <= first && last <= range[1]);
}

/** Whether every number of some ranges is there. */
export function holdsAll(ranges: KeyRanges, wanted: KeyRanges): boolean {
  return wanted.every((range) => holdsRange(ranges, range));
}

/** The numbers but one. */
export function without(ranges: KeyRanges, number: number): KeyRanges {
  return ranges.flatMap(([first, last]): KeyRange[] => {
    if (number < first || number > last) return [[first, last]];
    const around: KeyRange[] = [
      [first, number - 1],
      [number + 1, last],
    ];
    return around.filter((range) => range[0] <= range[1]);
  });
}

/** The numbers of both. */
export function union(a: KeyRanges, b: KeyRanges): KeyRanges {
  const merged: [number, number][] = [];
  for (const [first, last] of [...a, ...b].toSorted((x, y) => x[0] - y[0])) {
    const before = merged.at(-1);
    if (before !== undefined && first <= before[1] + 1) before[1] = Math.max(before[1], last);
    else merged.push([first, last]);
  }
  return merged;
}
