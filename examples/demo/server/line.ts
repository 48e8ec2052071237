/**
 * One person's network: everything that person's page sends, to the application (`/app`) and to the Keyfold server
 * (`/v1`), passes here, is logged, and can be cut. Requests go on as they came: their signatures cover the address
 * that the client was given, which is this one, so the `Host` stays.
 */

import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from "node:http";
import { connect, type Socket } from "node:net";
import { type Duplex, pipeline, type Readable } from "node:stream";
import { NodeSizes, STORES_NODES } from "./nodes.js";
import { Tape } from "./tape.js";
import { Meter, type Traffic } from "./traffic.js";

/** What answers the application's own requests. The body comes apart from the head: it was measured on its way. */
export type Answer = (user: string, head: IncomingMessage, body: Readable, response: ServerResponse) => void;

/** A person's line. */
export class Line {
  /** What was answered here, for who wants to say it again. */
  readonly tape = new Tape();
  #open = true;
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;

  constructor(
    /** User id of who is at this end: what signing in would tell a real application. */
    readonly user: () => string,
    private readonly keyfold: URL,
    private readonly traffic: Traffic,
    private readonly application: Answer,
  ) {
    this.#server = createServer((incoming, response) => this.#pass(incoming, response));
    this.#server.on("upgrade", (incoming, socket, head) => this.#upgrade(incoming, socket, head));
    this.#server.on("connection", (socket: Socket) => {
      if (!this.#open) return void socket.destroy();
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
    });
  }

  get open(): boolean {
    return this.#open;
  }

  /** Cuts it, in the middle of whatever passes, or mends it. */
  set open(open: boolean) {
    this.#open = open;
    if (!open) for (const socket of this.#sockets) socket.destroy();
  }

  /** Resolves to the port. */
  listen(port: number): Promise<number> {
    return listen(this.#server, port);
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }

  #pass(incoming: IncomingMessage, response: ServerResponse): void {
    const { method = "GET", url = "/", socket } = incoming;
    const to = url.startsWith("/v1/") ? "keyfold" : "app";
    const nodes = STORES_NODES.test(`${method} ${url}`) ? new NodeSizes() : null;
    const body = new Meter(nodes);
    const before = socket.bytesWritten;
    // Preflights tell an operator nothing, and the application's listening is one endless answer.
    if (method !== "OPTIONS" && !url.startsWith("/app/events")) {
      response.on("close", () => {
        const status = response.writableFinished ? response.statusCode : 0;
        const sizes = { sent: body.bytes, received: socket.bytesWritten - before, prefix: body.prefix };
        this.traffic.note({ by: this.user(), to, method, path: url, status, ...sizes });
        if (nodes !== null && status === 200) this.traffic.noteNodes(nodes.sizes);
      });
    }
    // Whoever reads the body notices there if the page goes away in the middle of it.
    pipeline(incoming, body, () => {});
    if (to === "app") return this.application(this.user(), incoming, body, response);
    const asked = `${method} ${url}`;
    if (this.tape.play(asked, response)) return void body.resume();
    const onward = request(this.keyfold, { method, path: url, headers: incoming.headers }, (answer) => {
      this.tape.record(asked, answer);
      response.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
      pipeline(answer, response, () => {});
    });
    onward.on("error", () => response.destroy());
    response.on("close", () => onward.destroy());
    body.pipe(onward);
  }

  // The events' WebSocket: bytes both ways, from its first line on.
  #upgrade(incoming: IncomingMessage, page: Duplex, head: Buffer): void {
    const { method = "GET", url = "/" } = incoming;
    const server = connect(Number(this.keyfold.port || 80), this.keyfold.hostname);
    const end = () => {
      page.destroy();
      server.destroy();
    };
    server.on("connect", () => {
      const raw = incoming.rawHeaders;
      const fields = raw.flatMap((name, at) => (at % 2 === 0 ? [`${name}: ${raw[at + 1] ?? ""}`] : []));
      server.write(`${method} ${url} HTTP/1.1\r\n${fields.join("\r\n")}\r\n\r\n`);
      server.write(head);
      page.pipe(server).pipe(page);
      const sizes = { sent: 0, received: 0, prefix: "" };
      this.traffic.note({ by: this.user(), to: "keyfold", method, path: url, status: 101, ...sizes });
    });
    for (const socket of [page, server]) socket.on("error", end).on("close", end);
  }
}

/** Starts listening on the loopback address. Resolves to the port. */
export function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => {
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : port);
    });
  });
}
