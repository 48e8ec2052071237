/**
 * The way of one file's parts to the storage and from it: no turn is taken while they move, and a line that breaks is
 * waited for.
 */
import { KeyfoldError, cancelled } from "../error.js";
import type { Bytes } from "../types.js";
import type { VaultParts } from "../wasm/keyfold.js";
import type { Surroundings } from "./files.js";
import { SEALED_SEGMENT_BYTES, SEGMENT_BYTES, STRIDE_SEGMENTS } from "./segments.js";
import { type Reply, exchange } from "./transport.js";
import { release } from "./traps.js";

/** Sealed segments of a part. */
const PART_SEGMENTS = 16;
/** Bytes of a part that is not the last. */
export const PART_BYTES = PART_SEGMENTS * SEALED_SEGMENT_BYTES;
/** Bytes of plaintext in it. */
export const PART_TEXT_BYTES = PART_SEGMENTS * SEGMENT_BYTES;
/** Parts that are put or asked for at once: those of a stride. */
export const AT_ONCE = STRIDE_SEGMENTS / PART_SEGMENTS;

/** Times that a broken line is tried again, after 250 ms and then twice as long each time. */
const TRIES = 6;
const FIRST_WAIT_MS = 250;
/** Four mebibytes over a slow line. */
const TIMEOUT_MS = 300_000;

/** Something that is moved: an upload, or a content that is read. */
interface Moved {
  parts(line: ReturnType<typeof lineOf>): VaultParts;
}

/** The way of one file's parts. */
export class PartsLine {
  readonly #around: Surroundings;
  readonly #parts: VaultParts;

  /** `signal` ends what is under way. */
  constructor(around: Surroundings, moved: Moved) {
    this.#around = around;
    this.#parts = moved.parts(lineOf(around.signal));
  }

  /** Stores parts. Where nothing has been stored so far, a line that is broken is told at once. */
  put(parts: readonly Bytes[], hasBegun: boolean): Promise<void> {
    return this.#patiently(hasBegun, () => this.#parts.put([...parts]));
  }

  /** So many parts, from that number on, each verified. */
  get(first: number, count: number): Promise<Bytes[]> {
    return this.#patiently(true, () => this.#parts.get(first, count));
  }

  free(): void {
    release(this.#parts);
  }

  async #patiently<T>(isPatient: boolean, work: () => Promise<T>): Promise<T> {
    const { signal, turn } = this.#around;
    for (let attempt = 0; ; attempt += 1) {
      if (signal.aborted) throw cancelled(signal.reason);
      try {
        return await work();
      } catch (thrown) {
        if (signal.aborted) throw cancelled(signal.reason);
        if (thrown instanceof WebAssembly.RuntimeError) throw thrown;
      }
      try {
        await turn((session) => session.settleParts(this.#parts, attempt));
      } catch (thrown) {
        if (!isPatient) throw thrown;
        await untilNext(thrown, attempt, signal);
      }
    }
  }
}

/** Waits until a line that broke is tried again; throws what is no broken line, or one that broke too often. */
export async function untilNext(thrown: unknown, attempt: number, signal: AbortSignal): Promise<void> {
  const { code, retryable } = KeyfoldError.from(thrown);
  if (!retryable || code === "StorageFull" || attempt >= TRIES) throw thrown;
  await pause(FIRST_WAIT_MS << attempt, signal);
}

/** Of a host, what moving parts needs. */
function lineOf(signal: AbortSignal): {
  exchange(method: string, url: string, headers: [string, string][], body: Bytes): Promise<Reply>;
} {
  return {
    exchange: (method, url, headers, body) => exchange(method, url, headers, body, signal, TIMEOUT_MS),
  };
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const ended = (): void => {
      clearTimeout(timer);
      reject(cancelled(signal.reason));
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", ended);
      resolve();
    }, ms);
    signal.addEventListener("abort", ended, { once: true });
  });
}
