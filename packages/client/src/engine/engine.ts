/**
 * The engine: everything that a client does, behind messages. It runs in a worker, in a page or in Node, and several
 * of them may work on one store at once: each operation takes a turn, takes in what others committed, and tells what
 * came of it.
 */
import { KeyfoldError, cancelled } from "../error.js";
import type { SyncState } from "../types.js";
import type { Session } from "../wasm/keyfold.js";
import { Bulletin } from "./bulletin.js";
import { Device } from "./device.js";
import { advised } from "./hints.js";
import { type Home, type Register, currentHome, loadRegister } from "./homes.js";
import type { Calls, EngineConfig, FromEngine, ToEngine } from "./messages.js";
import { type Wasm, startModule } from "./module.js";
import { nobody, stateOf, toldFrom } from "./news.js";
import { type Call, operations } from "./operations.js";
import type { Store } from "./store/store.js";
import type { Surroundings } from "./surroundings.js";
import { type Tabs, alone, joinTabs } from "./tabs.js";
import { noticeTrap, onTrap } from "./traps.js";
import { type TakeTurn, lockTurns, queueTurns } from "./turns.js";
import { Watch, nextEvent } from "./watch.js";

/** A page that is shown and hidden in turns asks no more often. */
const WAKE_MS = 5_000;

/** What an operation works with. */
export interface Turn {
  readonly store: Store;
  readonly wasm: Wasm;
  readonly register: Register;
  /** The device in use, logged in or not. */
  readonly device: Device | undefined;
  /** Uses the device of a home from now on, or none. The register is for the caller to write. */
  use(home: Home | undefined): Promise<Device | undefined>;
}

interface Parts {
  readonly store: Store;
  readonly wasm: Wasm;
}

/** The engine of one client. */
export class Engine {
  readonly config: EngineConfig;
  readonly #surroundings: Surroundings;
  readonly #post: (message: FromEngine) => void;
  readonly #take: TakeTurn;
  readonly #calls = new Map<number, AbortController>();
  readonly #known: Set<string>;
  readonly #bulletin: Bulletin;
  #parts: Promise<Parts> | undefined;
  #tabs: Tabs | undefined;
  #watch: Watch | undefined;
  #device: Device | undefined;
  /** Ends the exchanges of the operation under way. */
  #signal: AbortSignal | undefined;
  #isCatchingUp = false;
  /** Whether another tab may have changed what this one's state shows. */
  #isStale = false;
  /** When this tab may ask the server itself again. */
  #mayAskAt = 0;
  #isClosed = false;
  #isBroken = false;
  /** Ends the turn under way, whatever it waits for. */
  #giveUp: (why: KeyfoldError) => void = () => undefined;
  readonly #forgetTraps: () => void;

  constructor(config: EngineConfig, surroundings: Surroundings, post: (message: FromEngine) => void) {
    this.config = config;
    this.#surroundings = surroundings;
    this.#post = post;
    this.#known = new Set(config.knownUsers);
    this.#take =
      config.storage.kind === "database" ? lockTurns(`keyfold:${config.storage.name}:turn`) : queueTurns();
    this.#bulletin = new Bulletin(post);
    this.#forgetTraps = onTrap((cause) => void this.#break(cause));
  }

  /** Takes a message; answers come through `post`. */
  handle(message: ToEngine): void {
    switch (message.type) {
      case "call":
        void this.#answer(message.id, message.method, message.args);
        return;
      case "cancel":
        this.#calls.get(message.id)?.abort();
        return;
      case "wake":
        this.#wake();
        return;
      case "close":
        void this.close();
        return;
      case "open":
        return;
    }
  }

  /** Ends the connection, lets go of the store and drops all secrets, once the operation under way is over. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    const parts = await this.#leave();
    if (parts === undefined) return;
    await this.#take(async () => this.#device?.free());
    await parts.store.close();
  }

  /** Users who had a device here: if there is none, storage was lost. */
  isKnown(userId: string): boolean {
    return this.#known.has(userId);
  }

  /** Learns of users who had a device here. */
  remember(userIds: readonly string[]): void {
    for (const userId of userIds) this.#known.add(userId);
  }

  /** The module alone, for what needs no device. */
  async module(): Promise<Wasm> {
    return (await this.#open()).wasm;
  }

  /** Remembers whose device is here, or that it was removed on purpose. */
  deviceIs(userId: string, here: boolean): void {
    if (here) this.#known.add(userId);
    else this.#known.delete(userId);
    this.#post({ type: "device", userId, here });
  }

  /** Whoever shows people, in any tab, shows them anew. */
  participantsChanged(keychains?: readonly string[]): void {
    this.#bulletin.looked(keychains);
    this.#tabs?.looked(keychains);
  }

  /** An operation: waits for its turn, takes in what others did, and tells what came of it. */
  async turn<T>(work: (turn: Turn) => Promise<T> | T, signal?: AbortSignal): Promise<T> {
    if (this.#isClosed) throw closed();
    // What takes long is not done in a turn.
    await this.#open();
    const taken = async (): Promise<T> => {
      if (this.#isClosed) throw closed();
      // Whoever had his turn before may have found the store lost, and let go of it.
      const { store, wasm } = await this.#open();
      const register = await this.#noticing(() => this.#refresh(store));
      const before = this.#device && (await nextEvent(this.#device.session));
      this.#signal = signal;
      // Of an earlier operation, which the module got over.
      this.#device?.host.takeFault();
      let isDone = false;
      try {
        const use = (home: Home | undefined): Promise<Device | undefined> => this.#use(store, home);
        const answer = await this.#noticing(async () =>
          work({ store, wasm, register, device: this.#device, use }),
        );
        isDone = true;
        return answer;
      } finally {
        this.#signal = undefined;
        await this.#tellNews(before ?? 0, isDone);
        this.#device?.host.wipe();
      }
    };
    return this.#take(() => this.#untilBroken(taken), signal);
  }

  /** An operation of whoever is logged in. `LoggedOut`, `NoHome`, `StorageLost`, `WrongServer`, `WrongServerKey` */
  sessionTurn<T>(work: (session: Session, turn: Turn) => Promise<T> | T, signal?: AbortSignal): Promise<T> {
    return this.turn(async (turn) => {
      const who = turn.device?.who();
      if (turn.device === undefined || who === undefined) throw this.noDevice(undefined, turn.register);
      if (!who.loggedIn) throw new KeyfoldError("LoggedOut", `${who.userId} is logged out`);
      this.checkServer(who);
      return work(turn.device.session, turn);
    }, signal);
  }

  /** Refuses a server that is not the one of the account. */
  checkServer(who: { readonly serverUrl: string; readonly serverKey: string }): void {
    const { serverURL, serverKeys } = this.config;
    if (new URL(serverURL).origin !== new URL(who.serverUrl).origin) {
      throw new KeyfoldError("WrongServer", `this device belongs to ${who.serverUrl}, not to ${serverURL}`);
    }
    if (!serverKeys.includes(who.serverKey)) {
      throw new KeyfoldError(
        "WrongServerKey",
        "the key that was pinned at sign-up is none of those that you name",
      );
    }
  }

  /** Why there is no device: there was none, or it was lost. */
  noDevice(userId: string | undefined, { homes }: Register): KeyfoldError {
    const missing = [...this.#known].filter((known) => !homes.some((home) => home.userId === known));
    const lost = userId === undefined ? missing : missing.filter((known) => known === userId);
    if (lost.length === 0) {
      const message =
        userId === undefined ? "nobody's device is in use here" : `${userId} has no device here`;
      return new KeyfoldError("NoHome", message);
    }
    return new KeyfoldError(
      "StorageLost",
      `the device of ${lost.join(", ")} was here, and its records are gone`,
      {
        hint: "Add this one as a new device from another one. If there is none: signup(userId, { replaceLost: true }).",
      },
    );
  }

  async #answer(id: number, method: keyof Calls, args: unknown): Promise<void> {
    const cancelling = new AbortController();
    this.#calls.set(id, cancelling);
    const call: Call = {
      signal: cancelling.signal,
      onProgress: (progress) => this.#post({ type: "progress", id, progress }),
    };
    try {
      const operation = operations[method] as (engine: Engine, args: unknown, call: Call) => Promise<unknown>;
      const value = await operation(this, args, call);
      this.#post({ type: "answer", id, value });
    } catch (thrown) {
      noticeTrap(thrown);
      // Whoever broke tells all who wait, once everything is let go of.
      if (this.#isBroken) return;
      const error = cancelling.signal.aborted ? cancelled(undefined) : advised(thrown);
      this.#post({ type: "failure", id, error: error.toRecord() });
    } finally {
      this.#calls.delete(id);
    }
  }

  /** Nobody is served from now on. What is left to let go of. */
  #leave(): Promise<Parts | undefined> | undefined {
    this.#isClosed = true;
    this.#forgetTraps();
    for (const call of this.#calls.values()) call.abort();
    this.#watch?.close();
    this.#tabs?.close();
    return this.#parts?.catch(() => undefined);
  }

  /** A turn's work, or why it will never end: a future of an instance that trapped stays as it is. */
  #untilBroken<T>(work: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#giveUp = reject;
      work().then(resolve, reject);
    });
  }

  /** The module trapped, and with it everything that this engine has in memory. The next call gets another engine. */
  async #break(cause: WebAssembly.RuntimeError): Promise<void> {
    if (this.#isClosed) return;
    this.#isBroken = true;
    const error = broken(cause);
    this.#giveUp(error);
    this.#device?.host.wipe();
    const parts = await this.#leave();
    await parts?.store.close().catch(() => undefined);
    this.#post({ type: "broken", error: error.toRecord() });
  }

  #open(): Promise<Parts> {
    this.#parts ??= this.#openParts().catch((thrown: unknown) => {
      this.#parts = undefined;
      throw thrown;
    });
    return this.#parts;
  }

  async #openParts(): Promise<Parts> {
    if (globalThis.crypto?.subtle === undefined) {
      throw new KeyfoldError("NotSecure", "this page has no WebCrypto", {
        hint: "Serve it by https, or from localhost.",
      });
    }
    const { storage, wasm: source } = this.config;
    const wasm = await startModule(source, () => this.#surroundings.loadWasm());
    const lost = (why: KeyfoldError): void => {
      const lose = async (): Promise<void> => {
        // An operation that failed may have noticed first, and the store that is open now is another one.
        if ((await this.#parts)?.store === store) await this.#loseStore(why);
      };
      this.#take(lose).catch(() => undefined);
    };
    const store = await this.#surroundings.openStore(storage, lost);
    this.#join();
    return { store, wasm };
  }

  #join(): void {
    if (this.#tabs !== undefined || this.#isClosed) return;
    const { storage, follow } = this.config;
    const hooks = {
      changed: () => this.#catchUp(),
      synced: (state: SyncState) => this.#bulletin.synced(state),
      asked: () => this.#watch && this.#tabs?.synced(this.#bulletin.state.sync),
      looked: (keychains: readonly string[] | undefined) => this.#bulletin.looked(keychains),
      lead: () => this.#lead(),
    };
    this.#tabs = storage.kind === "database" ? joinTabs(storage.name, follow, hooks) : alone(follow, hooks);
  }

  #lead(): void {
    if (this.#isClosed) return;
    this.#bulletin.lead();
    this.#watch = new Watch({
      turn: (work) => this.sessionTurn(work),
      openSocket: (url) => this.#surroundings.openSocket(url),
      synced: (state) => {
        this.#bulletin.synced(state);
        this.#tabs?.synced(state);
      },
      stopped: (looked, stopped) => this.#bulletin.stopped(looked, stopped),
      looked: (keychains) => this.participantsChanged(keychains),
    });
  }

  /** The page was shown again. Whoever leads may be asleep, so this tab asks the server itself. */
  #wake(): void {
    if (this.#watch !== undefined) this.#watch.wake();
    else if (
      this.config.follow &&
      this.#bulletin.state.status === "in" &&
      performance.now() > this.#mayAskAt
    ) {
      this.#mayAskAt = performance.now() + WAKE_MS;
      this.sessionTurn((session) => session.catchUpAll()).catch(() => undefined);
    } else this.#catchUp();
  }

  /** Takes in what another tab committed. */
  #catchUp(): void {
    if (this.#isCatchingUp || this.#isClosed || this.#parts === undefined) return;
    this.#isCatchingUp = true;
    this.#isStale = true;
    // Whatever is wrong, the next call says so.
    this.turn(() => {
      this.#isCatchingUp = false;
    }).catch(() => {
      this.#isCatchingUp = false;
    });
  }

  async #refresh(store: Store): Promise<Register> {
    const register = await loadRegister(store);
    const home = currentHome(register);
    if (home?.id !== this.#device?.home.id) await this.#use(store, home);
    else await this.#device?.session.refresh();
    return register;
  }

  async #use(store: Store, home: Home | undefined): Promise<Device | undefined> {
    this.#device?.free();
    this.#device = undefined;
    if (home !== undefined) {
      this.#device = await Device.open(store, home, this.config.acceptShares, () => this.#signal);
    }
    return this.#device;
  }

  /** Runs a step; knows better than the module why the store failed, and what follows from that. */
  async #noticing<T>(step: () => Promise<T>): Promise<T> {
    try {
      return await step();
    } catch (thrown) {
      if (noticeTrap(thrown)) throw broken(thrown);
      const error = this.#device?.host.takeFault() ?? KeyfoldError.from(thrown);
      if (error.code === "LoggedOut" && this.#device !== undefined) this.#device.isEnded = true;
      if (error.code === "StorageLost" || error.code === "StorageTooNew") await this.#loseStore(error);
      throw error;
    }
  }

  /** Nothing in memory is worth more than the records. The next call opens the store again. */
  async #loseStore(why: KeyfoldError): Promise<void> {
    const parts = await this.#parts?.catch(() => undefined);
    this.#parts = undefined;
    this.#device?.free();
    this.#device = undefined;
    await parts?.store.close();
    // Of a newer release's records nothing is known; gone records have no owner.
    if (why.code === "StorageLost") this.#bulletin.publish(nobody(this.#bulletin.standing), []);
  }

  /** Tells what this turn brought: to the page, and, if this tab brought it about, to the others. */
  async #tellNews(before: number, isDone: boolean): Promise<void> {
    if (this.#isClosed || this.#parts === undefined) return;
    // The operation's own outcome counts; if this fails, the next turn tells.
    await this.#noticing(async () => {
      const device = this.#device;
      // What an operation that failed left in memory is not what is true.
      if (!isDone) await device?.session.refresh();
      const who = device?.who();
      const journal = device && (await device.session.journal(device.position));
      const next = journal?.next ?? 0;
      const isNew = device !== undefined && next > device.position;
      // Not all that changes is an event: a keychain whose founding was not answered is found without one.
      const isWritten = device !== undefined && device.host.commits !== device.commits;
      const told = this.#bulletin.state;
      const isOther = (who?.loggedIn === true ? who.accountId : undefined) !== told.identity?.accountId;
      let isShown = false;
      if (isNew || isOther || isWritten || this.#isStale || told.status === "loading") {
        this.#isStale = false;
        const { standing } = this.#bulletin;
        const state = device && who ? await stateOf(device.session, who, standing) : nobody(standing);
        isShown = this.#bulletin.publish(state, toldFrom(journal?.events ?? [], state));
      }
      if (isOther) this.#watch?.reconnect();
      if (isOther || (isWritten && isShown) || next > before) this.#tabs?.changed();
      if (device !== undefined) {
        device.position = next;
        if (device.session.untold() < next) await device.session.tellUntil(next);
        device.commits = device.host.commits;
      }
    }).catch(() => undefined);
  }
}

function closed(): KeyfoldError {
  return new KeyfoldError("Closed", "this client was closed", { hint: "Make another one." });
}

function broken(cause: unknown): KeyfoldError {
  return new KeyfoldError("WorkerStopped", "the cryptographic module stopped; nothing is half-done", {
    hint: "Call again: a new one is started.",
    retryable: true,
    cause,
  });
}
