/** The application's API: sealed rows, for whoever is signed in, and word of every change. */

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Readable } from "node:stream";
import { altered } from "./altered.js";
import type { Answer } from "./line.js";
import type { Listeners } from "./listeners.js";
import { MAX_TEXT, Refused, type Row, type Rows } from "./rows.js";

/** A change that listeners are told of. */
export type Change =
  | { readonly type: "rows"; readonly rows: readonly Row[] }
  | { readonly type: "put"; readonly row: Row }
  | { readonly type: "removed"; readonly id: string };

/** Answers requests under `/app`. `changed` is told after each change. */
export class Application {
  #deceived: string | null = null;

  constructor(
    private readonly rows: Rows,
    private readonly listeners: Listeners<Change>,
    private readonly changed: () => void,
    /** Whether pages of this origin may ask: any website that is open meanwhile could try. */
    private readonly admits: (origin: string) => boolean,
  ) {}

  /** Shows this user altered notes from now on; `null`: nobody. */
  deceive(user: string | null): void {
    this.#deceived = user;
    this.listeners.tell({ type: "rows", rows: this.rows.all });
  }

  readonly answer: Answer = (user, head, body, response) => {
    // The page is of another port, and so of another origin.
    const { origin } = head.headers;
    if (origin !== undefined && this.admits(origin))
      response.setHeader("Access-Control-Allow-Origin", origin);
    response.setHeader("Vary", "Origin");
    response.setHeader("Cache-Control", "no-store");
    this.#route(user, head, body, response).catch((error: unknown) => {
      if (!response.headersSent) refuse(response, error);
      else response.destroy();
    });
  };

  async #route(user: string, head: IncomingMessage, body: Readable, response: ServerResponse): Promise<void> {
    const { method = "GET", url = "/" } = head;
    const [, app, noun, id = "", to = ""] = new URL(url, "http://localhost").pathname.split("/");
    if (method === "OPTIONS") return preflight(response);
    if (app !== "app") throw new Refused(404, "NoRoute", "There is nothing here");
    switch (`${method} ${noun ?? ""}`) {
      case "GET events":
        this.listeners.add(response, { type: "rows", rows: this.rows.all }, (change) =>
          user === this.#deceived ? altered(change) : change,
        );
        return;
      case "PUT rows": {
        const given = (await json(body)) as Parameters<Rows["put"]>[1];
        const row = await this.rows.put(user, { ...given, id });
        this.#tell({ type: "put", row });
        return reply(response, 200, row);
      }
      case "DELETE rows":
        if (await this.rows.remove(id)) this.#tell({ type: "removed", id });
        return reply(response, 200, {});
      case "PUT invitations":
        await this.rows.invite(user, id, to);
        this.changed();
        return reply(response, 200, {});
      case "DELETE invitations":
        await this.rows.uninvite(id, to);
        this.changed();
        return reply(response, 200, {});
      default:
        throw new Refused(404, "NoRoute", "There is nothing here");
    }
  }

  #tell(change: Change): void {
    this.listeners.tell(change);
    this.changed();
  }
}

function preflight(response: ServerResponse): void {
  response.writeHead(204, {
    "Access-Control-Allow-Methods": "GET, PUT, DELETE",
    "Access-Control-Allow-Headers": "Content-Type",
    "Access-Control-Max-Age": "7200",
  });
  response.end();
}

/** Answers with JSON. */
export function reply(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "Content-Type": "application/json" });
  response.end(JSON.stringify(body));
}

/** Answers with what went wrong, and with the row that stands if that is it. */
export function refuse(response: ServerResponse, error: unknown): void {
  if (error instanceof Refused) {
    return reply(response, error.status, {
      code: error.code,
      message: error.message,
      row: error.row ?? null,
    });
  }
  reply(response, 500, { code: "Internal", message: "Something went wrong in the demo's server", row: null });
}

/** A request's JSON, refused if it is longer than a sealed text may be. */
export async function json(body: Readable): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_TEXT + 4_096) throw new Refused(413, "TooLarge", "The request is too long");
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString("utf8")) as unknown;
  } catch {
    throw new Refused(400, "Malformed", "The request is not JSON");
  }
}
