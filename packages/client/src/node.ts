/** The client for Node: the engine in this thread, records in memory or in a folder. */
import { BaseClient } from "./client.js";
import { node } from "./platform/node.js";
import type { ClientConfig } from "./types.js";

/** One person's client. An open connection keeps the process alive: `close()` ends it. */
export class Client extends BaseClient {
  constructor(config: ClientConfig) {
    super(config, node);
  }
}

export * from "./api.js";
