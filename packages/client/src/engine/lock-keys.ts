/**
 * The keys of locks that are open in this engine, each for one time of being unlocked, and in memory alone. A tab
 * that is opened gets them of one that is open already; which there are, a shared Web Lock tells, since nobody
 * answers where there is none.
 */

/** How long a tab that is open may take to answer. It may be frozen: then the person is asked again. */
const ANSWER_MS = 2_000;

/** Keys of open locks. */
export class LockKeys {
  readonly #prefix: string | undefined;
  readonly #keys = new Map<string, CryptoKey>();
  readonly #waiting = new Map<string, () => void>();
  #closed = new AbortController();

  /** Of the tabs that share this database; of this engine alone if it is `undefined`. */
  constructor(database: string | undefined) {
    this.#prefix = database && `keyfold:${database}:open:`;
  }

  /** All of them, by the time of being unlocked. */
  get all(): ReadonlyMap<string, CryptoKey> {
    return this.#keys;
  }

  /** The key of that time, if it is held here. */
  get(period: string): CryptoKey | undefined {
    return this.#keys.get(period);
  }

  /** This lock is open, for that time. */
  put(period: string, key: CryptoKey): void {
    const isNew = !this.#keys.has(period);
    this.#keys.set(period, key);
    this.#waiting.get(period)?.();
    if (isNew) this.#hold(period);
  }

  /** The key of that time, if it is held here or in another tab. `ask` asks the others. */
  async find(period: string, ask: () => void): Promise<CryptoKey | undefined> {
    if (!this.#keys.has(period) && (await this.#isHeld(period))) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ANSWER_MS);
        this.#waiting.set(period, () => {
          clearTimeout(timer);
          resolve();
        });
        ask();
      });
      this.#waiting.delete(period);
    }
    return this.#keys.get(period);
  }

  /** Drops all. */
  clear(): void {
    this.#keys.clear();
    this.#closed.abort();
    this.#closed = new AbortController();
  }

  #hold(period: string): void {
    if (this.#prefix === undefined) return;
    const { signal } = this.#closed;
    const held = (): Promise<void> =>
      new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
    navigator.locks.request(this.#prefix + period, { mode: "shared" }, held).catch(() => undefined);
  }

  async #isHeld(period: string): Promise<boolean> {
    if (this.#prefix === undefined) return false;
    const { held = [] } = await navigator.locks.query();
    return held.some(({ name }) => name === `${this.#prefix}${period}`);
  }
}
