/**
 * The application's function that says which shares are taken. It is called here, in the page, because a function
 * cannot be handed to the engine; there each share waits until it is answered.
 */
import type { IncomingShare } from "./types.js";

/** Asks the function once about each share that comes, and takes what it says yes to. */
export class Acceptance {
  readonly #isTaken: (share: IncomingShare) => boolean;
  readonly #accept: (keychainFingerprint: string) => Promise<unknown>;
  /** The shares of which it was asked, as far as they wait. */
  #asked = new Set<string>();

  constructor(
    isTaken: (share: IncomingShare) => boolean,
    accept: (keychainFingerprint: string) => Promise<unknown>,
  ) {
    this.#isTaken = isTaken;
    this.#accept = accept;
  }

  /** These wait now. */
  consider(waiting: readonly IncomingShare[]): void {
    const before = this.#asked;
    this.#asked = new Set(waiting.map(nameOf));
    for (const share of waiting) {
      if (before.has(nameOf(share)) || !this.#says(share)) continue;
      // What failed, the next look at what waits tries again: the network, or another tab was faster.
      this.#accept(share.keychainFingerprint).catch(() => this.#asked.delete(nameOf(share)));
    }
  }

  /** A function that fails has not said yes. */
  #says(share: IncomingShare): boolean {
    try {
      return this.#isTaken(share) === true;
    } catch (thrown) {
      queueMicrotask(() => {
        throw thrown;
      });
      return false;
    }
  }
}

/** One keychain may be shared again after it was declined. */
function nameOf({ keychainFingerprint, sharedAt, keyFingerprints }: IncomingShare): string {
  return `${keychainFingerprint} ${sharedAt.getTime()} ${keyFingerprints[0]}`;
}
