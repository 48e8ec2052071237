import { expect, test } from "vitest";
import { Batch, COALESCE_MS } from "../src/engine/batch.js";

const frame = (byte: number): Uint8Array => Uint8Array.of(byte);
const taken = (batch: Batch, now: number): number[] => batch.take(now).map((event) => event.frame[0] ?? 0);

test("a keychain's first event is due at once and further ones together", () => {
  const batch = new Batch();
  batch.push("a", frame(1));
  expect(batch.due()).toBeLessThan(1_000);
  expect(taken(batch, 1_000)).toEqual([1]);
  batch.push("a", frame(2));
  batch.push("a", frame(3));
  expect(batch.due()).toBe(1_000 + COALESCE_MS);
  expect(taken(batch, 1_000 + COALESCE_MS - 1)).toEqual([]);
  expect(taken(batch, 1_000 + COALESCE_MS)).toEqual([2, 3]);
  expect(batch.due()).toBeUndefined();
});

test("an event of another keychain does not wait, and what waits is not lost", () => {
  const batch = new Batch();
  batch.push("a", frame(1));
  batch.take(0);
  batch.push("a", frame(2));
  batch.push("b", frame(3));
  expect(taken(batch, 10)).toEqual([3]);
  expect(taken(batch, COALESCE_MS)).toEqual([2]);
});
