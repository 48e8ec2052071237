// How reading ends when it does not end well: one of the codes that the pages of docs/spec state.
// Separate, because every page's code throws it and a test compares nothing else.

/** A refusal with the code that the format's page states for it. */
export class Failure extends Error {
  /** The stable code, such as `Unauthentic` or `NotCanonical`. */
  readonly code: string;

  constructor(code: string, message?: string) {
    super(message === undefined ? code : `${code}: ${message}`);
    this.name = "Failure";
    this.code = code;
  }
}

/**
 * Refuses unless a condition holds.
 * @throws Failure with the code.
 */
export function check(condition: boolean, code: string, message?: string): asserts condition {
  if (!condition) {
    throw new Failure(code, message);
  }
}

/**
 * Runs something whose every failure has to look the same from outside.
 * @throws Failure with the code, whatever went wrong within.
 */
export function otherwise<T>(code: string, run: () => T): T {
  try {
    return run();
  } catch {
    throw new Failure(code);
  }
}
