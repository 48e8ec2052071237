/** Between a client and its server: passes bytes, and breaks connections when it is told to. */
import { once } from "node:events";
import { type AddressInfo, type Server, type Socket, connect, createServer } from "node:net";

export class Relay {
  readonly url: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #isToBreak: "before" | "after" | undefined;

  private constructor(server: Server) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  /** In front of the server at this address. */
  static async start(upstream: string): Promise<Relay> {
    const server = createServer({ allowHalfOpen: true });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const relay = new Relay(server);
    server.on("connection", (client: Socket) => relay.#pass(client, Number(new URL(upstream).port)));
    return relay;
  }

  /** The next request breaks its connection: before the server hears of it, or when it has answered. */
  breakNext(when: "before" | "after"): void {
    this.#isToBreak = when;
  }

  /** Whether that has happened. */
  get broke(): boolean {
    return this.#isToBreak === undefined;
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #pass(client: Socket, port: number): void {
    const server = connect(port, "127.0.0.1");
    const end = (): void => {
      client.destroy();
      server.destroy();
    };
    for (const socket of [client, server]) {
      this.#sockets.add(socket);
      socket.on("error", end).on("close", end);
    }
    client.on("data", (bytes) => {
      if (this.#isToBreak === "before") {
        this.#isToBreak = undefined;
        end();
      } else server.write(bytes);
    });
    server.on("data", (bytes) => {
      if (this.#isToBreak === "after") {
        this.#isToBreak = undefined;
        end();
      } else client.write(bytes);
    });
    client.on("end", () => server.end());
    server.on("end", () => client.end());
  }
}
