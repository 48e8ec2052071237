/** An index of records, found by their key and by what else is declared. */
import * as check from "./arguments.js";
import type { Cancellable } from "./client.js";
import { KeyfoldError } from "./error.js";
import { whenWritten } from "./vault-files.js";
import {
  type IndexKey,
  type IndexSchema,
  type KeyPart,
  type Next,
  type RangeOptions,
  Records,
  bytes,
  named,
  parts,
  plain,
  query,
  split,
} from "./vault-records.js";
import type { Bytes } from "./types.js";
import type { VaultClient } from "./vault.js";
import type { IndexKeyOf, IndexUnsent, IndexValues } from "./wasm/keyfold.js";

/** Records of one reading. */
const PAGE = 500;
/** How often a change that others overtook is worked out anew. */
const TRIES = 16;

/** What ends a call early, if anything. */
interface Signalled {
  readonly signal?: AbortSignal | undefined;
}

/** A record, and what it was found by. */
export interface FoundRecord<T> {
  /** Its own key; by a secondary key, that one, without its own. */
  readonly key: readonly KeyPart[];
  readonly record: T;
}

/**
 * Records of a kind, found by their key or by a secondary one. Reading them throws `UnknownKeychain`,
 * `AmbiguousPurpose`; `IndexDamaged`, `Rollback`, `ObjectMissing` or `NotAllowed` where the storage shows something else
 * than members wrote; `NoKey` for what is under a key that one was not given; `ServerUnavailable` for what this device
 * never read. `BadText` for a name that an index cannot have, `Malformed` and `NotComparable` for keys that are none.
 */
abstract class Readable<T> {
  /** Records with their keys, 500 at a time; what others write meanwhile may show. */
  abstract entries(options?: RangeOptions): AsyncGenerator<FoundRecord<T>>;

  /** Records one after the other: `for await (const record of index.range({ from, to }))`. */
  async *range(options: RangeOptions = {}): AsyncGenerator<T> {
    for await (const { record } of this.entries(options)) yield record;
  }

  /** Records, all at once. */
  async list(options: RangeOptions = {}): Promise<T[]> {
    const records: T[] = [];
    for await (const record of this.range(options)) records.push(record);
    return records;
  }

  /** How many there are, without reading them. */
  abstract count(options?: RangeOptions): Promise<number>;
}

/** An index. */
export class VaultIndex<T> extends Readable<T> {
  readonly #client: VaultClient;
  readonly #kc: string;
  readonly #name: string;
  readonly #of: Records<T>;
  #indexId: string | undefined;
  #offline = false;
  /** Ends the waiting for the server, while something waits. */
  #stop: (() => void) | undefined;
  /** Whether what waits was refused: reading does not try again. */
  #isRefused = false;

  /** Of a vault. */
  constructor(client: VaultClient, kc: string, name: string, schema: IndexSchema<T>) {
    super();
    this.#client = client;
    this.#kc = kc;
    this.#name = name;
    this.#of = new Records(schema);
  }

  /** The record with a key; `undefined` if there is none. Throws what reading throws. */
  async get(key: IndexKey, options: Cancellable = {}): Promise<T | undefined> {
    const [record] = await this.#records([parts(key)], options);
    return record;
  }

  /**
   * Keeps records, all or none. A record takes the place of one with the same key. It is kept as JSON, of at most 1 MiB;
   * its keys are those of what that JSON is when it is read.
   *
   * While the server is not reached, they wait on this device, if it has seen the index before: everything here shows
   * them at once, they outlive the page, and go out in their order before anything else when the server is back. More
   * than 4 MiB at once does not wait: `ServerUnavailable`.
   *
   * @throws `NotAllowed` where one may only read, `NotUnique`, `TooLarge` for a record or key that is too long,
   * `NotComparable`, `Malformed` for what JSON cannot write and for keys that cannot be told, `StorageFull`, `Conflict`
   * if others were faster 16 times, and what reading throws
   */
  async put(records: T | readonly T[], options: Cancellable = {}): Promise<void> {
    const list = Array.isArray(records) ? (records as readonly T[]) : [records as T];
    const comes = new Map<string, { key: readonly KeyPart[]; value: Bytes }>();
    for (const record of list) {
      const value = bytes(record);
      const key = this.#of.key(value);
      comes.set(named(key), { key, value });
    }
    const kept = [...comes.values()];
    if (this.#of.secondary.length === 0)
      return this.#write(
        kept.map(({ key, value }) => ({ tree: 0, key: [...key], value })),
        options,
      );
    const keys = kept.map(({ key }) => key);
    await this.#change(keys, (_, at) => kept[at]?.value, true, options);
  }

  /**
   * Takes records away, all or none. Those that are not there are gone already. It waits and throws as `put` does.
   *
   * A list of parts is one key, and a list of lists several: `delete(["a", "b"])` takes away the one record whose key has
   * these two parts, `delete([["a"], ["b"]])` two records.
   */
  async delete(keys: IndexKey | readonly (readonly KeyPart[])[], options: Cancellable = {}): Promise<void> {
    const isList = Array.isArray(keys) && keys.every((key) => Array.isArray(key));
    const list = isList ? (keys as readonly (readonly KeyPart[])[]) : [parts(keys as IndexKey)];
    if (this.#of.secondary.length === 0)
      return this.#write(
        list.map((key) => ({ tree: 0, key: [...key] })),
        options,
      );
    await this.#change(list, () => undefined, true, options);
  }

  /**
   * Changes the record with a key as it is now: if somebody else is faster, `change` is called again with what he wrote.
   * What it returns takes its place, and has the same key, else `Malformed`; `undefined` takes it away. It may change the
   * record that it is given. It does not wait: `ServerUnavailable`. Else it throws as `put` does.
   */
  async update(
    key: IndexKey,
    change: (record: T | undefined) => T | undefined,
    options: Cancellable = {},
  ): Promise<void> {
    check.callable(change, "change");
    const next: Next = (value) => {
      const record = change(value === null ? undefined : plain<T>(value));
      return record === undefined ? undefined : bytes(record);
    };
    await this.#change([parts(key)], next, false, options);
  }

  /** How many commits wait for the server: each is one call of `put` or `delete`, of however many records. */
  async waiting({ signal }: Cancellable = {}): Promise<number> {
    return this.#client.call("indexWaiting", this.#place, { signal });
  }

  /**
   * Sends what waits, now. By itself that happens when the server is back and whenever the index is used. Throws what
   * the server or the schema refuses: `NotAllowed` or `AuthorBanned` where one may not write any more, `NotUnique` where
   * others have what only one may have. That goes on waiting, and all behind it, until it is not refused any more, or is
   * given up.
   */
  async flush(options: Cancellable = {}): Promise<void> {
    await this.#flush(options);
  }

  async #flush(options: Signalled): Promise<void> {
    try {
      await this.#send(options);
    } catch (error) {
      this.#isRefused = !isOffline(error);
      throw error;
    }
    this.#isRefused = false;
    this.#wait(false);
  }

  /** Forgets what waits. How many commits that were. */
  async giveUp({ signal }: Cancellable = {}): Promise<number> {
    const count = await this.#client.call("indexGiveUp", this.#place, { signal });
    this.#isRefused = false;
    this.#wait(false);
    return count;
  }

  override async count(options: RangeOptions = {}): Promise<number> {
    return this.#count(0, options);
  }

  override async *entries(options: RangeOptions = {}): AsyncGenerator<FoundRecord<T>> {
    for await (const { key, value } of this.#pages(0, options)) yield { key, record: plain<T>(value) };
  }

  /** The records by a secondary key; those that several of its keys find are there once for each. `Malformed` */
  by(name: string): Readable<T> {
    const found = this.#of.secondary.find((secondary) => secondary.name === name);
    if (found === undefined) {
      const names = this.#of.secondary.map((secondary) => secondary.name).join(", ");
      throw check.malformed("name", `one of the secondary keys: ${names || "there are none"}`, name);
    }
    return new BySecondary(
      (options) => this.#bySecondary(found.tree, options),
      (options) => this.#count(found.tree, options),
    );
  }

  /**
   * Calls back whenever somebody, maybe oneself, has written the index; with a range, whenever a record in there has
   * changed, come or gone (`limit` and `skip` aside), or that cannot be said. The range is of records' own keys, also
   * where they are shown by a secondary one. Until the index was read, it calls back for others of the keychain too.
   * Returns what ends that.
   */
  subscribe(callback: () => void, range?: RangeOptions): () => void {
    check.callable(callback, "callback");
    const look = range === undefined ? callback : this.#watching(callback, range);
    return whenWritten(this.#client, this.#kc, () => this.#indexId, look);
  }

  /** Calls back if something in a range is not as it was when this was called last. */
  #watching(callback: () => void, { signal, skip: _, ...range }: RangeOptions): () => void {
    const asked = { ...this.#place, tree: 0, query: query(range) };
    let since: number | undefined;
    let turn: Promise<void> = Promise.resolve();
    let waiting = 0;
    const compare = async (): Promise<void> => {
      waiting -= 1;
      // Whoever comes next compares with the same.
      if (waiting > 0) return;
      try {
        const { generation, changed } = await this.#client.call(
          "indexIsChanged",
          { ...asked, since },
          { signal },
        );
        since = generation;
        if (changed) callback();
      } catch {
        // Whoever reads now is told why.
        callback();
      }
    };
    const look = (): void => {
      waiting += 1;
      turn = turn.then(compare);
    };
    look();
    return look;
  }

  /** What names it, the same for all who hold it: for caches. */
  get id(): string {
    return `${this.#client.fingerprint(this.#kc) ?? this.#kc}/${this.#name}`;
  }

  /**
   * Whether what was read last is what this device had seen before, because the server was not reached, or what was put
   * last waits for it. What this device never read is not there then: `ServerUnavailable`.
   */
  get offline(): boolean {
    return this.#offline;
  }

  get #place(): { kc: string; name: string } {
    return { kc: this.#kc, name: this.#name };
  }

  async #count(tree: number, { signal, ...options }: RangeOptions): Promise<number> {
    const asked = { ...this.#place, tree, query: query(options) };
    const { count } = await this.#read(() => this.#client.call("indexCount", asked, { signal }), { signal });
    return count;
  }

  async #records(keys: readonly (readonly KeyPart[])[], { signal }: Signalled): Promise<(T | undefined)[]> {
    const { indexId, values } = await this.#read(() => this.#values(keys, false, { signal }), { signal });
    this.#indexId = indexId;
    return values.map((value) => (value === null ? undefined : plain<T>(value)));
  }

  async *#pages(tree: number, options: RangeOptions): AsyncGenerator<{ key: KeyPart[]; value: Bytes }> {
    const asked = query(options);
    const { signal } = options;
    let { limit: left = Number.POSITIVE_INFINITY } = options;
    for (let wanted = Math.min(left, PAGE); wanted > 0; wanted = Math.min(left, PAGE)) {
      const page = { ...this.#place, tree, query: asked, limit: wanted, now: false };
      const { indexId, entries } = await this.#read(() => this.#client.call("indexRange", page, { signal }), {
        signal,
      });
      this.#indexId = indexId;
      yield* entries;
      left -= entries.length;
      if (entries.length < wanted) return;
      asked.after = entries.at(-1)?.key;
      asked.skip = undefined;
    }
  }

  async *#bySecondary(tree: number, options: RangeOptions): AsyncGenerator<FoundRecord<T>> {
    let waiting: { by: KeyPart[]; own: KeyPart[] }[] = [];
    const fetched = async (): Promise<FoundRecord<T>[]> => {
      const records = await this.#records(
        waiting.map(({ own }) => own),
        options,
      );
      const found = waiting.flatMap(({ by }, at) => {
        const record = records[at];
        // It was taken away between the two readings.
        return record === undefined ? [] : [{ key: by, record }];
      });
      waiting = [];
      return found;
    };
    for await (const { key, value } of this.#pages(tree, options)) {
      waiting.push(split(key, value));
      if (waiting.length === PAGE) yield* await fetched();
    }
    if (waiting.length > 0) yield* await fetched();
  }

  /** Reads; again, if what waits was only waiting for this page, which knows the schema. */
  async #read<R extends { readonly offline: boolean; readonly waiting: boolean }>(
    reading: () => Promise<R>,
    options: Signalled,
  ): Promise<R> {
    const found = await reading();
    this.#note(found);
    if (!found.waiting || found.offline || this.#isRefused) return found;
    try {
      await this.#flush(options);
    } catch {
      // It is shown as long as it waits.
      return found;
    }
    const sent = await reading();
    this.#note(sent);
    return sent;
  }

  #note({ offline, waiting }: { readonly offline: boolean; readonly waiting: boolean }): void {
    this.#offline = offline;
    this.#wait(waiting);
  }

  /** While something waits, it goes out as soon as the server is back. */
  #wait(waiting: boolean): void {
    if (!waiting) {
      this.#stop?.();
      this.#stop = undefined;
      return;
    }
    this.#stop ??= this.#client.on("syncStateChanged", ({ state }) => {
      // Whoever uses the index next is told what is wrong.
      if (state === "online") this.flush().catch(() => undefined);
    });
  }

  #values(keys: readonly (readonly KeyPart[])[], now: boolean, options: Signalled): Promise<IndexValues> {
    const wanted = keys.map((key) => ({ tree: 0, key: [...key] }));
    return this.#client.call("indexGet", { ...this.#place, keys: wanted, now }, options);
  }

  /** Sends what waits, in its order. */
  async #send({ signal }: Signalled): Promise<void> {
    let tried: string | undefined;
    for (let attempt = 1; attempt <= TRIES; attempt += 1) {
      const first = await this.#client.call("indexSend", this.#place, { signal });
      if (first === undefined) return;
      if (first.id !== tried) attempt = 1;
      tried = first.id;
      await this.#sendRecords(first, { signal });
    }
    throw overtaken();
  }

  /** Sends records that wait, with all by which they are found now, unless others are faster. */
  async #sendRecords({ id, changes: kept }: IndexUnsent, { signal }: Signalled): Promise<void> {
    const keys = kept.map(({ key }) => key);
    const { generation, values } = await this.#values(keys, true, { signal });
    let changes: IndexKeyOf[];
    try {
      changes = this.#of.changes(keys, values, (_, at) => kept[at]?.value);
      await this.#checkUnique(changes, true, { signal });
    } catch (error) {
      throw refused(error);
    }
    await this.#client.call("indexSendDerived", { ...this.#place, id, changes, generation }, { signal });
  }

  /** Changes that are right whatever stands there. */
  async #write(changes: IndexKeyOf[], options: Cancellable): Promise<void> {
    if (changes.length === 0) return;
    const { signal } = options;
    const whatever = { ...this.#place, changes, generation: undefined };
    for (let attempt = 0; attempt < TRIES; attempt += 1) {
      const { outcome, indexId } = await this.#client.call("indexCommit", whatever, { signal });
      this.#indexId = indexId;
      if (outcome !== "behind") {
        this.#note({ offline: outcome === "waits", waiting: outcome === "waits" });
        return;
      }
      await this.flush(options);
    }
    throw overtaken();
  }

  /**
   * Works out new records from those that stand, with all by which they are found, until nobody was faster. `mayWait`:
   * they are the same whatever stands there.
   */
  async #change(
    keys: readonly (readonly KeyPart[])[],
    next: Next,
    mayWait: boolean,
    options: Cancellable,
  ): Promise<void> {
    const { signal } = options;
    for (let attempt = 0; attempt < TRIES; attempt += 1) {
      let read: IndexValues;
      try {
        read = await this.#values(keys, false, { signal });
      } catch (error) {
        if (!mayWait || !isOffline(error)) throw error;
        // What stands there was never read here.
        return this.#keep(keys, undefined, next, options);
      }
      this.#indexId = read.indexId;
      this.#note(read);
      if (read.waiting && !read.offline) {
        await this.flush(options);
        continue;
      }
      if (mayWait && read.offline) return this.#keep(keys, read.values, next, options);
      const changes = this.#of.changes(keys, read.values, next);
      if (changes.length === 0 && read.offline) throw unknownNow();
      if (changes.length === 0) return;
      try {
        await this.#checkUnique(changes, false, options);
        const { generation } = read;
        const committing = this.#client.call(
          "indexCommit",
          { ...this.#place, changes, generation },
          { signal },
        );
        if ((await committing).outcome === "done") {
          this.#offline = false;
          return;
        }
      } catch (error) {
        // What is read next is what was seen last.
        if (!mayWait || !isOffline(error)) throw error;
      }
    }
    throw overtaken();
  }

  /** Keeps what cannot be sent, with what it changes as far as is known here. */
  async #keep(
    keys: readonly (readonly KeyPart[])[],
    values: IndexValues["values"] | undefined,
    next: Next,
    options: Cancellable,
  ): Promise<void> {
    const changes = keys.map((key, at) => ({ tree: 0, key: [...key], value: next(null, at) }));
    const shown = this.#of.changes(keys, values ?? [], next);
    try {
      await this.#checkUnique(shown, false, options);
    } catch (error) {
      // That is seen when it is sent.
      if (!isOffline(error)) throw error;
    }
    const { signal } = options;
    const { indexId } = await this.#client.call("indexKeep", { ...this.#place, changes, shown }, { signal });
    this.#indexId = indexId;
    this.#note({ offline: true, waiting: true });
  }

  /** `now`: whatever waits. */
  async #checkUnique(changes: readonly IndexKeyOf[], now: boolean, { signal }: Signalled): Promise<void> {
    for (const { tree, unique, name } of this.#of.secondary) {
      if (unique !== true) continue;
      const here = changes.filter((change) => change.tree === tree);
      const gone = new Set(here.filter(({ value }) => value === undefined).map(({ key }) => named(key)));
      const seen = new Map<string, string>();
      for (const { key, value } of here) {
        if (value === undefined) continue;
        const { by: prefix } = split(key, value);
        const { entries } = await this.#client.call(
          "indexRange",
          { ...this.#place, tree, query: { prefix }, limit: 2, now },
          { signal },
        );
        const others = entries.filter(
          (entry) => !gone.has(named(entry.key)) && named(entry.key) !== named(key),
        );
        const twice = seen.get(named(prefix));
        if (others.length > 0 || (twice !== undefined && twice !== named(key)))
          throw new KeyfoldError("NotUnique", `another record has the same ${name}`);
        seen.set(named(prefix), named(key));
      }
    }
  }
}

/** Whether the server was not reached. */
function isOffline(error: unknown): boolean {
  return error instanceof KeyfoldError && (error.code === "ServerUnavailable" || error.code === "Timeout");
}

function overtaken(): KeyfoldError {
  return new KeyfoldError("Conflict", "others committed first, too many times", { retryable: true });
}

/** Why something goes on waiting, for who hears of it while he does something else. */
function refused(error: unknown): unknown {
  if (!(error instanceof KeyfoldError) || isOffline(error)) return error;
  const message = `a change that waited for the server was refused: ${error.message}`;
  const hint =
    "It goes on waiting, and so does what was written after it. What waits can be sent again, or be given up.";
  return new KeyfoldError(error.code, message, { hint, retryable: error.retryable, cause: error });
}

function unknownNow(): KeyfoldError {
  const message = "what stands there now, only the server knows";
  return new KeyfoldError("ServerUnavailable", message, { retryable: true });
}

/** Records by a secondary key. */
class BySecondary<T> extends Readable<T> {
  readonly #entries: (options: RangeOptions) => AsyncGenerator<FoundRecord<T>>;
  readonly #count: (options: RangeOptions) => Promise<number>;

  constructor(
    entries: (options: RangeOptions) => AsyncGenerator<FoundRecord<T>>,
    count: (options: RangeOptions) => Promise<number>,
  ) {
    super();
    this.#entries = entries;
    this.#count = count;
  }

  override entries(options: RangeOptions = {}): AsyncGenerator<FoundRecord<T>> {
    return this.#entries(options);
  }

  override async count(options: RangeOptions = {}): Promise<number> {
    return this.#count(options);
  }
}

export type { Readable };
