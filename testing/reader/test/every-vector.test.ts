// Nothing in vectors/ is left out: each folder has a test of this reader, and holds nothing but vectors.

import { readdirSync } from "node:fs";
import { join } from "node:path";

import { expect, it } from "vitest";

import { VECTORS } from "./vectors.ts";

const folders = [
  "audit",
  "derive",
  "devices",
  "envelope",
  "groups",
  "http",
  "index",
  "ledger",
  "primitives",
  "recovery",
  "value",
  "vault",
  "wrap",
];

it("reads every folder of vectors", () => {
  expect(readdirSync(VECTORS).toSorted()).toEqual([...folders, "README.md"].toSorted());
  expect(readdirSync(import.meta.dirname)).toEqual(
    expect.arrayContaining(folders.map((folder) => `${folder}.test.ts`)),
  );
});

const counts = folders.map((folder) => {
  const files = readdirSync(join(VECTORS, folder));
  return { folder, files };
});
const total = counts.reduce((sum, { files }) => sum + files.length, 0);
const listed = counts.map(({ folder, files }) => `${folder} ${files.length}`).join(", ");

it(`all ${total} files are vectors that a test reads: ${listed}`, () => {
  for (const { files } of counts) {
    expect(files).not.toEqual([]);
    expect(files.filter((file) => !file.endsWith(".json"))).toEqual([]);
  }
});
