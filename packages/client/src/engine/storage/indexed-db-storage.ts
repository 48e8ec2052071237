/**
 * A storage for indexes in IndexedDB, for all tabs of a site. One transaction reads and swaps a reference: of two tabs the
 * browser lets one wait for the other.
 */
import type { Bytes } from "../../types.js";
import {
  LISTED_AFTER_MS,
  type ObjectStorage,
  PAGE,
  type Reference,
  type Swapped,
  storageFault,
} from "./storage.js";

const VERSION = 1;
const OBJECTS = "objects";
/** When each object was put. */
const TIMES = "times";
const REFERENCES = "references";

type Mode = "readonly" | "readwrite";

/** A storage in IndexedDB. */
export class IndexedDbStorage implements ObjectStorage {
  readonly #name: string;
  readonly #listedAfter: number;
  #database: Promise<IDBDatabase> | undefined;

  /** In the database of this name, which is made at the first use. */
  constructor(name: string, listedAfter = LISTED_AFTER_MS) {
    this.#name = name;
    this.#listedAfter = listedAfter;
  }

  put(objects: readonly (readonly [id: string, bytes: Bytes])[]): Promise<void> {
    return this.#in([OBJECTS, TIMES], "readwrite", (kept, times) => {
      const now = Date.now();
      for (const [id, bytes] of objects) {
        kept.put(bytes, id);
        times.put(now, id);
      }
      return undefined;
    });
  }

  get(ids: readonly string[]): Promise<(Bytes | undefined)[]> {
    return this.#in([OBJECTS], "readonly", (kept) =>
      Promise.all(ids.map((id) => result<Bytes | undefined>(kept.get(id)))),
    );
  }

  delete(ids: readonly string[]): Promise<void> {
    return this.#in([OBJECTS, TIMES], "readwrite", (kept, times) => {
      for (const id of ids) {
        kept.delete(id);
        times.delete(id);
      }
      return undefined;
    });
  }

  read(name: string): Promise<Reference | undefined> {
    return this.#in([REFERENCES], "readonly", (references) =>
      result<Reference | undefined>(references.get(name)),
    );
  }

  swap(name: string, expected: string | undefined, bytes: Bytes): Promise<Swapped> {
    return this.#in([REFERENCES], "readwrite", async (references) => {
      const stands = await result<Reference | undefined>(references.get(name));
      if (stands?.version !== expected) return { stands };
      const version = String(stands === undefined ? 1 : Number(stands.version) + 1);
      references.put({ version, bytes } satisfies Reference, name);
      return { version };
    });
  }

  references(after: string | undefined): Promise<string[]> {
    return this.#in([REFERENCES], "readonly", async (references) => {
      const range = after === undefined ? null : IDBKeyRange.lowerBound(after, true);
      return (await result(references.getAllKeys(range, PAGE))).map(String);
    });
  }

  list(after: string | undefined): Promise<string[]> {
    return this.#in([TIMES], "readonly", async (times) => {
      const old = Date.now() - this.#listedAfter;
      const page: string[] = [];
      let last = after;
      while (page.length < PAGE) {
        const range = last === undefined ? null : IDBKeyRange.lowerBound(last, true);
        const [ids, put] = await Promise.all([
          result(times.getAllKeys(range, PAGE)),
          result<number[]>(times.getAll(range, PAGE)),
        ]);
        if (ids.length === 0) break;
        page.push(...ids.map(String).filter((_, at) => (put[at] ?? 0) <= old));
        last = String(ids.at(-1));
      }
      return page.slice(0, PAGE);
    });
  }

  /** One transaction: all of it, on the disk, or nothing. */
  async #in<T>(
    names: readonly string[],
    mode: Mode,
    work: (...stores: [IDBObjectStore, ...IDBObjectStore[]]) => Promise<T> | T,
  ): Promise<T> {
    try {
      const transaction = (await this.#open()).transaction(names, mode, { durability: "strict" });
      const done = completion(transaction);
      const [first, ...others] = names.map((name) => transaction.objectStore(name));
      if (first === undefined) throw new DOMException("nothing is named", "InvalidAccessError");
      const working = async (): Promise<T> => work(first, ...others);
      try {
        const [worked] = await Promise.all([working(), done]);
        return worked;
      } catch (thrown) {
        abort(transaction);
        throw thrown;
      }
    } catch (thrown) {
      throw storageFault(thrown);
    }
  }

  #open(): Promise<IDBDatabase> {
    this.#database ??= open(this.#name, () => {
      this.#database = undefined;
    }).catch((thrown: unknown) => {
      this.#database = undefined;
      throw thrown;
    });
    return this.#database;
  }
}

function open(name: string, ended: () => void): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(name, VERSION);
    request.onupgradeneeded = () => {
      for (const store of [OBJECTS, TIMES, REFERENCES]) request.result.createObjectStore(store);
    };
    request.onerror = () => reject(request.error);
    request.onsuccess = () => {
      const database = request.result;
      // Somebody deletes it, or the browser took it: what is opened next is another one.
      database.onversionchange = () => {
        database.close();
        ended();
      };
      database.onclose = ended;
      resolve(database);
    };
  });
}

function result<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** What was begun is not half-done. */
function abort(transaction: IDBTransaction): void {
  try {
    transaction.abort();
  } catch {
    // It was over.
  }
}

function completion(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error ?? new DOMException("it was aborted", "AbortError"));
  });
}
