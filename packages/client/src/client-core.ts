/**
 * What a client is apart from its calls: a state to look at, events to listen to, and a line to an engine that is
 * started when it is needed. It holds no secret.
 */
import { Acceptance } from "./acceptance.js";
import * as check from "./arguments.js";
import type { EngineConfig, FromEngine, StorageChoice } from "./engine/messages.js";
import type { Passkeys } from "./lock.js";
import { type CallOptions, Link, type StartEngine } from "./link.js";
import { Listeners } from "./listeners.js";
import type { Page } from "./gate.js";
import type * as api from "./types.js";

/** How long to wait before an engine that died is replaced for those who listen. */
const RESTART_MS = 1_000;

/** What differs between a browser's page and Node. */
export interface Platform {
  /** Starts an engine for this configuration. */
  start(config: api.ClientConfig): StartEngine;
  /** Where records go when nothing is said. */
  storage(named: api.Storage | undefined): StorageChoice;
  /** Remembers whose devices are in a database, outside of it. */
  readonly marker?: {
    read(database: string): readonly string[];
    write(database: string, userIds: readonly string[]): void;
  };
  /** Calls back when the page is shown again or the network is back. Returns what ends that. */
  onWake?(wake: () => void): () => void;
  /** Asks the browser not to throw the records away; settled when it decided. */
  persist?(): Promise<void>;
  /** Calls back when somebody does something at the page. Returns what ends that. */
  onActivity?(active: () => void): () => void;
  /** Passkeys, where there are any. */
  readonly passkeys?: Passkeys;
}

/** The events, for callers without TypeScript. The type sees to it that none is missing. */
const EVENTS: Record<keyof api.ClientEvents, true> = {
  identityUpdated: true,
  lockChanged: true,
  keychainUpdated: true,
  groupUpdated: true,
  keyReceived: true,
  keyRotated: true,
  shareReceived: true,
  permissionsUpdated: true,
  participantsUpdated: true,
  memberBanned: true,
  identityChanged: true,
  keychainStopped: true,
  deviceRequested: true,
  deviceRevoked: true,
  devicesUpdated: true,
  recoveryUsed: true,
  indexChanged: true,
  syncStateChanged: true,
};

/** Before anything was read, and while rendering on a server. */
const UNREAD: api.ClientState = Object.freeze({
  status: "loading",
  identity: null,
  deviceId: null,
  keychains: Object.freeze([]),
  incomingShares: Object.freeze([]),
  sync: "offline",
  leader: false,
  lock: null,
  storage: "temporary",
});

/** A client without its calls. */
export class ClientCore {
  readonly #platform: Platform;
  readonly #storage: StorageChoice;
  readonly #listeners = new Listeners();
  readonly #link: Link;
  readonly #acceptance: Acceptance | undefined;
  readonly #follows: boolean;
  #state = UNREAD;
  #isClosed = false;
  #isStarted = false;
  #stopWaking: () => void = () => undefined;

  protected constructor(config: api.ClientConfig, platform: Platform) {
    const { serverURL, serverSignaturePublicKey: keys, handleNotifications, acceptShares = "auto" } = config;
    check.address(serverURL, "serverURL");
    const serverKeys = (Array.isArray(keys) ? keys : [keys]).map((key) =>
      check.text(key, "serverSignaturePublicKey"),
    );
    check.acceptance(acceptShares, "acceptShares");
    this.#follows = handleNotifications ?? true;
    if (typeof acceptShares === "function") {
      this.#acceptance = new Acceptance(acceptShares, (kc) => this.call("acceptShare", { kc }));
    }
    this.#platform = platform;
    this.#storage = platform.storage(config.storage);
    const configure = (): EngineConfig => ({
      serverURL,
      serverKeys,
      storage: this.#storage,
      follow: this.#follows,
      acceptShares: typeof acceptShares === "function" ? "ask" : acceptShares,
      // Read now: it may take work to make.
      wasm: config.wasm instanceof URL ? config.wasm.href : config.wasm,
      recoveryWasm: config.recoveryWasm instanceof URL ? config.recoveryWasm.href : config.recoveryWasm,
      knownUsers: this.knownUsers(),
    });
    this.#link = new Link(
      platform.start(config),
      configure,
      (message) => this.#receive(message),
      () => this.#restart(),
    );
  }

  /** What can be shown. The same object until something changes. */
  get state(): api.ClientState {
    return this.#state;
  }

  /** The state while rendering on a server: always the same object. */
  get serverState(): api.ClientState {
    return UNREAD;
  }

  /** Calls back at each such event. Returns what ends that. A name that is none throws `Malformed`. */
  on<E extends keyof api.ClientEvents>(
    event: E,
    callback: (payload: api.ClientEvents[E]) => void,
  ): () => void {
    if (!(event in EVENTS)) throw check.malformed("event", Object.keys(EVENTS).join(", "), event);
    check.callable(callback, "callback");
    const off = this.#listeners.on(event, callback);
    this.#wakeUp();
    return off;
  }

  /** Calls back whenever `state` is another object. Returns what ends that. */
  subscribe(callback: () => void): () => void {
    check.callable(callback, "callback");
    const off = this.#listeners.observe(callback);
    this.#wakeUp();
    return off;
  }

  /** Ends the connection and drops everything from memory. What is stored stays. The client cannot be used again. */
  close(): void {
    this.#isClosed = true;
    this.#stopWaking();
    this.#listeners.clear();
    this.#link.close();
  }

  /** What the parts of a client need of the page. */
  protected readonly page: Page = {
    knownUsers: () => this.knownUsers(),
    persist: () => this.persist(),
  };

  /** Passkeys, where there are any. */
  protected get passkeys(): Passkeys | undefined {
    return this.#platform.passkeys;
  }

  /** Asks the engine. */
  protected readonly call: Link["call"] = (method, args, options: CallOptions = {}) => {
    this.#begin();
    // Where nobody is seen at a page, who calls is there.
    if (this.#platform.onActivity === undefined) this.#link.tell({ type: "active" });
    return this.#link.call(method, args, options);
  };

  /** For those who listen and do not call. */
  #wakeUp(): void {
    if (this.#isStarted || this.#isClosed) return;
    // If it fails, so does the next call, which has somebody to tell.
    this.call("start", {}).catch(() => undefined);
  }

  #begin(): void {
    if (this.#isStarted || this.#isClosed) return;
    this.#isStarted = true;
    const ends = [
      this.#platform.onWake?.(() => this.#link.tell({ type: "wake" })),
      this.#platform.onActivity?.(() => this.#link.tell({ type: "active" })),
    ];
    this.#stopWaking = () => ends.forEach((end) => end?.());
  }

  #receive(message: FromEngine): void {
    if (this.#isClosed) return;
    if (message.type === "device") this.#mark(message.userId, message.here);
    if (message.type !== "told") return;
    if (message.state !== null) {
      this.#state = message.state;
      this.#listeners.tellObservers();
    }
    for (const { name, payload } of message.events) this.#listeners.tell(name, payload);
    // One tab asks for all; where none holds the connection, the one that brought the share does.
    if (message.state?.leader === true || (message.state !== null && !this.#follows)) {
      this.#acceptance?.consider(message.state.incomingShares);
    }
  }

  /** The engine died. Those who listen need another. */
  #restart(): void {
    if (this.#state.sync === "online") {
      this.#state = { ...this.#state, sync: "offline", leader: false };
      this.#listeners.tellObservers();
      this.#listeners.tell("syncStateChanged", { state: "offline" });
    }
    if (this.#listeners.isEmpty) return;
    setTimeout(() => {
      if (!this.#isClosed) this.call("start", {}).catch(() => undefined);
    }, RESTART_MS);
  }

  /** Whose devices were here when somebody last looked. */
  protected knownUsers(): readonly string[] {
    return this.#storage.kind === "database" ? (this.#platform.marker?.read(this.#storage.name) ?? []) : [];
  }

  /** Asks the browser not to throw the records away. It may ask the person, so only when there is a reason. */
  protected persist(): void {
    if (this.#storage.kind !== "database") return;
    void this.#platform.persist?.().then(() => this.#link.tell({ type: "persisted" }));
  }

  #mark(userId: string, here: boolean): void {
    if (this.#storage.kind !== "database") return;
    const others = this.knownUsers().filter((known) => known !== userId);
    this.#platform.marker?.write(this.#storage.name, here ? [...others, userId] : others);
  }
}
