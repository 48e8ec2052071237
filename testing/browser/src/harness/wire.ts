/**
 * The network between a client and its server: passes every byte through, and can be cut, slowed or silenced. Separate
 * from the browser's own emulation, because this one reaches workers, WebSockets and Node alike. The server takes the
 * `Host` of a request as the authority that is signed, so a client that is given `url` works as with the server itself.
 */

import { createServer, connect, type AddressInfo, type Server, type Socket } from "node:net";
import { Transform } from "node:stream";

/** What the wire does to bytes. */
export interface WireCondition {
  /** `false`: connections break, and new ones are refused as soon as they are made. */
  readonly up?: boolean;
  /** Added before anything is passed on, in each direction, milliseconds. */
  readonly latency?: number;
  /** Bytes per second in each direction of each connection. */
  readonly bandwidth?: number;
  /** Takes connections and bytes, and passes nothing on: a server that hangs. */
  readonly silent?: boolean;
}

/** A pass-through to one server. */
export class Wire {
  private readonly open = new Set<Socket>();
  private condition: WireCondition = {};
  /** Bytes that clients sent since the start or the last `forget`. */
  private sent: Buffer[] = [];

  private constructor(
    private readonly server: Server,
    /** What clients are given as the server's address. */
    readonly url: string,
  ) {}

  /** Lays a wire to a server. */
  static async to(target: string): Promise<Wire> {
    const { hostname, port } = new URL(target);
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const wire = new Wire(server, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    server.on("connection", (near) => wire.join(near, () => connect(Number(port), hostname)));
    return wire;
  }

  /** What holds from now on. What is left out is as in a good network. */
  set(condition: WireCondition): void {
    this.condition = condition;
    if (condition.up === false) this.cut();
  }

  /** Breaks every connection, once. */
  cut(): void {
    for (const socket of this.open) socket.destroy();
  }

  /** What clients sent since the last call: requests, frames, and their bodies as they crossed. */
  taken(): Buffer {
    const bytes = Buffer.concat(this.sent);
    this.sent = [];
    return bytes;
  }

  /** How many connections are open. */
  get connections(): number {
    return this.open.size;
  }

  /** Takes it down. */
  async remove(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private join(near: Socket, dial: () => Socket): void {
    if (this.condition.up === false) {
      near.destroy();
      return;
    }
    this.open.add(near);
    const far = dial();
    near.on("data", (chunk: Buffer) => this.sent.push(chunk));
    near.pipe(this.passage()).pipe(far);
    far.pipe(this.passage()).pipe(near);
    const end = (): void => {
      near.destroy();
      far.destroy();
      this.open.delete(near);
    };
    for (const socket of [near, far]) socket.on("error", end).on("close", end);
  }

  /** One direction of one connection. Looks at the condition for every chunk, so that a change holds at once. */
  private passage(): Transform {
    return new Transform({
      transform: (chunk: Buffer, _encoding, done) => {
        const { silent, latency = 0, bandwidth = Number.POSITIVE_INFINITY } = this.condition;
        if (silent === true) {
          done();
          return;
        }
        const pause = latency + (chunk.length / bandwidth) * 1000;
        if (pause === 0) done(null, chunk);
        else setTimeout(() => done(null, chunk), pause);
      },
    });
  }
}
