/**
 * The client for browsers in one file, worker and WebAssembly included as text: for bundlers that lose files. A page
 * with a Content Security Policy must allow `worker-src blob:`.
 */
import recoveryText from "keyfold:recovery";
import wasmText from "keyfold:wasm";
import workerText from "keyfold:worker";
import { BaseClient } from "./client.js";
import { startInPage } from "./in-page.js";
import { page } from "./platform/page.js";
import type { ClientConfig } from "./types.js";

function makeWorker(): Worker {
  const url = URL.createObjectURL(new Blob([workerText], { type: "text/javascript" }));
  // Revoked once it was fetched; when that is, nobody tells.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
  return new Worker(url, { type: "module" });
}

/** One person's client. Making one does nothing: it is safe while rendering on a server. */
export class Client extends BaseClient {
  constructor(config: ClientConfig) {
    // By a getter: making a client does nothing, and this is work.
    const included = {
      ...config,
      get wasm() {
        return config.wasm ?? bytesOf(wasmText);
      },
      get recoveryWasm() {
        return config.recoveryWasm ?? bytesOf(recoveryText);
      },
    };
    super(included, page(makeWorker, startInPage));
  }
}

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

export * from "./api.js";
