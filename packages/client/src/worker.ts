/**
 * The script of the worker: one engine for one client. All secrets live here. The lock that it holds tells the page
 * that it lives.
 */
import { browser } from "./engine/browser.js";
import { Engine } from "./engine/engine.js";
import type { FromEngine, ToEngine } from "./engine/messages.js";

/** What of a dedicated worker's global scope is used. */
interface Scope {
  onmessage: ((event: MessageEvent<ToEngine>) => void) | null;
  postMessage(message: FromEngine): void;
  close(): void;
}

const scope = globalThis as unknown as Scope;
let engine: Engine | undefined;

scope.onmessage = ({ data }) => {
  if (data.type === "open") {
    engine ??= new Engine(data.config, browser, (message) => scope.postMessage(message));
    const lock = `keyfold:alive:${crypto.randomUUID()}`;
    void navigator.locks.request(lock, () => {
      scope.postMessage({ type: "alive", lock });
      return new Promise(() => undefined);
    });
  } else if (data.type === "close") {
    void engine?.close().finally(() => scope.close());
  } else {
    engine?.handle(data);
  }
};
