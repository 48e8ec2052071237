/** Pages that listen: Server-Sent Events (HTML standard, 9.2), one open response each. */

import type { ServerResponse } from "node:http";

/** Everybody who listens to one thing. */
export class Listeners {
  readonly #open = new Set<ServerResponse>();

  /** Turns a response into a stream of events, beginning with `first`. A browser that loses it asks again soon. */
  add(response: ServerResponse, first: unknown): void {
    response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
    response.write(`retry: 500\ndata: ${JSON.stringify(first)}\n\n`);
    this.#open.add(response);
    response.on("close", () => this.#open.delete(response));
  }

  tell(event: unknown): void {
    for (const response of this.#open) response.write(`data: ${JSON.stringify(event)}\n\n`);
  }

  close(): void {
    for (const response of this.#open) response.end();
  }
}
