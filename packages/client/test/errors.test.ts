import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { KeyfoldError } from "../src/error.js";
import { VERSION } from "../src/version.js";
import * as glue from "../src/wasm/keyfold.js";
import { wasm } from "./server.js";

await glue.default({ module_or_path: wasm });
const read = (path: string): string => readFileSync(new URL(path, import.meta.url), "utf8");

test("every code has its name in TypeScript and its place in the documentation", () => {
  const named = [...read("../src/error-codes.ts").matchAll(/\| "(\w+)"/g)].map(([, code]) => code);
  const documented = [...read("../../../docs/errors.md").matchAll(/^## (\w+)$/gm)].map(([, code]) => code);
  const codes = glue.errorCodes();
  expect(codes.length).toBeGreaterThan(90);
  expect(new Set(named)).toEqual(new Set(codes));
  expect(new Set(documented)).toEqual(new Set(codes));
  expect(documented.length).toBe(codes.length);
});

test("package, JavaScript and WebAssembly are of one release", () => {
  const { version } = JSON.parse(read("../package.json")) as { version: string };
  expect(VERSION).toBe(version);
  expect(glue.version()).toBe(version);
});

test("an error crosses a border as plain data and is the same behind it", () => {
  const error = new KeyfoldError("StorageFull", "no room", { hint: "Make room.", retryable: true });
  const crossed = KeyfoldError.fromRecord(structuredClone(error.toRecord()));
  expect(crossed).toMatchObject({
    code: "StorageFull",
    message: "no room",
    hint: "Make room.",
    retryable: true,
  });
  expect(crossed).toBeInstanceOf(KeyfoldError);
  expect(crossed.docs).toMatch(/docs\/errors\.md#storagefull$/);
});

test("what was thrown by accident is Internal, and keeps its cause", () => {
  const cause = new TypeError("x is undefined");
  expect(KeyfoldError.from(cause)).toMatchObject({ code: "Internal", cause });
});
