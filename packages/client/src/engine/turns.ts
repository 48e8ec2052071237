/**
 * Turns: one operation at a time on one store. Between the tabs of a browser a Web Lock gives them, which the browser
 * frees if a tab dies; within one thread a queue does.
 */
import { cancelled } from "../error.js";

/** Gives turns. `signal` ends the waiting, not the work. */
export type TakeTurn = <T>(work: () => Promise<T>, signal?: AbortSignal) => Promise<T>;

/** Turns among all who name the same lock, in this browser. */
export function lockTurns(name: string): TakeTurn {
  return async (work, signal) => {
    try {
      const options = signal === undefined ? {} : { signal };
      return await navigator.locks.request(name, options, work);
    } catch (thrown) {
      // What the lock manager throws when the waiting was ended; the work throws errors of ours.
      if (signal?.aborted === true && thrown instanceof DOMException) throw cancelled(signal.reason);
      throw thrown;
    }
  };
}

/** Turns within this thread. */
export function queueTurns(): TakeTurn {
  let last: Promise<unknown> = Promise.resolve();
  return (work, signal) => {
    const turn = last.then(() => {
      if (signal?.aborted === true) throw cancelled(signal.reason);
      return work();
    });
    last = turn.catch(() => undefined);
    return turn;
  };
}
