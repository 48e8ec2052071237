/**
 * The one error of the client: a stable code for programs, a sentence and advice for people. It crosses the worker's
 * border as plain data, because a cloned `Error` keeps neither class nor own properties.
 */
import type { ErrorCode } from "./error-codes.js";

const PAGE = "https://github.com/keyfold/keyfold/blob/main/docs/errors.md";

/** What else there is to say of an error. */
export interface ErrorDetails {
  /** What to do about it. */
  readonly hint?: string | undefined;
  /** Whether the same call may succeed later. */
  readonly retryable?: boolean | undefined;
  readonly cause?: unknown;
}

/** An error as plain data. */
export interface ErrorRecord {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string | undefined;
  readonly retryable: boolean;
}

/** Something did not work. Nothing was half-done. */
export class KeyfoldError extends Error {
  /** Stable: compare this, never the message. */
  readonly code: ErrorCode;
  /** What to do about it, in one sentence. */
  readonly hint: string | undefined;
  /** Whether the same call may succeed later. */
  readonly retryable: boolean;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, "cause" in details ? { cause: details.cause } : undefined);
    this.code = code;
    this.hint = details.hint;
    this.retryable = details.retryable ?? false;
  }

  override get name(): string {
    return "KeyfoldError";
  }

  /** The page that explains the code. */
  get docs(): string {
    return `${PAGE}#${this.code.toLowerCase()}`;
  }

  /** As plain data. */
  toRecord(): ErrorRecord {
    return { code: this.code, message: this.message, hint: this.hint, retryable: this.retryable };
  }

  /** From plain data. */
  static fromRecord(record: ErrorRecord, cause?: unknown): KeyfoldError {
    const { code, message, hint, retryable } = record;
    return new KeyfoldError(
      code,
      message,
      cause === undefined ? { hint, retryable } : { hint, retryable, cause },
    );
  }

  /**
   * Whatever was thrown, as an error of ours. Those of the WebAssembly module have the same properties; anything
   * else is a bug, and says so.
   */
  static from(thrown: unknown): KeyfoldError {
    if (thrown instanceof KeyfoldError) return thrown;
    if (thrown instanceof Error && "code" in thrown && typeof thrown.code === "string") {
      const hint = "hint" in thrown && typeof thrown.hint === "string" ? thrown.hint : undefined;
      const retryable = "retryable" in thrown && thrown.retryable === true;
      return new KeyfoldError(thrown.code as ErrorCode, thrown.message, { hint, retryable, cause: thrown });
    }
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    return new KeyfoldError("Internal", `this should not have happened: ${message}`, { cause: thrown });
  }
}

/** The caller lost interest. */
export function cancelled(reason: unknown): KeyfoldError {
  return new KeyfoldError("Cancelled", "the call was cancelled", { cause: reason });
}
