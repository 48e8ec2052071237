/**
 * Values as they cross to the engine: a type and plain data, so that what is decrypted is what was encrypted, and
 * never something that looks like it. What would come back as something else is refused.
 *
 * Spec: `docs/spec/values.md`.
 */
import { KeyfoldError } from "./error.js";
import type { Bytes, Value } from "./types.js";

/** A value with its type. Dates are milliseconds since 1970; JSON is its text. */
export type TypedValue =
  | { readonly type: "text" | "json"; readonly value: string }
  | { readonly type: "number" | "date"; readonly value: number }
  | { readonly type: "boolean"; readonly value: boolean }
  | { readonly type: "bytes"; readonly value: Bytes };

const LONE_SURROGATE = /\p{Surrogate}/u;

/** A value, ready to be encrypted. Bytes are copied. `Unsupported` if it would not come back as it is. */
export function typedValue(value: Value): TypedValue {
  switch (typeof value) {
    case "string":
      if (LONE_SURROGATE.test(value)) throw unsupported("a text with half a character (a lone surrogate)");
      return { type: "text", value };
    case "number":
      return { type: "number", value };
    case "boolean":
      return { type: "boolean", value };
    case "object":
      break;
    default:
      throw unsupported(`a value of type ${typeof value}`);
  }
  if (value instanceof Uint8Array) return { type: "bytes", value: new Uint8Array(value) };
  if (value instanceof Date) {
    if (Number.isNaN(value.getTime())) throw unsupported("an invalid date");
    return { type: "date", value: value.getTime() };
  }
  check(value, []);
  return { type: "json", value: JSON.stringify(value) };
}

/** What was decrypted. */
export function plainValue(typed: TypedValue): unknown {
  switch (typed.type) {
    case "date":
      return new Date(typed.value);
    case "json":
      try {
        return JSON.parse(typed.value);
      } catch (cause) {
        throw new KeyfoldError("Malformed", "the value says that it is JSON, and is not", { cause });
      }
    default:
      return typed.value;
  }
}

/** Refuses what `JSON.stringify` would leave out, alter, or not end with. */
function check(value: unknown, parents: readonly unknown[]): void {
  switch (typeof value) {
    case "number":
      if (!Number.isFinite(value)) throw unsupported(`${value} within JSON`);
      return;
    case "string":
    case "boolean":
      return;
    case "object":
      break;
    default:
      throw unsupported(`a ${typeof value} within JSON`);
  }
  if (value === null) return;
  if (parents.includes(value)) throw unsupported("JSON that contains itself");
  const within = [...parents, value];
  if (Array.isArray(value)) {
    for (const item of value) check(item, within);
    return;
  }
  // By tag, so that plain objects of another window are plain objects too.
  if (Object.prototype.toString.call(value) !== "[object Object]" || "toJSON" in value) {
    const name = value.constructor?.name ?? "strange object";
    throw unsupported(
      `a ${name} within JSON`,
      "Write it as a text or a number, or encrypt it as a value of its own.",
    );
  }
  for (const item of Object.values(value)) {
    // A property that is undefined is one that is not there; that much everybody expects of JSON.
    if (item !== undefined) check(item, within);
  }
}

function unsupported(what: string, hint?: string): KeyfoldError {
  return new KeyfoldError("Unsupported", `${what} cannot be encrypted: it would not come back as it is`, {
    hint,
  });
}
