// Padmé (PURBs, §4): the size up to which a length is padded, so that it tells little of what it was.

import { check } from "./failure.ts";

/** The padded size of a length, both in bytes: with exponent `E`, its lowest `E − (⌊log₂ E⌋ + 1)` bits zero. */
export function padme(length: number): number {
  if (length < 2) return length;
  const exponent = Math.floor(Math.log2(length));
  const free = exponent - (Math.floor(Math.log2(exponent)) + 1);
  if (free <= 0) return length;
  const step = 2 ** free;
  return Math.ceil(length / step) * step;
}

/** The bytes with zero bytes behind them, up to a size. */
export function padTo(bytes: Uint8Array, size: number): Uint8Array {
  check(bytes.length <= size, "TooLarge");
  const padded = new Uint8Array(size);
  padded.set(bytes);
  return padded;
}
