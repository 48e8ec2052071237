/**
 * What is kept near, in a browser: a database of its own for each home, beside that of the records, so that neither a
 * full cache nor one that is broken or deleted touches them. Tabs share it. What was used longest ago goes first.
 *
 * Why not files of the origin: docs/why/decisions/0032.
 */
import type { Bytes } from "../../types.js";
import type { Near, NearPut } from "./near.js";

const VERSION = 1;
const OBJECTS = "objects";
/** Of each object, when it was used and how long it is; and under `TOTAL`, how long all of them are. */
const USES = "uses";
const BY_USE = "used";
const TOTAL = "total";

/** What is kept, in bytes; where the browser gives little room, less: the records need it more. */
const MOST_BYTES = 256 << 20;
const PART_OF_QUOTA = 8;
/** What waits to be written, in bytes: past that, nothing is added. */
const MOST_WAITING = 32 << 20;
/** What was fetched is first shown, and then kept. */
const LATER_MS = 50;
/** What was found here is marked as used when nobody reads. */
const MARKED_MS = 2_000;
/** What was used is marked so, if it was not for so long: reading writes seldom. */
const USED_AGAIN_MS = 60 * 60 * 1_000;

interface Use {
  readonly name: string;
  readonly used: number;
  readonly bytes: number;
}

/** What is kept near, in IndexedDB. */
export class IndexedDbNear implements Near {
  readonly #name: string;
  #database: Promise<IDBDatabase | undefined> | undefined;
  #isClosed = false;
  readonly #waiting = new Map<string, Bytes | undefined>();
  #waitingBytes = 0;
  /** What was found here, to be marked as used. */
  readonly #used = new Set<string>();
  readonly #marked = new Set<string>();
  #marking: ReturnType<typeof setTimeout> | undefined;
  #writing: Promise<void> | undefined;

  /** In the database of this name, which is opened when something is looked for. */
  constructor(name: string) {
    this.#name = name;
  }

  /** Removes all of it. Other tabs that have it open let go of it. */
  static async remove(name: string): Promise<void> {
    await new Promise<void>((resolve) => {
      try {
        const request = indexedDB.deleteDatabase(name);
        request.onsuccess = () => resolve();
        request.onerror = () => resolve();
        // A tab that sleeps: it goes when that one does.
        request.onblocked = () => resolve();
      } catch {
        resolve();
      }
    });
  }

  async find(names: readonly string[]): Promise<(Bytes | undefined)[]> {
    const missing = names.filter((name) => !this.#waiting.has(name));
    const found = new Map<string, Bytes | undefined>();
    try {
      const database = missing.length === 0 ? undefined : await this.#open();
      const objects = database?.transaction(OBJECTS, "readonly").objectStore(OBJECTS);
      if (objects !== undefined) {
        const values = await Promise.all(missing.map((name) => result<Bytes | undefined>(objects.get(name))));
        for (const [at, name] of missing.entries()) found.set(name, values[at]);
      }
    } catch {
      // As if nothing were there.
    }
    for (const [name, value] of found) {
      if (value !== undefined && !this.#marked.has(name)) this.#used.add(name);
    }
    if (this.#used.size > 0 && !this.#isClosed) {
      clearTimeout(this.#marking);
      this.#marking = setTimeout(() => this.#write(), MARKED_MS);
    }
    return names.map((name) =>
      this.#waiting.has(name) ? this.#waiting.get(name)?.slice() : found.get(name),
    );
  }

  keep(puts: readonly NearPut[]): void {
    if (this.#isClosed) return;
    for (const [name, value] of puts) {
      const bytes = value?.length ?? 0;
      if (this.#waitingBytes + bytes > MOST_WAITING) continue;
      this.#waitingBytes += bytes - (this.#waiting.get(name)?.length ?? 0);
      this.#waiting.set(name, value);
    }
    this.#write();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#marking);
    await this.#writing;
    await this.#writeNow();
    (await this.#database)?.close();
    this.#database = Promise.resolve(undefined);
  }

  /** What waits is written soon, all together. */
  #write(): void {
    if (this.#isClosed) return;
    this.#writing ??= new Promise((resolve) => setTimeout(resolve, LATER_MS))
      .then(() => this.#writeNow())
      .finally(() => {
        this.#writing = undefined;
        if (this.#waiting.size > 0) this.#write();
      });
  }

  async #writeNow(): Promise<void> {
    const puts = new Map(this.#waiting);
    const used = [...this.#used].filter((name) => !puts.has(name));
    this.#used.clear();
    if (puts.size === 0 && used.length === 0) return;
    try {
      const database = await this.#open();
      if (database !== undefined) await transact(database, puts, used);
      for (const name of [...puts.keys(), ...used]) this.#marked.add(name);
    } catch (thrown) {
      // It is gone, or there is no room; then there should be some for the records. What is not kept is fetched again.
      const isFull = thrown instanceof DOMException && thrown.name === "QuotaExceededError";
      if (isFull) await this.#clear().catch(() => undefined);
    }
    for (const [name, value] of puts) {
      if (this.#waiting.get(name) !== value) continue;
      this.#waiting.delete(name);
      this.#waitingBytes -= value?.length ?? 0;
    }
  }

  async #clear(): Promise<void> {
    const transaction = (await this.#open())?.transaction([OBJECTS, USES], "readwrite");
    if (transaction === undefined) return;
    transaction.objectStore(OBJECTS).clear();
    transaction.objectStore(USES).clear();
    await completion(transaction);
  }

  async #open(): Promise<IDBDatabase | undefined> {
    this.#database ??= open(this.#name).catch(() => undefined);
    const database = await this.#database;
    if (database !== undefined && database.onversionchange === null) {
      const end = (): void => {
        // The home was removed, or the browser took it. Nothing brings it back from here.
        database.close();
        this.#isClosed = true;
        this.#waiting.clear();
        this.#database = Promise.resolve(undefined);
      };
      database.onversionchange = end;
      database.onclose = end;
    }
    return database;
  }
}

/** Writes all of it, or nothing. */
async function transact(
  database: IDBDatabase,
  puts: ReadonlyMap<string, Bytes | undefined>,
  used: readonly string[],
): Promise<void> {
  const { quota } = (await navigator.storage?.estimate?.().catch(() => undefined)) ?? {};
  const most = Math.min(MOST_BYTES, (quota ?? Number.POSITIVE_INFINITY) / PART_OF_QUOTA);
  const transaction = database.transaction([OBJECTS, USES], "readwrite", { durability: "relaxed" });
  const done = completion(transaction);
  // Who is waited for below tells of it too.
  done.catch(() => undefined);
  const objects = transaction.objectStore(OBJECTS);
  const uses = transaction.objectStore(USES);
  const now = Date.now();
  const names = [...puts.keys()];
  const [total, ...before] = await Promise.all(
    [TOTAL, ...names, ...used].map((name) => result<Use | undefined>(uses.get(name))),
  );
  let bytes = total?.bytes ?? 0;
  for (const [at, name] of names.entries()) {
    const value = puts.get(name);
    bytes += (value?.length ?? 0) - (before[at]?.bytes ?? 0);
    if (value === undefined) {
      objects.delete(name);
      uses.delete(name);
    } else {
      objects.put(value, name);
      uses.put({ name, used: now, bytes: value.length } satisfies Use);
    }
  }
  for (const use of before.slice(names.length)) {
    if (use !== undefined && now - use.used > USED_AGAIN_MS) uses.put({ ...use, used: now });
  }
  if (bytes > most) bytes = await makeRoom(objects, uses, bytes, most - most / 8);
  // Without the time of a use it is not among the used.
  uses.put({ name: TOTAL, bytes });
  await done;
}

/** What was used longest ago goes, until no more than `enough` bytes are there. How many there are then. */
function makeRoom(
  objects: IDBObjectStore,
  uses: IDBObjectStore,
  bytes: number,
  enough: number,
): Promise<number> {
  return new Promise((resolve, reject) => {
    let left = bytes;
    const request = uses.index(BY_USE).openCursor();
    request.onerror = () => reject(request.error);
    request.onsuccess = () => {
      const cursor = request.result;
      if (cursor === null || left <= enough) {
        resolve(left);
        return;
      }
      const use = cursor.value as Use;
      objects.delete(use.name);
      cursor.delete();
      left -= use.bytes;
      cursor.continue();
    };
  });
}

function open(name: string): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(name, VERSION);
    request.onupgradeneeded = () => {
      request.result.createObjectStore(OBJECTS);
      request.result.createObjectStore(USES, { keyPath: "name" }).createIndex(BY_USE, BY_USE);
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
    request.onblocked = () => reject(new DOMException("it is blocked", "AbortError"));
  });
}

function result<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function completion(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error);
  });
}
