// The vectors of the repository: each folder's files, run one test a file, and counted, so that neither a
// file nor a field can be passed over.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { describe, expect, it } from "vitest";

import { concat, fromHex } from "../src/bytes.ts";
import { Failure } from "../src/failure.ts";

/** Where the vectors lie. */
export const VECTORS = fileURLToPath(new URL("../../../vectors", import.meta.url));

/** What every vector that can end otherwise than well says. */
export interface Vector {
  /** `ok`, or the code of the refusal; where there is none, `ok` is all that can be. */
  readonly expect?: string;
}

/** A change to bytes, as vectors/README.md lists them. */
export type Edit =
  | { readonly flip: readonly [offset: number, bit: number] }
  | { readonly truncate: number }
  | { readonly append: string }
  | { readonly splice: readonly [offset: number, hex: string] };

/** A file of a folder, by its name without the extension. */
export interface NamedVector<V> {
  readonly name: string;
  readonly vector: V;
}

/** Reads a folder's files. */
export function readFolder<V>(folder: string): NamedVector<V>[] {
  return readdirSync(join(VECTORS, folder)).map((file) => {
    const vector = JSON.parse(readFileSync(join(VECTORS, folder, file), "utf8")) as V;
    return { name: file.replace(/\.json$/, ""), vector };
  });
}

/**
 * One test for each vector, and one that counts them and their fields: what no test looked at was not tested.
 * @param run reads the vector as an outsider would; ends well or throws a `Failure`
 */
export function runFolder<V extends Vector>(
  folder: string,
  vectors: readonly NamedVector<V>[],
  run: (vector: V) => void,
): void {
  const good = vectors.filter(({ vector }) => expectedOf(vector) === "ok").length;
  const read = new Set<string>();
  const seen = new Set(["about", "expect"]);

  describe(folder, () => {
    for (const { name, vector } of vectors) {
      it(`${name}: ${expectedOf(vector)}`, () => {
        read.add(name);
        expect(outcomeOf(() => run(watched(vector, "", seen)))).toBe(expectedOf(vector));
      });
    }

    it(`all ${vectors.length} vectors read: ${good} end well, ${vectors.length - good} are refused`, () => {
      expect(read.size).toBe(vectors.length);
      expect(good).toBeGreaterThan(0);
      const there = new Set(vectors.flatMap(({ vector }) => fieldsOf(vector, "")));
      expect([...there].filter((field) => !seen.has(field))).toEqual([]);
    });
  });
}

function expectedOf({ expect: expected = "ok" }: Vector): string {
  return expected;
}

/** The same object; whoever looks at a field of it is noted. */
function watched<T extends object>(object: T, path: string, seen: Set<string>): T {
  return new Proxy(object, {
    get(target, key, receiver) {
      const value: unknown = Reflect.get(target, key, receiver);
      if (typeof key === "symbol" || !Object.hasOwn(target, key)) return value;
      const field = fieldOf(target, path, key);
      seen.add(field);
      return typeof value === "object" && value !== null ? watched(value, field, seen) : value;
    },
  });
}

function fieldsOf(object: object, path: string): readonly string[] {
  return Object.entries(object).flatMap(([key, value]: [string, unknown]) => {
    const field = fieldOf(object, path, key);
    return typeof value === "object" && value !== null ? [field, ...fieldsOf(value, field)] : [field];
  });
}

/** The path of a field; the elements of an array are one. */
function fieldOf(object: object, path: string, key: string): string {
  if (Array.isArray(object)) return `${path}[]`;
  return path === "" ? key : `${path}.${key}`;
}

/** `ok`, or the code of the failure. What is not a failure is a mistake of the reader. */
export function outcomeOf(run: () => void): string {
  try {
    run();
    return "ok";
  } catch (error) {
    if (error instanceof Failure) return error.code;
    throw error;
  }
}

/** Applies edits in their order. */
export function edited(bytes: Uint8Array, edits: readonly Edit[]): Uint8Array {
  return edits.reduce((before, edit) => {
    if ("truncate" in edit) {
      expect(edit.truncate).toBeLessThan(before.length);
      return before.slice(0, edit.truncate);
    }
    if ("append" in edit) return concat(before, fromHex(edit.append));
    const after = before.slice();
    if ("flip" in edit) {
      const [offset, bit] = edit.flip;
      after.set([(before[offset] ?? 0) ^ (1 << bit)], offset);
      return after;
    }
    if ("splice" in edit) {
      after.set(fromHex(edit.splice[1]), edit.splice[0]);
      return after;
    }
    throw new Error(`an edit that nobody knows: ${JSON.stringify(edit)}`);
  }, bytes);
}
