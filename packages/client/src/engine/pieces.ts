/** Streams that come with calls: they stay where they are, and their bytes are asked for one piece after the other. */
import { cancelled } from "../error.js";
import type { Bytes } from "../types.js";

/** The streams of one engine's calls. */
export class Pieces {
  readonly #ask: (id: number) => void;
  readonly #waiting = new Map<number, (bytes: Bytes | null) => void>();

  /** `ask` asks for a call's next bytes. */
  constructor(ask: (id: number) => void) {
    this.#ask = ask;
  }

  /** What was asked for; `null` is the end. */
  take(id: number, bytes: Bytes | null): void {
    this.#waiting.get(id)?.(bytes);
  }

  /** The stream of a call. Nothing is asked for before somebody reads. */
  stream(id: number, signal: AbortSignal): ReadableStream<Uint8Array> {
    const next = (): Promise<Bytes | null> =>
      new Promise((resolve, reject) => {
        const end = (): void => reject(cancelled(signal.reason));
        if (signal.aborted) return end();
        signal.addEventListener("abort", end, { once: true });
        this.#waiting.set(id, (bytes) => {
          this.#waiting.delete(id);
          signal.removeEventListener("abort", end);
          resolve(bytes);
        });
        this.#ask(id);
      });
    const pull = async (controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> => {
      const bytes = await next();
      if (bytes === null) controller.close();
      else controller.enqueue(bytes);
    };
    return new ReadableStream({ pull }, { highWaterMark: 0 });
  }
}
