/**
 * The client's line to its engine: starts one at the first call, matches answers to calls, and notices when it dies.
 * It knows nothing of what is said.
 */
import type { Answer, Arguments, Calls, EngineConfig, FromEngine, ToEngine } from "./engine/messages.js";
import { KeyfoldError, cancelled } from "./error.js";
import type { Progress } from "./types.js";

/** An engine that runs somewhere. */
export interface Port {
  post(message: ToEngine): void;
  /** Ends it at once, if it did not end by itself. */
  close(): void;
}

/** Starts an engine. `died` is called at most once, if it ends without being closed. */
export type StartEngine = (
  config: EngineConfig,
  receive: (message: FromEngine) => void,
  died: (why: KeyfoldError) => void,
) => Promise<Port>;

/** What a call may be given beside its arguments. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** What the engine reads while it works: streams do not cross to every worker, their bytes do. */
  readonly stream?: ReadableStream<Uint8Array> | undefined;
}

interface Waiting {
  readonly resolve: (value: never) => void;
  readonly reject: (error: KeyfoldError) => void;
  readonly onProgress: ((progress: Progress) => void) | undefined;
  readonly reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
}

/** A client's line to its engine. */
export class Link {
  readonly #start: StartEngine;
  readonly #configure: () => EngineConfig;
  readonly #receive: (message: FromEngine) => void;
  readonly #stopped: () => void;
  readonly #waiting = new Map<number, Waiting>();
  #port: Promise<Port> | undefined;
  #last = 0;
  #isClosed = false;

  /** `receive` gets what belongs to no call; `stopped` hears that an engine died, and its state with it. */
  constructor(
    start: StartEngine,
    configure: () => EngineConfig,
    receive: (message: FromEngine) => void,
    stopped: () => void,
  ) {
    this.#start = start;
    this.#configure = configure;
    this.#receive = receive;
    this.#stopped = stopped;
  }

  /** Makes a call. */
  async call<M extends keyof Calls>(
    method: M,
    args: Arguments<M>,
    options: CallOptions = {},
  ): Promise<Answer<M>> {
    const { signal, onProgress, stream } = options;
    if (this.#isClosed) throw closed();
    if (signal?.aborted === true) throw cancelled(signal.reason);
    this.#last += 1;
    const id = this.#last;
    const port = this.#open();
    const answered = new Promise<Answer<M>>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject, onProgress, reader: stream?.getReader() });
    });
    const abort = (): void => {
      this.#settle(id)?.reject(cancelled(signal?.reason));
      // Whoever is gone need not be told.
      port.then((open) => open.post({ type: "cancel", id })).catch(() => undefined);
    };
    signal?.addEventListener("abort", abort, { once: true });
    try {
      const open = await Promise.race([port, answered.then(() => port)]);
      if (this.#waiting.has(id)) open.post({ type: "call", id, method, args });
      return await answered;
    } catch (thrown) {
      // The one promise may still be rejected when the other has told why.
      answered.catch(() => undefined);
      this.#waiting.delete(id);
      throw thrown instanceof KeyfoldError ? thrown : unclonable(thrown);
    } finally {
      signal?.removeEventListener("abort", abort);
    }
  }

  /** Says something that has no answer, to an engine that runs. */
  tell(message: ToEngine): void {
    this.#port?.then((port) => port.post(message)).catch(() => undefined);
  }

  /** Ends the engine. Calls under way fail with `Closed`. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#fail(closed());
    this.#port
      ?.then((port) => {
        port.post({ type: "close" });
        port.close();
      })
      .catch(() => undefined);
  }

  #open(): Promise<Port> {
    if (this.#port !== undefined) return this.#port;
    const died = (why: KeyfoldError): void => {
      if (this.#port !== port) return;
      this.#port = undefined;
      this.#fail(why);
      if (!this.#isClosed) this.#stopped();
    };
    const port: Promise<Port> = this.#start(this.#configure(), (message) => this.#take(message, died), died);
    this.#port = port;
    port.catch(() => {
      if (this.#port === port) this.#port = undefined;
    });
    return port;
  }

  #take(message: FromEngine, died: (why: KeyfoldError) => void): void {
    switch (message.type) {
      case "answer":
        this.#settle(message.id)?.resolve(message.value as never);
        return;
      case "failure":
        this.#settle(message.id)?.reject(KeyfoldError.fromRecord(message.error));
        return;
      case "progress":
        this.#waiting.get(message.id)?.onProgress?.(message.progress);
        return;
      case "wanted":
        void this.#feed(message.id);
        return;
      case "broken":
        this.#port?.then((port) => port.close()).catch(() => undefined);
        died(KeyfoldError.fromRecord(message.error));
        return;
      case "locked": {
        // Let go of it before anybody hears: who unlocks at once is answered by the next one.
        const port = this.#port;
        this.#port = undefined;
        port?.then((ended) => ended.close()).catch(() => undefined);
        this.#fail(KeyfoldError.fromRecord(message.error));
        message.told.forEach(this.#receive);
        if (!this.#isClosed) this.#stopped();
        return;
      }
      default:
        this.#receive(message);
    }
  }

  #settle(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    // Of a stream that has ended it does nothing.
    waiting?.reader?.cancel().catch(() => undefined);
    return waiting;
  }

  /** Hands on the next bytes of a call's stream. A stream that fails fails the call. */
  async #feed(id: number): Promise<void> {
    const { reader, reject } = this.#waiting.get(id) ?? {};
    if (reader === undefined) return;
    try {
      const { done, value } = await reader.read();
      if (!done && !(value instanceof Uint8Array)) throw new TypeError("it gives something else than bytes");
      // A view would bring all that it is a view of.
      this.tell({ type: "piece", id, bytes: done ? null : new Uint8Array(value) });
    } catch (cause) {
      reject?.(new KeyfoldError("Io", "the stream cannot be read", { cause }));
      this.#waiting.delete(id);
      this.tell({ type: "cancel", id });
    }
  }

  #fail(why: KeyfoldError): void {
    for (const id of [...this.#waiting.keys()]) this.#settle(id)?.reject(why);
  }
}

function closed(): KeyfoldError {
  return new KeyfoldError("Closed", "this client was closed", { hint: "Make another one." });
}

function unclonable(cause: unknown): KeyfoldError {
  const message = cause instanceof Error ? cause.message : String(cause);
  return new KeyfoldError("Internal", `the engine could not be asked: ${message}`, { cause });
}
