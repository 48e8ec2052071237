/**
 * An index of records, found by their key and by what else is declared. Functions of records run here, in the page:
 * they cannot cross to the worker, which knows keys and bytes.
 */
import * as check from "./arguments.js";
import type { Cancellable } from "./client.js";
import { KeyfoldError } from "./error.js";
import type { Bytes } from "./types.js";
import type { VaultClient } from "./vault.js";
import type { IndexKeyOf, IndexQuery } from "./wasm/keyfold.js";

/** One part of a key. Parts compare as they stand here: nothing, booleans, numbers, dates, texts, bytes. */
export type KeyPart = null | boolean | number | Date | string | Uint8Array;

/** A key, or its one part. Keys compare part by part. */
export type IndexKey = KeyPart | readonly KeyPart[];

/** How records are found by something else than their key. */
export interface Secondary<T> {
  /** What a record is found by: one key, several (each word of a text), or none. */
  readonly by: (record: T) => readonly IndexKey[];
  /** No two records have the same. */
  readonly unique?: boolean;
}

/** What records are, as functions of them. Every member's application declares the same. */
export interface IndexSchema<T> {
  /** A record's own key: of two records with one key the later one stays. */
  readonly key: (record: T) => IndexKey;
  /** At most 63, in an order that never changes: a new one goes last, and knows the records written since. */
  readonly secondary?: { readonly [name: string]: Secondary<T> };
}

/** Which records, in the order of their keys. */
export interface RangeOptions extends Cancellable {
  /** From this key on. */
  readonly from?: IndexKey;
  /** Up to this key, without it. */
  readonly to?: IndexKey;
  /** Those whose key begins with these parts. */
  readonly prefix?: IndexKey;
  /** Those whose next part is a text that begins so. */
  readonly startsWith?: string;
  /**
   * What comes behind this key in the order that is asked for: where reading goes on, whatever was written since, and
   * whether or not the record is still there. By a secondary key, the key of the last entry and its record's own.
   */
  readonly after?: IndexKey;
  /** Without so many of the first: they are counted, not read. */
  readonly skip?: number;
  /** From the last to the first. */
  readonly reverse?: boolean;
  /** At most so many. */
  readonly limit?: number;
}

/** Records of one reading. */
const PAGE = 500;
/** How often a change that others overtook is worked out anew. */
const TRIES = 16;

interface Found<T> {
  readonly key: readonly KeyPart[];
  readonly record: T;
}

/** Records of a kind, found by their key or by a secondary one. */
abstract class Readable<T> {
  /** Records, a page at a time; what others write meanwhile may show. */
  abstract entries(options?: RangeOptions): AsyncGenerator<Found<T>>;

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

  /** How many there are. */
  abstract count(options?: RangeOptions): Promise<number>;
}

/** An index. */
export class VaultIndex<T> extends Readable<T> {
  readonly #client: VaultClient;
  readonly #kc: string;
  readonly #name: string;
  readonly #key: (record: T) => readonly KeyPart[];
  readonly #secondary: readonly (Secondary<T> & { readonly name: string; readonly tree: number })[];
  #indexId: string | undefined;
  #offline = false;

  /** Of a vault. */
  constructor(client: VaultClient, kc: string, name: string, schema: IndexSchema<T>) {
    super();
    this.#client = client;
    this.#kc = kc;
    this.#name = name;
    this.#key = (record) => parts(schema.key(record));
    const declared = Object.entries(schema.secondary ?? {});
    this.#secondary = declared.map(([name, secondary], at) => ({ ...secondary, name, tree: at + 1 }));
  }

  /** The record with a key; `undefined` if there is none. */
  async get(key: IndexKey, options: Cancellable = {}): Promise<T | undefined> {
    const [record] = await this.#records([parts(key)], options);
    return record;
  }

  /** Keeps records, all or none. A record takes the place of one with the same key. `NotAllowed`, `NotUnique`. */
  async put(records: T | readonly T[], options: Cancellable = {}): Promise<void> {
    const list = Array.isArray(records) ? (records as readonly T[]) : [records as T];
    const next = new Map(list.map((record) => [named(this.#key(record)), record]));
    const keyed = [...next.values()].map((record) => ({ key: this.#key(record), record }));
    if (this.#secondary.length === 0)
      return this.#write(
        keyed.map(({ key, record }) => ({ tree: 0, key: [...key], value: bytes(record) })),
        options,
      );
    const keys = keyed.map(({ key }) => key);
    await this.#change(keys, (_, at) => keyed[at]?.record, options);
  }

  /** Takes records away, all or none. Those that are not there are gone already. */
  async delete(keys: IndexKey | readonly (readonly KeyPart[])[], options: Cancellable = {}): Promise<void> {
    const isList = Array.isArray(keys) && keys.length > 0 && keys.every((key) => Array.isArray(key));
    const list = isList ? (keys as readonly (readonly KeyPart[])[]) : [parts(keys as IndexKey)];
    if (this.#secondary.length === 0)
      return this.#write(
        list.map((key) => ({ tree: 0, key: [...key] })),
        options,
      );
    await this.#change(list, () => undefined, options);
  }

  /**
   * Changes the record with a key as it is now: if somebody else is faster, `change` is called again with what he wrote.
   * What it returns takes its place; `undefined` takes it away.
   */
  async update(
    key: IndexKey,
    change: (record: T | undefined) => T | undefined,
    options: Cancellable = {},
  ): Promise<void> {
    check.callable(change, "change");
    await this.#change([parts(key)], change, options);
  }

  override async count(options: RangeOptions = {}): Promise<number> {
    return this.#count(0, options);
  }

  override async *entries(options: RangeOptions = {}): AsyncGenerator<Found<T>> {
    for await (const { key, value } of this.#pages(0, options)) yield { key, record: plain<T>(value) };
  }

  /** The records by a secondary key. */
  by(name: string): Readable<T> {
    const found = this.#secondary.find((secondary) => secondary.name === name);
    if (found === undefined) {
      const names = this.#secondary.map((secondary) => secondary.name).join(", ");
      throw check.malformed("name", `one of the secondary keys: ${names || "there are none"}`, name);
    }
    return new BySecondary(
      (options) => this.#bySecondary(found.tree, options),
      (options) => this.#count(found.tree, options),
    );
  }

  /**
   * Calls back whenever somebody, maybe oneself, has written the index; with a range, whenever a record in there has
   * changed, come or gone (`limit` aside), or that cannot be said. Returns what ends that.
   */
  subscribe(callback: () => void, range?: RangeOptions): () => void {
    check.callable(callback, "callback");
    const look = range === undefined ? callback : this.#watching(callback, range);
    const offs = [
      this.#client.on("indexChanged", ({ keychainFingerprint, indexId }) => {
        const isThis = this.#indexId === undefined || this.#indexId === indexId;
        if (keychainFingerprint === this.#kc && isThis) look();
      }),
      // What happened while the line was down was not told.
      this.#client.on("syncStateChanged", ({ state }) => {
        if (state === "online") look();
      }),
    ];
    return () => {
      for (const off of offs) off();
    };
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
    return `${this.#kc}/${this.#name}`;
  }

  /**
   * Whether what was read last is what this device had seen before, because the server was not reached. What this device
   * never read is not there then: `ServerUnavailable`. Nothing is written without the server.
   */
  get offline(): boolean {
    return this.#offline;
  }

  get #place(): { kc: string; name: string } {
    return { kc: this.#kc, name: this.#name };
  }

  async #count(tree: number, { signal, ...options }: RangeOptions): Promise<number> {
    const asked = { ...this.#place, tree, query: query(options) };
    const { count, offline } = await this.#client.call("indexCount", asked, { signal });
    this.#offline = offline;
    return count;
  }

  async #records(keys: readonly (readonly KeyPart[])[], { signal }: Cancellable): Promise<(T | undefined)[]> {
    const wanted = keys.map((key) => ({ tree: 0, key: [...key] }));
    const { indexId, values, offline } = await this.#client.call(
      "indexGet",
      { ...this.#place, keys: wanted },
      { signal },
    );
    this.#indexId = indexId;
    this.#offline = offline;
    return values.map((value) => (value === null ? undefined : plain<T>(value)));
  }

  async *#pages(
    tree: number,
    { signal, limit = Number.POSITIVE_INFINITY, ...options }: RangeOptions,
  ): AsyncGenerator<{ key: KeyPart[]; value: Bytes }> {
    const asked: IndexQuery = query(options);
    let left = limit;
    for (let wanted = Math.min(left, PAGE); wanted > 0; wanted = Math.min(left, PAGE)) {
      const { indexId, entries, offline } = await this.#client.call(
        "indexRange",
        { ...this.#place, tree, query: asked, limit: wanted },
        { signal },
      );
      this.#indexId = indexId;
      this.#offline = offline;
      yield* entries;
      left -= entries.length;
      if (entries.length < wanted) return;
      asked.after = entries.at(-1)?.key;
      asked.skip = undefined;
    }
  }

  async *#bySecondary(tree: number, options: RangeOptions): AsyncGenerator<Found<T>> {
    const { limit = Number.POSITIVE_INFINITY } = options;
    let waiting: { key: KeyPart[]; own: KeyPart[] }[] = [];
    const fetched = async (): Promise<Found<T>[]> => {
      const records = await this.#records(
        waiting.map(({ own }) => own),
        options,
      );
      const found = waiting.flatMap(({ key }, at) => {
        const record = records[at];
        // It was taken away between the two readings.
        return record === undefined ? [] : [{ key, record }];
      });
      waiting = [];
      return found;
    };
    for await (const { key, value } of this.#pages(tree, { ...options, limit })) {
      const own = key.splice(key.length - (value[0] ?? 0));
      waiting.push({ key, own });
      if (waiting.length === PAGE) yield* await fetched();
    }
    if (waiting.length > 0) yield* await fetched();
  }

  /** Changes that are right whatever stands there. */
  async #write(changes: IndexKeyOf[], { signal }: Cancellable): Promise<void> {
    if (changes.length === 0) return;
    const whatever = { ...this.#place, changes, generation: undefined };
    await this.#client.call("indexCommit", whatever, { signal });
    this.#offline = false;
  }

  /** Works out new records from those that stand, with all by which they are found, until nobody was faster. */
  async #change(
    keys: readonly (readonly KeyPart[])[],
    next: (record: T | undefined, at: number) => T | undefined,
    options: Cancellable,
  ): Promise<void> {
    const { signal } = options;
    for (let attempt = 0; attempt < TRIES; attempt += 1) {
      const wanted = keys.map((key) => ({ tree: 0, key: [...key] }));
      const read = await this.#client.call("indexGet", { ...this.#place, keys: wanted }, { signal });
      this.#indexId = read.indexId;
      const changes: IndexKeyOf[] = [];
      for (const [at, key] of keys.entries()) {
        const value = read.values[at] ?? null;
        const before = value === null ? undefined : plain<T>(value);
        const after = next(before, at);
        if (after !== undefined && named(this.#key(after)) !== named(key))
          throw check.malformed("record", "one with the key that is changed", after);
        if (before === undefined && after === undefined) continue;
        changes.push({ tree: 0, key: [...key], value: after === undefined ? undefined : bytes(after) });
        changes.push(...this.#foundBy(key, before, after));
      }
      if (changes.length === 0 && read.offline) throw unknownNow();
      if (changes.length === 0) return;
      await this.#checkUnique(changes, options);
      const { generation } = read;
      const isDone = await this.#client.call(
        "indexCommit",
        { ...this.#place, changes, generation },
        { signal },
      );
      this.#offline = false;
      if (isDone) return;
    }
    throw new KeyfoldError("Conflict", "others committed first, too many times", { retryable: true });
  }

  /** What is to change in the secondary trees. */
  #foundBy(key: readonly KeyPart[], before: T | undefined, after: T | undefined): IndexKeyOf[] {
    return this.#secondary.flatMap(({ by, tree }) => {
      const of = (record: T | undefined): Map<string, KeyPart[]> =>
        new Map(
          (record === undefined ? [] : by(record)).map((one) => [named(parts(one)), [...parts(one), ...key]]),
        );
      const [old, now] = [of(before), of(after)];
      const gone = [...old].filter(([name]) => !now.has(name)).map(([, key]) => ({ tree, key }));
      const come = [...now].filter(([name]) => !old.has(name));
      return [...gone, ...come.map(([, found]) => ({ tree, key: found, value: Uint8Array.of(key.length) }))];
    });
  }

  async #checkUnique(changes: readonly IndexKeyOf[], { signal }: Cancellable): Promise<void> {
    for (const { tree, unique, name } of this.#secondary) {
      if (unique !== true) continue;
      const here = changes.filter((change) => change.tree === tree);
      const gone = new Set(here.filter(({ value }) => value === undefined).map(({ key }) => named(key)));
      const seen = new Map<string, string>();
      for (const { key, value } of here) {
        if (value === undefined) continue;
        const prefix = key.slice(0, key.length - (value[0] ?? 0));
        const { entries } = await this.#client.call(
          "indexRange",
          { ...this.#place, tree, query: { prefix }, limit: 2 },
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

function unknownNow(): KeyfoldError {
  const message = "what stands there now, only the server knows";
  return new KeyfoldError("ServerUnavailable", message, { retryable: true });
}

/** Records by a secondary key. */
class BySecondary<T> extends Readable<T> {
  readonly #entries: (options: RangeOptions) => AsyncGenerator<Found<T>>;
  readonly #count: (options: RangeOptions) => Promise<number>;

  constructor(
    entries: (options: RangeOptions) => AsyncGenerator<Found<T>>,
    count: (options: RangeOptions) => Promise<number>,
  ) {
    super();
    this.#entries = entries;
    this.#count = count;
  }

  override entries(options: RangeOptions = {}): AsyncGenerator<Found<T>> {
    return this.#entries(options);
  }

  override async count(options: RangeOptions = {}): Promise<number> {
    return this.#count(options);
  }
}

export type { Readable };

function parts(key: IndexKey): readonly KeyPart[] {
  return Array.isArray(key) ? (key as readonly KeyPart[]) : [key as KeyPart];
}

/** Equal keys have equal names. */
function named(key: readonly KeyPart[]): string {
  const part = (part: KeyPart): unknown => {
    if (part instanceof Date) return { date: part.getTime() };
    return part instanceof Uint8Array ? { bytes: [...part] } : part;
  };
  return JSON.stringify(key.map(part));
}

function query({ from, to, after, skip, prefix, startsWith, reverse }: RangeOptions): IndexQuery {
  if (skip !== undefined && !(Number.isSafeInteger(skip) && skip >= 0))
    throw check.malformed("skip", "a whole number from 0 on", skip);
  return {
    ...(from !== undefined && { from: [...parts(from)] }),
    ...(to !== undefined && { to: [...parts(to)] }),
    ...(after !== undefined && { after: [...parts(after)] }),
    ...(skip !== undefined && { skip }),
    ...(prefix !== undefined && { prefix: [...parts(prefix)] }),
    ...(startsWith !== undefined && { startsWith }),
    ...(reverse !== undefined && { reverse }),
  };
}

function bytes(record: unknown): Bytes {
  const text = JSON.stringify(record);
  if (text === undefined) throw check.malformed("record", "something that JSON can write", record);
  return new TextEncoder().encode(text);
}

function plain<T>(value: Uint8Array): T {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(value)) as T;
  } catch (cause) {
    throw new KeyfoldError("Malformed", "a value of the index is not JSON", { cause });
  }
}
