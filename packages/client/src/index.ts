/** The client for browsers: a small class in the page, and a worker and the WebAssembly as files beside it. */
import { BaseClient } from "./client.js";
import type { StartEngine } from "./link.js";
import { page } from "./platform/page.js";
import type { ClientConfig } from "./types.js";

// Written literally: that is how bundlers see which file it is.
const makeWorker = (): Worker => new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
const startInPage: StartEngine = async (...args) => (await import("./in-page.js")).startInPage(...args);

/** One person's client. Making one does nothing: it is safe while rendering on a server. */
export class Client extends BaseClient {
  constructor(config: ClientConfig) {
    super(config, page(makeWorker, startInPage));
  }
}

export * from "./api.js";
