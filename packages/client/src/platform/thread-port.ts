/** An engine in the caller's own thread: Node's, or the page's if it asked for that. */
import { Engine } from "../engine/engine.js";
import type { Surroundings } from "../engine/surroundings.js";
import type { StartEngine } from "../link.js";

/** Starts engines in this thread. */
export function inThread(surroundings: Surroundings): StartEngine {
  return async (config, receive) => {
    // Later, as messages of a worker come later.
    const engine = new Engine(config, surroundings, (message) => queueMicrotask(() => receive(message)));
    return { post: (message) => engine.handle(message), close: () => void engine.close() };
  };
}
