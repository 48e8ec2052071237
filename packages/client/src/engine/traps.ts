/**
 * Traps of the WebAssembly module: no memory is left, no randomness is to be had, a bug. An instance that trapped is
 * not used again: everything that works with it in this thread hears of it, and starts anew with the next instance.
 *
 * The module's futures run in microtasks, where what is thrown belongs to no call. So the build (`build.mjs`) puts the
 * `queueMicrotask` of this file in the place of the global one that the module's JavaScript asks for.
 */

/** Something that the module made, which has memory there. */
interface Made {
  free(): void;
}

/** Counts the instances of the module in this thread, as its JavaScript does. */
let instance = 0;
const listeners = new Set<(cause: WebAssembly.RuntimeError) => void>();

/** Calls back at each trap, in the order of asking. Returns what ends that. */
export function onTrap(callback: (cause: WebAssembly.RuntimeError) => void): () => void {
  listeners.add(callback);
  return () => {
    listeners.delete(callback);
  };
}

/** The instance is replaced: what is left of the one before is not freed in the next one's memory. */
export function anotherInstance(): void {
  instance += 1;
}

/** Looks at what was thrown: if it is a trap, everybody is told, and it is true. */
export function noticeTrap(thrown: unknown): boolean {
  if (!(thrown instanceof WebAssembly.RuntimeError)) return false;
  anotherInstance();
  for (const listener of [...listeners]) listener(thrown);
  return true;
}

/** Queues a step of one of the module's futures. */
export function queueMicrotask(step: () => void): void {
  globalThis.queueMicrotask(() => {
    try {
      step();
    } catch (thrown) {
      if (!noticeTrap(thrown)) throw thrown;
    }
  });
}

/** Frees what the module made. The memory of an instance that trapped is gone as a whole, and another one's is there. */
export function release(made: Made): void {
  // The module's JavaScript notes this; it compares it in every method but `free`.
  if ((made as { readonly __wbg_inst?: number }).__wbg_inst === instance) made.free();
}
