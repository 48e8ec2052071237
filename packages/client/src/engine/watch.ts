/**
 * Following events as they happen: the stream tells that something is new, a catch-up brings it. Connects again by
 * itself. One watch runs for each store: that of the leading tab.
 */
import { KeyfoldError } from "../error.js";
import type { SyncState } from "../types.js";
import type { Session, Stopped } from "../wasm/keyfold.js";
import { Batch } from "./batch.js";
import { FrameSocket } from "./socket.js";
import type { SocketLike } from "./surroundings.js";
import { noticeTrap, release } from "./traps.js";

/** What is gathered together though it is about no keychain. */
const OF_NO_KEYCHAIN = "";

const FIRST_RETRY_MS = 250;
const LAST_RETRY_MS = 30_000;
/**
 * A line that was silent for so long is tried. The server's pings keep it open and cannot be seen from here, so a
 * dead line and a quiet one look the same.
 */
const SILENCE_MS = 300_000;
/** A page that is shown and hidden in turns tries no more often. */
const PROBE_MS = 5_000;
/** Within this time from when it is needed, a client that follows makes the new key, or ends what is over. */
const REPAIR_MS = 2_000;
/** Timers do not count while a machine sleeps, and clocks are set: ends that lie far ahead are looked at again. */
const LONGEST_WAIT_MS = 600_000;

/** What a watch needs of its engine. */
export interface Watched {
  /** An operation of whoever is logged in. What it brought is told when it ends. */
  turn<T>(work: (session: Session) => Promise<T> | T): Promise<T>;
  openSocket(url: string): Promise<SocketLike>;
  /** Whether changes arrive by themselves now. */
  synced(state: SyncState): void;
  /** `looked` were looked at, or everything if it is `undefined`; `stopped` could not be taken in. */
  stopped(looked: readonly string[] | undefined, stopped: readonly Stopped[]): void;
  /** An index of a keychain has changed. */
  indexChanged(keychain: string, index: string): void;
  /** These keychains, or all if it is `undefined`, have new entries, of which not every one is an event. */
  looked(keychains: readonly string[] | undefined): void;
}

/** Follows until it is closed. */
export class Watch {
  readonly #engine: Watched;
  #closed = false;
  #socket: FrameSocket | undefined;
  #retry = FIRST_RETRY_MS;
  #probeAt = 0;
  #repairAt = Number.POSITIVE_INFINITY;
  #isWoken = false;
  #wake: () => void = () => undefined;

  constructor(engine: Watched) {
    this.#engine = engine;
    void this.#run();
  }

  /** Something changed: somebody logged in, the network is back, the page is shown. Tries at once. */
  wake(): void {
    this.#retry = FIRST_RETRY_MS;
    this.#probeAt = Math.min(
      this.#probeAt,
      Math.max(performance.now(), this.#probeAt - SILENCE_MS + PROBE_MS),
    );
    this.#isWoken = true;
    this.#wake();
  }

  /** Gives the connection up; a new one is made if somebody is logged in. */
  reconnect(): void {
    this.#socket?.fail("it was given up");
    this.wake();
  }

  close(): void {
    this.#closed = true;
    this.reconnect();
  }

  async #run(): Promise<void> {
    while (!this.#closed) {
      let wait: number | undefined = jittered(this.#retry);
      try {
        await this.#follow();
      } catch (thrown) {
        noticeTrap(thrown);
        wait = patience(thrown, this.#retry);
        // Nothing that ends a stream is the server's signed word. Its answer to this is.
        if (KeyfoldError.from(thrown).code === "UnknownDevice") {
          await this.#engine.turn((session) => session.catchUpAll()).catch(() => undefined);
        }
      } finally {
        this.#socket?.fail("it was given up");
        this.#socket = undefined;
      }
      if (this.#closed) return;
      this.#engine.synced("offline");
      await this.#pause(wait);
      this.#retry = Math.min(this.#retry * 2, LAST_RETRY_MS);
    }
  }

  /** Follows one connection to its end, which is an error. */
  async #follow(): Promise<void> {
    const engine = this.#engine;
    const subscription = await engine.turn((session) => session.subscription());
    try {
      const socket = await FrameSocket.connect(engine.openSocket(subscription.url));
      this.#socket = socket;
      const challenge = await socket.handshakeFrame();
      socket.send(new Uint8Array(await engine.turn((session) => subscription.answer(session, challenge))));
      const welcome = await socket.handshakeFrame();
      try {
        subscription.welcomed(welcome);
      } catch (refused) {
        if (KeyfoldError.from(refused).code !== "Unauthorized") throw refused;
        // The server may have its next key, and then the signature was for the one before.
        await engine.turn((session) => session.followServer());
        throw new KeyfoldError("ServerUnavailable", "the server ended the stream of events", {
          retryable: true,
        });
      }
      // The stream starts now, so what was before is fetched. What comes meanwhile waits in the socket.
      await this.#takeIn(undefined, (session) => session.catchUpAll());
      this.#retry = FIRST_RETRY_MS;
      engine.synced("online");
      const batch = new Batch();
      this.#probeAt = performance.now() + SILENCE_MS;
      while (!this.#closed) {
        for (let frame = socket.take(); frame !== undefined; frame = socket.take()) {
          const { keychainFingerprint: keychain, indexId } = subscription.event(frame);
          if (keychain !== null && indexId !== null) engine.indexChanged(keychain, indexId);
          else batch.push(keychain ?? OF_NO_KEYCHAIN, frame);
          this.#probeAt = performance.now() + SILENCE_MS;
        }
        const now = performance.now();
        const due = batch.due();
        if (due !== undefined && due <= now) {
          const events = batch.take(now);
          const frames = events.map(({ frame }) => frame);
          const looked = events.map(({ keychain }) => keychain).filter((kc) => kc !== OF_NO_KEYCHAIN);
          await this.#takeIn(looked, (session) => session.apply(frames));
        } else if (now >= this.#repairAt) {
          this.#repairAt = Number.POSITIVE_INFINITY;
          const repairIn = await engine.turn(async (session) => {
            await session.repair();
            return session.repairInMs();
          });
          // What could not be done is for somebody else, or for later.
          this.#planRepair(repairIn === 0 ? LONGEST_WAIT_MS : repairIn);
        } else if (now >= this.#probeAt) {
          await this.#probe();
        } else {
          const next = Math.min(due ?? Number.POSITIVE_INFINITY, this.#probeAt, this.#repairAt);
          await this.#pause(next - now, socket.arrival());
        }
      }
    } finally {
      release(subscription);
    }
  }

  /** Whether the line still brings what happens: if asking finds news that it did not tell, it is dead. */
  async #probe(): Promise<void> {
    let isNew = false;
    await this.#takeIn(undefined, async (session) => {
      const before = await nextEvent(session);
      const stopped = await session.catchUpAll();
      isNew = (await nextEvent(session)) > before;
      return stopped;
    });
    if (isNew)
      throw new KeyfoldError("ServerUnavailable", "the stream of events fell silent", { retryable: true });
    this.#probeAt = performance.now() + SILENCE_MS;
  }

  /** Takes in what is new, and plans to make the keys that somebody's leaving asks for, and to end what ends. */
  async #takeIn(
    looked: readonly string[] | undefined,
    work: (session: Session) => Promise<Stopped[]>,
  ): Promise<void> {
    const { stopped, repairIn } = await this.#engine.turn(async (session) => {
      const stopped = await work(session);
      return { stopped, repairIn: session.repairInMs() };
    });
    this.#engine.stopped(looked, stopped);
    this.#engine.looked(looked);
    this.#planRepair(repairIn);
  }

  /** The first to come does it for all, so they come at different times. */
  #planRepair(milliseconds: number | undefined): void {
    if (milliseconds === undefined) return;
    const due = performance.now() + Math.min(milliseconds, LONGEST_WAIT_MS);
    if (this.#repairAt > due + REPAIR_MS) this.#repairAt = due + Math.random() * REPAIR_MS;
  }

  /** Until `milliseconds` are over (never, if not given), something arrives, or it is woken. */
  async #pause(milliseconds: number | undefined, arrival?: Promise<void>): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const woken = new Promise<void>((resolve) => {
      // It may have been woken just before it was to sleep.
      if (this.#isWoken) resolve();
      this.#wake = resolve;
      if (milliseconds !== undefined) timer = setTimeout(resolve, milliseconds);
    });
    await (arrival === undefined ? woken : Promise.race([woken, arrival]));
    clearTimeout(timer);
    this.#isWoken = false;
    this.#wake = () => undefined;
  }
}

/** The number of the event that comes next. */
export async function nextEvent(session: Session): Promise<number> {
  return (await session.journal(Number.MAX_SAFE_INTEGER)).next;
}

/** What time does not mend, but somebody who acts: then he wakes us. */
const HOPELESS = new Set([
  "Locked",
  "LoggedOut",
  "NoHome",
  "UnknownDevice",
  "WrongServer",
  "WrongServerKey",
  "ClientTooOld",
  "StorageLost",
  "StorageTooNew",
]);

/** How long to wait after a failure, milliseconds; `undefined`: until woken. A server that lied may stop lying. */
function patience(thrown: unknown, retry: number): number | undefined {
  if (typeof thrown !== "object" || thrown === null) return undefined;
  if ("code" in thrown && typeof thrown.code === "string" && HOPELESS.has(thrown.code)) return undefined;
  const isPassing =
    ("retryable" in thrown && thrown.retryable === true) || ("class" in thrown && thrown.class === "network");
  return jittered(isPassing ? retry : LAST_RETRY_MS);
}

/** Many clients of one server that stopped must not come back at the same moment. */
function jittered(milliseconds: number): number {
  return milliseconds * (0.5 + Math.random());
}
