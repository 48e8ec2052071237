/** Answers as they came, to be played back: what somebody on the wire can do who has no key at all. */

import type { IncomingMessage, ServerResponse } from "node:http";

/** What clients ask again and again. */
const HEARD = /^(GET \/v1\/scopes|POST \/v1\/ledgers|POST \/v1\/accounts\/lookup)$/;
/** Of one answer, in bytes. Longer ones are not kept. */
const LONGEST = 1_000_000;

interface Recorded {
  readonly status: number;
  readonly headers: string[];
  readonly body: Buffer;
}

/** The newest answer to each request. */
export class Tape {
  /** Whether answers are played instead of asked for. Nothing is recorded meanwhile. */
  plays = false;
  readonly #recorded = new Map<string, Recorded>();

  /** Keeps an answer while it passes. */
  record(request: string, answer: IncomingMessage): void {
    if (this.plays || !HEARD.test(request)) return;
    const chunks: Buffer[] = [];
    let bytes = 0;
    answer.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= LONGEST) chunks.push(chunk);
    });
    answer.on("end", () => {
      const { statusCode: status = 502, rawHeaders: headers } = answer;
      if (bytes <= LONGEST) this.#recorded.set(request, { status, headers, body: Buffer.concat(chunks) });
    });
  }

  /** Answers as before, signature and all; `false` if it has not heard this. */
  play(request: string, response: ServerResponse): boolean {
    const recorded = this.plays ? this.#recorded.get(request) : undefined;
    if (recorded === undefined) return false;
    response.writeHead(recorded.status, recorded.headers);
    response.end(recorded.body);
    return true;
  }
}
