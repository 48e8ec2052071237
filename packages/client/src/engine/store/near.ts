/**
 * Sealed bytes that were fetched before, near: what of an index was read comes from here the next time. They were sealed
 * before they came, whoever asks checks them, and each of them may be forgotten at any time: so nothing here is sealed
 * once more, waits for the disk, or fails.
 */
import type { Bytes } from "../../types.js";

/** A name, and the bytes, or `undefined` to let go of them. */
export type NearPut = [name: string, value: Bytes | undefined];

/** What is kept near, of one home. */
export interface Near {
  /** What is there under names, in their order. It never rejects. */
  find(names: readonly string[]): Promise<(Bytes | undefined)[]>;
  /** Keeps bytes under names when there is time and room. */
  keep(puts: readonly NearPut[]): void;
  /** Writes what waits, and lets go of it. Nothing is found afterwards. */
  close(): Promise<void>;
}

/** Of a home that keeps nothing near. */
export const nothingNear: Near = {
  find: async (names) => names.map(() => undefined),
  keep: () => undefined,
  close: async () => undefined,
};
