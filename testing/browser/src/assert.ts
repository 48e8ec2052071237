/** Assertions that work in Node and in a page alike. */

/** How long something that must happen may take, milliseconds. */
const PATIENCE = 40_000;

/** @throws If it does not hold. */
export function ok(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(message);
}

/** @throws If the two are not equal, deeply: bytes by content, `Date`s by time. */
export function equal(actual: unknown, expected: unknown, message = "not equal"): void {
  if (!same(actual, expected))
    throw new Error(`${message}: got ${shown(actual)}, expected ${shown(expected)}`);
}

/**
 * Waits for a failure with this stable code.
 *
 * @returns The error.
 * @throws If it succeeds, or fails otherwise.
 */
export async function fails(code: string, action: () => unknown): Promise<Error & { code: string }> {
  let value: unknown;
  try {
    value = await action();
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === code)
      return error as Error & { code: string };
    throw new Error(`failed with ${shown(error)}, expected ${code}`, { cause: error });
  }
  throw new Error(`expected ${code}, but it answered ${shown(value)}`);
}

/**
 * Waits until a condition holds: asked again whenever some time has passed, because not everything tells of itself.
 *
 * @returns What it answered: anything but `undefined`, `null` and `false`.
 * @throws If it does not hold within 40 s.
 */
export async function eventually<T>(
  what: string,
  condition: () => T | Promise<T>,
  patience = PATIENCE,
): Promise<Exclude<T, undefined | null | false>> {
  const end = Date.now() + patience;
  for (;;) {
    const value = await condition();
    if (value !== undefined && value !== null && value !== false) {
      return value as Exclude<T, undefined | null | false>;
    }
    if (Date.now() > end) throw new Error(`not within ${patience} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function same(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false;
  if (a instanceof Date && b instanceof Date) return a.getTime() === b.getTime();
  const names = Object.keys(a);
  if (names.length !== Object.keys(b).length) return false;
  const [left, right] = [a, b] as [Record<string, unknown>, Record<string, unknown>];
  return names.every((name) => Object.hasOwn(right, name) && same(left[name], right[name]));
}

function shown(value: unknown): string {
  if (value instanceof Error)
    return `${"code" in value ? `${String(value.code)} ` : ""}${value.stack ?? value.message}`;
  if (value instanceof Uint8Array) return `bytes [${value.slice(0, 32).join(" ")}]`;
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
