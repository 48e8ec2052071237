// Indexes: each storage is opened as whoever holds the keys does it, everything in it is listed, and compared.

import { expect } from "vitest";

import { fromHex, hex } from "../src/bytes.ts";
import type { Storage } from "../src/index-object.ts";
import { listIndex, listReplaced, openIndex, type Seen, type Writer } from "../src/index-reader.ts";
import { readFolder, runFolder, type Vector } from "./vectors.ts";

interface IndexVector extends Vector {
  readonly of?: string;
  readonly index: string;
  readonly keys: readonly { readonly number: number; readonly key: string }[];
  readonly writers: readonly {
    readonly account: string;
    readonly key: string;
    readonly before: number | null;
  }[];
  readonly seen: { readonly generation: number; readonly hash: string; readonly ledger: number } | null;
  readonly reference: string | null;
  readonly objects: Readonly<Record<string, string | null>>;
  readonly entries?: readonly (readonly [tree: number, key: string, value: string])[];
  readonly replaced?: readonly (readonly [ms: number, objects: readonly string[]])[];
}

const vectors = readFolder<IndexVector>("index");
const byName = new Map(vectors.map(({ name, vector }) => [name, vector]));

type Objects = IndexVector["objects"];

function storageOf({ of, index, keys, reference }: Omit<IndexVector, "objects">, objects: Objects): Storage {
  const whole = of === undefined ? {} : byName.get(of)?.objects;
  const held = Object.entries({ ...whole, ...objects }).flatMap(([id, sealed]) =>
    sealed === null ? [] : ([[id, fromHex(sealed)]] as const),
  );
  return {
    index: fromHex(index),
    keys: new Map(keys.map(({ number, key }) => [number, fromHex(key)])),
    reference: reference === null ? null : fromHex(reference),
    objects: new Map(held),
  };
}

function writerOf({ account, key, before }: IndexVector["writers"][number]): Writer {
  return { account: fromHex(account), key: fromHex(key), before };
}

function seenOf(seen: IndexVector["seen"]): Seen | null {
  return seen === null ? null : { ...seen, hash: fromHex(seen.hash) };
}

// Objects are fields by their ids, and which of them a reader needs is his affair: they are not counted.
const uncounted = vectors.map(({ name, vector: { objects, ...vector } }) => {
  return { name, vector: { ...vector, objects: () => objects } };
});

runFolder("index", uncounted, (vector) => {
  const storage = storageOf(vector, vector.objects());
  const body = openIndex(storage, vector.writers.map(writerOf), seenOf(vector.seen));
  const found = body === null ? [] : listIndex(storage, body);
  expect(found.map(({ tree, key, value }) => [tree, hex(key), hex(value)])).toEqual(vector.entries);
  if (vector.replaced !== undefined) {
    const lists = body === null ? [] : listReplaced(storage, body);
    expect(lists.map(({ ms, objects }) => [ms, objects.map(hex)])).toEqual(vector.replaced);
  }
});
