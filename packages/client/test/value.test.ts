import { describe, expect, test } from "vitest";
import { decodeBase64url, encodeBase64url } from "../src/encoding.js";
import type { Value } from "../src/types.js";
import { plainValue, typedValue } from "../src/value.js";

const cyclic: { self?: unknown } = {};
cyclic.self = cyclic;
class Point {
  constructor(readonly x: number) {}
  toJSON(): string {
    return `${this.x}`;
  }
}

describe("values", () => {
  test.each<Value>([
    "",
    "text",
    "ä\u0000🦊",
    0,
    -0,
    1.5,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    true,
    false,
    null,
    new Date(0),
    new Date(-8.64e15),
    new Uint8Array(),
    new Uint8Array([0, 255]),
    [],
    {},
    [1, [2, { three: null }]],
    { a: "b", c: { d: [true] } },
  ])("%j comes back as it was", (value) => {
    expect(plainValue(typedValue(value))).toStrictEqual(value);
  });

  test.each<[string, unknown]>([
    ["undefined", undefined],
    ["a function", () => 1],
    ["a symbol", Symbol("s")],
    ["a bigint", 1n],
    ["an invalid date", new Date(Number.NaN)],
    ["half a character", "\ud800"],
    ["a hole in an array", [1, undefined]],
    ["NaN within JSON", { a: Number.NaN }],
    ["Infinity within JSON", [Number.NEGATIVE_INFINITY]],
    ["a bigint within JSON", { a: 1n }],
    ["a function within JSON", { a: () => 1 }],
    ["a date within JSON", { at: new Date(0) }],
    ["bytes within JSON", [new Uint8Array(1)]],
    ["a map", new Map([[1, 2]])],
    ["what has its own way to be JSON", new Point(1)],
    ["what contains itself", cyclic],
  ])("%s is refused, because it would not come back", (_, value) => {
    expect(() => typedValue(value as Value)).toThrow(expect.objectContaining({ code: "Unsupported" }));
  });

  test("a property that is undefined is one that is not there", () => {
    expect(plainValue(typedValue({ a: 1, b: undefined }))).toStrictEqual({ a: 1 });
  });

  test("the same object twice is not one that contains itself", () => {
    const shared = { a: 1 };
    expect(plainValue(typedValue([shared, shared]))).toStrictEqual([shared, shared]);
  });

  test("bytes are those of the moment of the call", () => {
    const bytes = new Uint8Array([1]);
    const typed = typedValue(bytes);
    bytes.fill(9);
    expect(plainValue(typed)).toEqual(new Uint8Array([1]));
  });

  test("JSON that is none is not a value", () => {
    expect(() => plainValue({ type: "json", value: "{" })).toThrow(
      expect.objectContaining({ code: "Malformed" }),
    );
  });
});

describe("base64url", () => {
  test("every length comes back, without padding and with - and _", () => {
    for (let length = 0; length < 70; length += 1) {
      const bytes = Uint8Array.from({ length }, (_, at) => 255 - at * 3);
      const text = encodeBase64url(bytes);
      expect(text).toBe(Buffer.from(bytes).toString("base64url"));
      expect(decodeBase64url(text)).toEqual(bytes);
    }
    const large = new Uint8Array(300_000).fill(251);
    expect(decodeBase64url(encodeBase64url(large))).toEqual(large);
  });

  test.each(["A", "AB==", "A+", "A/", "AA A", "AB", "ä"])("%s is none", (text) => {
    // "AB" has bits in its last letter that belong to no byte: the text of that byte is "AA".
    expect(() => decodeBase64url(text)).toThrow(expect.objectContaining({ code: "Malformed" }));
  });
});
