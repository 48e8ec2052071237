/** Pages that listen: Server-Sent Events (HTML standard, 9.2), one open response each. */

import type { ServerResponse } from "node:http";

/** Everybody who listens to one thing. */
export class Listeners<Event = unknown> {
  readonly #open = new Map<ServerResponse, (event: Event) => Event>();

  /**
   * Turns a response into a stream of events, beginning with `first`. A browser that loses it asks again soon.
   * @param shown how this listener is shown an event
   */
  add(response: ServerResponse, first: Event, shown = (event: Event) => event): void {
    response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
    response.write(`retry: 500\ndata: ${JSON.stringify(shown(first))}\n\n`);
    this.#open.set(response, shown);
    response.on("close", () => this.#open.delete(response));
  }

  tell(event: Event): void {
    for (const [response, shown] of this.#open) {
      response.write(`data: ${JSON.stringify(shown(event))}\n\n`);
    }
  }

  close(): void {
    for (const response of this.#open.keys()) response.end();
  }
}
