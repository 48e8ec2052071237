/**
 * Events that were received and not applied. The first of a keychain is taken at once, further ones together: when
 * fifty people accept a share, each of their fifty clients must not fetch fifty times.
 */

/** How long further events of a keychain are gathered. */
export const COALESCE_MS = 150;

interface Waiting {
  readonly keychain: string;
  readonly frame: Uint8Array;
}

/** Events that wait. Times are milliseconds of one monotonic clock. */
export class Batch {
  #waiting: Waiting[] = [];
  readonly #taken = new Map<string, number>();

  push(keychain: string, frame: Uint8Array): void {
    this.#waiting.push({ keychain, frame });
  }

  /** When the next ones are due; `undefined` if none waits. */
  due(): number | undefined {
    if (this.#waiting.length === 0) return undefined;
    return Math.min(...this.#waiting.map(({ keychain }) => this.#dueAt(keychain)));
  }

  /** Those that are due. */
  take(now: number): Waiting[] {
    const due = this.#waiting.filter(({ keychain }) => this.#dueAt(keychain) <= now);
    this.#waiting = this.#waiting.filter((event) => !due.includes(event));
    for (const [keychain, at] of this.#taken) if (at + COALESCE_MS <= now) this.#taken.delete(keychain);
    for (const { keychain } of due) this.#taken.set(keychain, now);
    return due;
  }

  /** At once for a keychain that was quiet. */
  #dueAt(keychain: string): number {
    const taken = this.#taken.get(keychain);
    return taken === undefined ? Number.NEGATIVE_INFINITY : taken + COALESCE_MS;
  }
}
