/** Who listens to which event. One listener's failure is not another's: it is reported as an uncaught error. */
import type { ClientEvents } from "./types.js";

type Callback<E extends keyof ClientEvents> = (payload: ClientEvents[E]) => void;

/** Who listens. */
export class Listeners {
  readonly #callbacks = new Map<string, Set<(payload: never) => void>>();
  readonly #observers = new Set<() => void>();

  /** Whether anybody listens to anything. */
  get isEmpty(): boolean {
    return (
      this.#observers.size === 0 && [...this.#callbacks.values()].every((callbacks) => callbacks.size === 0)
    );
  }

  /** Adds a callback. Returns what removes it; the same function may be added twice. */
  on<E extends keyof ClientEvents>(event: E, callback: Callback<E>): () => void {
    const callbacks = this.#callbacks.get(event) ?? new Set();
    this.#callbacks.set(event, callbacks);
    return add(callbacks, (payload: ClientEvents[E]) => callback(payload));
  }

  /** Adds an observer of the state. Returns what removes it. */
  observe(callback: () => void): () => void {
    return add(this.#observers, () => callback());
  }

  /** Tells an event. */
  tell<E extends keyof ClientEvents>(event: E, payload: ClientEvents[E]): void {
    const callbacks = this.#callbacks.get(event) ?? [];
    for (const callback of [...callbacks] as Callback<E>[]) guarded(() => callback(payload));
  }

  /** Tells that the state is another one. */
  tellObservers(): void {
    for (const observer of [...this.#observers]) guarded(observer);
  }

  clear(): void {
    this.#callbacks.clear();
    this.#observers.clear();
  }
}

function add<T>(set: Set<T>, entry: T): () => void {
  set.add(entry);
  return () => {
    set.delete(entry);
  };
}

function guarded(work: () => void): void {
  try {
    work();
  } catch (thrown) {
    queueMicrotask(() => {
      throw thrown;
    });
  }
}
