/**
 * The engine: everything that a client does, behind messages. It runs in a worker, in a page or in Node, and several
 * of them may work on one store at once: each operation takes a turn, takes in what others committed, and tells what
 * came of it.
 */
import { KeyfoldError, cancelled } from "../error.js";
import type { SyncState } from "../types.js";
import type { Session, WhoAmI } from "../wasm/keyfold.js";
import { Bulletin } from "./bulletin.js";
import { Device } from "./device.js";
import { advised } from "./hints.js";
import { type Home, type Register, currentHome, loadRegister, nextPeriod } from "./homes.js";
import { Idle } from "./idle.js";
import { type LockRecord, loadLock, locked, shownLock, unlocked } from "./lock.js";
import { LockKeys } from "./lock-keys.js";
import type { Announcement, Calls, EngineConfig, FromEngine, ToEngine } from "./messages.js";
import { type Wasm, renewModule, startModule } from "./module.js";
import { nobody, stateOf, toldFrom } from "./news.js";
import { type Call, operations } from "./operations.js";
import { Pieces } from "./pieces.js";
import { Readers } from "./readers.js";
import type { Recovery } from "./recovery.js";
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
  /** The home in use. */
  readonly home: Home | undefined;
  /** Its device, logged in or not; `undefined` while it is locked. */
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
  /** How many engines of this thread may work with the module. */
  static #alive = 0;

  readonly config: EngineConfig;
  /** Contents that are read in pieces, by the device in use. */
  readonly readers = new Readers();
  readonly #surroundings: Surroundings;
  readonly #post: (message: FromEngine) => void;
  readonly #take: TakeTurn;
  readonly #calls = new Map<number, AbortController>();
  readonly #pieces: Pieces;
  readonly #known: Set<string>;
  readonly #bulletin: Bulletin;
  #parts: Promise<Parts> | undefined;
  #tabs: Tabs | undefined;
  #watch: Watch | undefined;
  #home: Home | undefined;
  #device: Device | undefined;
  readonly #keys: LockKeys;
  readonly #idle: Idle;
  /** Ends what waits for a server, where the device is to be locked. */
  #hurrying = new AbortController();
  /** Ends the exchanges of the operation under way. */
  #signal: AbortSignal | undefined;
  #isCatchingUp = false;
  /** Whether another tab may have changed what this one's state shows. */
  #isStale = false;
  /** When this tab may ask the server itself again. */
  #mayAskAt = 0;
  #isClosed = false;
  /** Whether all who wait are told why at once, and not each by what became of his call. */
  #isEnded = false;
  /** Whether the device was locked while it was in memory here. */
  #mustEnd = false;
  /** What is told together with this engine's end, so that whoever hears of it is answered by the next one. */
  readonly #lastWords: Announcement[] = [];
  /** Ends the turn under way, whatever it waits for. */
  #giveUp: (why: KeyfoldError) => void = () => undefined;
  readonly #forgetTraps: () => void;

  constructor(config: EngineConfig, surroundings: Surroundings, post: (message: FromEngine) => void) {
    this.config = config;
    this.#surroundings = surroundings;
    this.#post = post;
    this.#known = new Set(config.knownUsers);
    this.#pieces = new Pieces((id) => post({ type: "wanted", id }));
    this.#take =
      config.storage.kind === "database" ? lockTurns(`keyfold:${config.storage.name}:turn`) : queueTurns();
    this.#bulletin = new Bulletin((told) => {
      if (this.#mustEnd) this.#lastWords.push(told);
      else post(told);
    });
    this.#keys = new LockKeys(config.storage.kind === "database" ? config.storage.name : undefined);
    this.#idle = new Idle(
      () => this.#lockIdle(),
      () => this.#tabs?.active(),
    );
    Engine.#alive += 1;
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
      case "piece":
        this.#pieces.take(message.id, message.bytes);
        return;
      case "wake":
        this.#wake();
        return;
      case "active":
        this.#idle.touch(true);
        return;
      case "persisted":
        void this.#measure();
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

  /** Works with the second module, which is fetched at the first use. */
  async recovery<T>(work: (recovery: Recovery) => T): Promise<T> {
    const { withRecovery } = await import("./recovery.js");
    return withRecovery(this.config.recoveryWasm, () => this.#surroundings.loadRecovery(), work);
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

  /** Whoever shows one's own devices and ways back, in any tab, shows them anew. */
  devicesChanged(): void {
    const own = this.#bulletin.state.identity?.accountId;
    if (own !== undefined) this.participantsChanged([own]);
  }

  /** The store as whoever unlocked this home sees it. */
  opened(store: Store, home: Home): Store {
    return unlocked(store, home, home.period === undefined ? undefined : this.#keys.get(home.period));
  }

  /** The device is to be locked: what waits for a server, in any tab, does not wait any longer. */
  hurry(): void {
    if (this.#home?.period === undefined || this.#device === undefined) return;
    this.#hurryUp();
    this.#tabs?.hurry();
  }

  /** A try to unlock was counted. */
  tried(home: Home, record: LockRecord): void {
    this.#bulletin.lockIs(shownLock(home, record));
    this.#isStale = true;
  }

  /** From now on whoever unlocked this home before has to do it again. The home as it is then. */
  async lockOut(store: Store, register: Register, home: Home): Promise<Home> {
    // Even if there is no room to write that down.
    this.#keys.clear();
    this.#tabs?.hurry();
    const next = nextPeriod(register, home, true);
    try {
      await store.commit([next.put]);
      return next.home;
    } catch {
      return home;
    }
  }

  /** The lock of the home in use is another one, or none, or open with this key, or closed: in all tabs. */
  async lockIs({ use }: Turn, home: Home, key: CryptoKey | undefined): Promise<void> {
    if (key !== undefined && home.period !== undefined) {
      this.#keys.put(home.period, key);
      this.#tabs?.unlocked(home.period, key);
    } else if (home.period === undefined) this.#keys.clear();
    await use(home);
    this.#isStale = true;
    // They come when this turn is over.
    this.#tabs?.changed();
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
      this.#signal = signal ?? this.#hurrying.signal;
      // Of an earlier operation, which the module got over.
      this.#device?.host.takeFault();
      let isDone = false;
      try {
        const use = (home: Home | undefined): Promise<Device | undefined> => this.#use(store, home);
        const answer = await this.#noticing(async () =>
          work({ store, wasm, register, home: this.#home, device: this.#device, use }),
        );
        isDone = true;
        return answer;
      } finally {
        this.#signal = undefined;
        await this.#tellNews(before ?? 0, isDone);
        this.#device?.host.wipe();
        if (this.#mustEnd) void this.#endLocked();
      }
    };
    return this.#take(() => this.#untilBroken(taken), signal);
  }

  /** An operation of whoever is logged in. `LoggedOut`, `NoHome`, `StorageLost`, `WrongServer`, `WrongServerKey` */
  sessionTurn<T>(work: (session: Session, turn: Turn) => Promise<T> | T, signal?: AbortSignal): Promise<T> {
    return this.turn(async (turn) => {
      refuseIfLocked(turn);
      const who = turn.device?.who();
      if (turn.device === undefined || who === undefined) throw this.noDevice(undefined, turn.register);
      if (!who.loggedIn) throw new KeyfoldError("LoggedOut", `${who.userId} is logged out`);
      await this.checkServer(turn.device, who);
      return work(turn.device.session, turn);
    }, signal);
  }

  /** Refuses a server that is not the one of the account. One that has its next key is followed to it. */
  async checkServer(device: Device, who: WhoAmI): Promise<void> {
    const { serverKeys } = this.config;
    this.checkAddress(who.serverUrl);
    const isNamed = ({ serverKey, formerServerKeys }: WhoAmI): boolean =>
      [serverKey, ...formerServerKeys].some((key) => serverKeys.includes(key));
    if (!isNamed(who) && !((await device.session.followServer()) && isNamed(device.session.whoAmI()))) {
      throw new KeyfoldError(
        "WrongServerKey",
        "the key that was pinned at sign-up is none of those that you name",
      );
    }
  }

  /** Refuses the address of another server. */
  checkAddress(serverUrl: string): void {
    const { serverURL } = this.config;
    if (new URL(serverURL).origin === new URL(serverUrl).origin) return;
    throw new KeyfoldError("WrongServer", `this device belongs to ${serverUrl}, not to ${serverURL}`);
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
    // Locking ends the others; nothing ends it.
    if (method !== "lock") this.#calls.set(id, cancelling);
    const call: Call = {
      signal: cancelling.signal,
      onProgress: (progress) => this.#post({ type: "progress", id, progress }),
      stream: () => this.#pieces.stream(id, cancelling.signal),
    };
    try {
      const operation = operations[method] as (engine: Engine, args: unknown, call: Call) => Promise<unknown>;
      const value = await operation(this, args, call);
      // Locking is done when this engine has ended.
      if (method !== "lock" || !this.#mustEnd) this.#post({ type: "answer", id, value });
    } catch (thrown) {
      noticeTrap(thrown);
      // Whoever broke tells all who wait, once everything is let go of.
      if (this.#isEnded) return;
      const { aborted, reason } = cancelling.signal;
      const ended = reason instanceof KeyfoldError ? reason : cancelled(undefined);
      const error = aborted ? ended : advised(thrown);
      this.#post({ type: "failure", id, error: error.toRecord() });
    } finally {
      this.#calls.delete(id);
    }
  }

  /** Nobody is served from now on. What is left to let go of. */
  #leave(): Promise<Parts | undefined> | undefined {
    this.#isClosed = true;
    Engine.#alive -= 1;
    this.#forgetTraps();
    this.#idle.close();
    this.#keys.clear();
    this.readers.closeAll();
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
    this.#isEnded = true;
    const error = broken(cause);
    this.#giveUp(error);
    this.#device?.host.wipe();
    const parts = await this.#leave();
    await parts?.store.close().catch(() => undefined);
    this.#post({ type: "broken", error: error.toRecord() });
  }

  /** The device was locked: whatever is in memory goes with this engine. The next call gets another one. */
  async #endLocked(): Promise<void> {
    if (this.#isClosed) return;
    this.#isEnded = true;
    const error = locked(this.#home?.userId ?? "").toRecord();
    const parts = await this.#leave();
    this.#bulletin.leave();
    await parts?.store.close().catch(() => undefined);
    // Of a worker the memory goes with the worker. In a thread that goes on, the module's own has held the keys.
    if (Engine.#alive === 0) renewModule();
    this.#post({ type: "locked", error, told: this.#lastWords });
  }

  /** Nobody was there for long. Each turn looks whether that is so. */
  #lockIdle(): void {
    this.hurry();
    this.turn(() => undefined).catch(() => undefined);
  }

  #hurryUp(): void {
    const why = locked(this.#home?.userId ?? "");
    this.#hurrying.abort(why);
    this.#hurrying = new AbortController();
    for (const call of this.#calls.values()) call.abort(why);
  }

  /** Finds out whether records stay. */
  async #measure(): Promise<void> {
    const state = await this.#surroundings.storageState(this.config.storage);
    if (!this.#isClosed) this.#bulletin.storageIs(state);
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
    await this.#measure();
    this.#join();
    return { store, wasm };
  }

  #join(): void {
    if (this.#tabs !== undefined || this.#isClosed) return;
    const { storage, follow } = this.config;
    const hooks = {
      changed: () => this.#catchUp(),
      hurry: () => {
        this.#hurryUp();
        this.#keys.clear();
        this.#catchUp();
      },
      // Whatever is wrong, the next call says so.
      out: () => void this.turn(() => this.#deviceIsOut()).catch(() => undefined),
      active: () => this.#idle.touch(false),
      unlocked: (period: string, key: CryptoKey) => this.#keys.put(period, key),
      synced: (state: SyncState) => this.#bulletin.synced(state),
      asked: () => {
        if (this.#watch !== undefined) this.#tabs?.synced(this.#bulletin.state.sync);
        for (const [period, key] of this.#keys.all) this.#tabs?.unlocked(period, key);
      },
      looked: (keychains: readonly string[] | undefined) => this.#bulletin.looked(keychains),
      indexChanged: (keychain: string, index: string) => this.#bulletin.indexChanged(keychain, index),
      lead: () => this.#lead(),
    };
    this.#tabs = storage.kind === "database" ? joinTabs(storage.name, follow, hooks) : alone(follow, hooks);
  }

  /** Somebody has written an index, or something waits to be written there. All tabs are told. */
  indexChanged(keychain: string, index: string): void {
    this.#bulletin.indexChanged(keychain, index);
    this.#tabs?.indexChanged(keychain, index);
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
      indexChanged: (keychain, index) => this.indexChanged(keychain, index),
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
    let register = await loadRegister(store);
    let home = currentHome(register);
    if (home !== undefined && this.#device !== undefined && this.#idle.isOver) {
      home = await this.lockOut(store, register, home);
      register = await loadRegister(store);
    }
    const isSame = home?.id === this.#home?.id && home?.period === this.#home?.period;
    const isOpen = home !== undefined && !this.#isLocked(home);
    if (isSame && isOpen === (this.#device !== undefined)) await this.#device?.session.refresh();
    else await this.#use(store, home);
    return register;
  }

  async #use(store: Store, home: Home | undefined): Promise<Device | undefined> {
    const before = this.#device;
    this.readers.closeAll();
    before?.free();
    this.#device = undefined;
    this.#home = home;
    const lock = home?.period === undefined ? undefined : await loadLock(store, home);
    this.#bulletin.lockIs(home && lock ? shownLock(home, lock) : null);
    if (home?.period !== undefined) await this.#keys.find(home.period, () => this.#tabs?.ask());
    if (home !== undefined && !this.#isLocked(home)) {
      const sees = this.opened(store, home);
      this.#device = await Device.open(sees, home, this.config.acceptShares, () => this.#signal);
    } else if (home !== undefined && before?.home.id === home.id) this.#mustEnd = true;
    this.#idle.limit(this.#device === undefined ? null : (lock?.autoLockMs ?? null));
    return this.#device;
  }

  #isLocked({ period }: Home): boolean {
    return period !== undefined && this.#keys.get(period) === undefined;
  }

  /** Runs a step; knows better than the module why the store failed, and what follows from that. */
  async #noticing<T>(step: () => Promise<T>): Promise<T> {
    try {
      return await step();
    } catch (thrown) {
      if (noticeTrap(thrown)) throw broken(thrown);
      const error = this.#device?.host.takeFault() ?? KeyfoldError.from(thrown);
      if (error.code === "LoggedOut" && this.#device !== undefined) this.#device.isEnded = true;
      if (error.code === "UnknownDevice") this.#deviceIsOut();
      if (error.code === "StorageLost" || error.code === "StorageTooNew") await this.#loseStore(error);
      throw error;
    }
  }

  /** In a turn: the account has this device no more, and every tab is told, once. */
  #deviceIsOut(): void {
    const device = this.#device;
    const who = device?.who();
    if (device === undefined || device.isOut || who?.loggedIn !== true) return;
    device.isOut = true;
    this.#bulletin.deviceIsOut(who.deviceId);
    this.#tabs?.out();
  }

  /** Nothing in memory is worth more than the records. The next call opens the store again. */
  async #loseStore(why: KeyfoldError): Promise<void> {
    const parts = await this.#parts?.catch(() => undefined);
    this.#parts = undefined;
    this.readers.closeAll();
    this.#device?.free();
    this.#device = undefined;
    this.#home = undefined;
    this.#keys.clear();
    this.#idle.limit(null);
    this.#bulletin.lockIs(null);
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
        const isLocked = this.#home !== undefined && this.#isLocked(this.#home);
        const out = nobody(standing, isLocked ? "locked" : "out");
        const state = device && who ? await stateOf(device.session, who, standing) : out;
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

/** What belongs to a locked device waits until it is unlocked. */
export function refuseIfLocked({ home, device }: Turn): void {
  if (home?.period !== undefined && device === undefined) throw locked(home.userId);
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
