/**
 * The event stream on a WebSocket: both sides show who they are, then events come. What frames say is for the
 * WebAssembly module; this only moves them.
 */
import { KeyfoldError } from "../error.js";
import type { SocketLike } from "./surroundings.js";

/** How long connecting and each step of the handshake may take. */
const HANDSHAKE_MS = 10_000;
/** No frame of ours is larger. */
const FRAME_BYTES = 4_096;

/** A line of frames. It fails once, and then for good. */
export class FrameSocket {
  readonly #socket: SocketLike;
  readonly #frames: Uint8Array[] = [];
  #fault: KeyfoldError | undefined;
  #wake: () => void = () => undefined;

  private constructor(socket: SocketLike) {
    this.#socket = socket;
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => this.#receive(data);
    socket.onclose = () => this.fail("it closed the connection");
    socket.onerror = () => this.fail("the connection broke");
  }

  /** Connects. `ServerUnavailable` */
  static async connect(opening: Promise<SocketLike>): Promise<FrameSocket> {
    const socket = await opening;
    const line = new FrameSocket(socket);
    const opened = new Promise<void>((resolve) => {
      socket.onopen = () => resolve();
      line.#wake = () => resolve();
    });
    await within(opened, line);
    if (line.#fault !== undefined) throw line.#fault;
    return line;
  }

  send(frame: Uint8Array<ArrayBuffer>): void {
    this.#socket.send(frame);
  }

  /** The next frame of the handshake. */
  async handshakeFrame(): Promise<Uint8Array> {
    await within(this.arrival(), this);
    const frame = this.take();
    if (frame === undefined) throw this.#fault ?? gone("it did not answer in time");
    return frame;
  }

  /** The next frame that is here. Throws why there will be none. */
  take(): Uint8Array | undefined {
    const frame = this.#frames.shift();
    if (frame === undefined && this.#fault !== undefined) throw this.#fault;
    return frame;
  }

  /** Resolves when `take` has something to say. One may wait at a time. */
  arrival(): Promise<void> {
    if (this.#frames.length > 0 || this.#fault !== undefined) return Promise.resolve();
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  /** Gives the line up. */
  fail(why: string): void {
    if (this.#fault !== undefined) return;
    this.#fault = gone(why);
    this.#socket.onmessage = null;
    this.#socket.onclose = null;
    // A socket that is closed while it connects says so once more; Node ends the process if nobody hears that.
    this.#socket.onerror = () => undefined;
    this.#socket.close();
    this.#wake();
  }

  #receive(data: unknown): void {
    if (!(data instanceof ArrayBuffer) || data.byteLength > FRAME_BYTES) {
      this.fail("it sent what is no frame of ours");
      return;
    }
    this.#frames.push(new Uint8Array(data));
    this.#wake();
  }
}

async function within(step: Promise<void>, line: FrameSocket): Promise<void> {
  const timer = setTimeout(() => line.fail("it did not answer in time"), HANDSHAKE_MS);
  try {
    await step;
  } finally {
    clearTimeout(timer);
  }
}

function gone(why: string): KeyfoldError {
  return new KeyfoldError("ServerUnavailable", `the server was not reached: ${why}`, { retryable: true });
}
