// Randomness as an argument: a vector lists the bytes that a writer drew, in the order in which it drew them.

import { check } from "./failure.ts";

/** Draws so many bytes. */
export type Draw = (length: number) => Uint8Array;

/** Randomness that was written down. */
export interface Recorded {
  /** Draws the next bytes of the record. */
  readonly draw: Draw;
  /** How many bytes nobody drew. */
  readonly left: () => number;
}

/** Draws from a record; a draw past its end is a `Truncated` failure. */
export function recorded(record: Uint8Array): Recorded {
  let offset = 0;
  return {
    draw(length) {
      check(offset + length <= record.length, "Truncated", "no randomness left");
      offset += length;
      return record.slice(offset - length, offset);
    },
    left: () => record.length - offset,
  };
}
