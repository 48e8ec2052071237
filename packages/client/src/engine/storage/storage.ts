/**
 * Storages for indexes in a browser: objects that never change, and small references, each swapped in one step. They are
 * trusted with nothing, so they say nothing about what they keep; the module does (`docs/spec/index.md`, "What a storage
 * offers"). What fails rejects with `StorageFull` or `Io`, and then all of it happened or nothing.
 */
import { KeyfoldError } from "../../error.js";
import type { Bytes } from "../../types.js";

/** What stands under a reference; the version is never that of other bytes that stood there. */
export interface Reference {
  readonly version: string;
  readonly bytes: Bytes;
}

/** What a swap came to: the version of the new bytes, or what stands there instead. */
export type Swapped = { readonly version: string } | { readonly stands: Reference | undefined };

/** A storage. Names of objects are letters of hexadecimal. */
export interface ObjectStorage {
  /** Keeps objects; resolves when everybody finds them, and a crash leaves them. */
  put(objects: readonly (readonly [id: string, bytes: Bytes])[]): Promise<void>;
  get(ids: readonly string[]): Promise<(Bytes | undefined)[]>;
  delete(ids: readonly string[]): Promise<void>;
  read(name: string): Promise<Reference | undefined>;
  /** Puts bytes in the place of the version `expected`; `undefined`: where nothing stands. */
  swap(name: string, expected: string | undefined, bytes: Bytes): Promise<Swapped>;
  /** The first names after one, ascending, under which something stands. */
  references(after: string | undefined): Promise<string[]>;
  /** The first objects after one, in the order of their ids, that are there for longer than any write takes. */
  list(after: string | undefined): Promise<string[]>;
}

/** How old an object is before it is listed, so that no sweep takes what somebody is about to name. */
export const LISTED_AFTER_MS = 60 * 60 * 1_000;

/** Ids of one page of a list. */
export const PAGE = 1_000;

/** What was thrown, as an error of ours. */
export function storageFault(thrown: unknown): KeyfoldError {
  if (thrown instanceof KeyfoldError) return thrown;
  if (thrown instanceof DOMException && thrown.name === "QuotaExceededError") {
    return new KeyfoldError("StorageFull", "the browser has no room left; nothing was stored", {
      hint: "Make room on the disk, or remove data of this site, then try again.",
      retryable: true,
      cause: thrown,
    });
  }
  const what = thrown instanceof Error ? thrown.message || thrown.name : String(thrown);
  return new KeyfoldError("Io", `the browser's storage failed: ${what}`, { cause: thrown });
}
