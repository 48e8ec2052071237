/** Contents of vaults that are read in pieces, under the names that whoever reads them made. */
import { KeyfoldError } from "../error.js";
import type { ContentReader } from "./vault-content.js";

/** The readers of one engine. */
export class Readers {
  readonly #open = new Map<string, ContentReader>();

  put(name: string, reader: ContentReader): void {
    this.#open.set(name, reader);
  }

  /** One that is open. */
  of(name: string): ContentReader {
    const reader = this.#open.get(name);
    if (reader !== undefined) return reader;
    throw new KeyfoldError("WorkerStopped", "who read this file is gone, or logged out", {
      hint: "Open the file again.",
      retryable: true,
    });
  }

  close(name: string): void {
    this.#open.get(name)?.free();
    this.#open.delete(name);
  }

  /** Whoever's keys they work with is not there any more. */
  closeAll(): void {
    for (const name of [...this.#open.keys()]) this.close(name);
  }
}
