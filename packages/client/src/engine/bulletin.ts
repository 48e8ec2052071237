/**
 * What this engine told its page last: the state, and what must not be told twice. Separate from finding out, which
 * is the engine's.
 */
import type { ClientState, DeviceLock, StorageState, SyncState } from "../types.js";
import type { Stopped } from "../wasm/keyfold.js";
import type { Announcement, Told } from "./messages.js";
import { type Standing, identityChange, lockChange, nobody } from "./news.js";

/** What was told last. */
export class Bulletin {
  readonly #post: (told: Announcement) => void;
  #state: ClientState;
  #sync: SyncState = "offline";
  #leader = false;
  #lock: DeviceLock | null = null;
  #storage: StorageState = "temporary";
  /** Keychains of which it was told that they are stopped. */
  readonly #stopped = new Set<string>();

  constructor(post: (told: Announcement) => void) {
    this.#post = post;
    this.#state = { ...nobody(this.standing), status: "loading" };
  }

  get state(): ClientState {
    return this.#state;
  }

  /** What a state is made of beside what is stored. */
  get standing(): Standing {
    return { sync: this.#sync, leader: this.#leader, lock: this.#lock, storage: this.#storage };
  }

  /** Tells a state and what led to it. Whether the state is another one than before. */
  publish(state: ClientState, events: readonly Told[]): boolean {
    const change = identityChange(this.#state, state, events);
    if (this.#state.identity?.accountId !== state.identity?.accountId) this.#stopped.clear();
    return this.#tell(state, [...lockChange(this.#state, state), ...change, ...events]);
  }

  /** This tab holds the connection from now on. */
  lead(): void {
    this.#leader = true;
    this.synced("offline");
  }

  /** This tab's engine ends, and whatever it held. */
  leave(): void {
    this.#leader = false;
    this.synced("offline");
  }

  /** The connection came or went. */
  synced(sync: SyncState): void {
    const isOther = this.#sync !== sync;
    this.#sync = sync;
    const events: Told[] = isOther ? [{ name: "syncStateChanged", payload: { state: sync } }] : [];
    this.#tell({ ...this.#state, ...this.standing }, events);
  }

  /** The device in use has this lock, or none. Told with the state that comes next. */
  lockIs(lock: DeviceLock | null): void {
    this.#lock = lock;
  }

  /** Whether records stay. */
  storageIs(storage: StorageState): void {
    this.#storage = storage;
    if (this.#state.status !== "loading") this.#tell({ ...this.#state, ...this.standing }, []);
  }

  /** The account has this device no more. */
  deviceIsOut(deviceId: string): void {
    this.#tell(this.#state, [{ name: "deviceRevoked", payload: { deviceId } }]);
  }

  /** An index has changed. */
  indexChanged(keychainFingerprint: string, indexId: string): void {
    this.#tell(this.#state, [{ name: "indexChanged", payload: { keychainFingerprint, indexId } }]);
  }

  /** These ledgers were looked at, or all if it is `undefined`: participants may be others now, and own devices. */
  looked(scopes: readonly string[] | undefined): void {
    const { keychains, identity } = this.#state;
    const own = identity === null ? [] : [identity.accountId];
    const all = [...keychains.map(({ keychainFingerprint }) => keychainFingerprint), ...own];
    const told = (scope: string): Told =>
      scope === identity?.accountId
        ? { name: "devicesUpdated", payload: { accountId: scope } }
        : { name: "participantsUpdated", payload: { keychainFingerprint: scope } };
    this.#tell(this.#state, [...new Set(scopes ?? all)].map(told));
  }

  /**
   * Keychains are stopped; told once for as long as they are. `looked` were looked at, or all if it is `undefined`.
   */
  stopped(looked: readonly string[] | undefined, stopped: readonly Stopped[]): void {
    const now = new Set(stopped.map(({ keychainFingerprint }) => keychainFingerprint));
    for (const known of looked ?? [...this.#stopped]) if (!now.has(known)) this.#stopped.delete(known);
    const isNew = stopped.filter(({ keychainFingerprint }) => !this.#stopped.has(keychainFingerprint));
    for (const { keychainFingerprint } of isNew) this.#stopped.add(keychainFingerprint);
    this.#tell(
      this.#state,
      isNew.map((payload): Told => ({ name: "keychainStopped", payload })),
    );
  }

  #tell(state: ClientState, events: readonly Told[]): boolean {
    const isOther = JSON.stringify(state) !== JSON.stringify(this.#state);
    if (isOther) this.#state = state;
    if (isOther || events.length > 0) this.#post({ type: "told", state: isOther ? state : null, events });
    return isOther;
  }
}
