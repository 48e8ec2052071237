/**
 * Records in a browser: an IndexedDB database. Every record is sealed under a key that is stored beside them, and
 * that no script can read: a copy of the disk, or of the database through some bug, gives ciphertext only.
 */
import { KeyfoldError } from "../../error.js";
import type { Bytes } from "../../types.js";
import { IndexedDbNear } from "./indexed-db-near.js";
import type { Near } from "./near.js";
import { generateStorageKey, openRecord, sealRecord } from "./seal.js";
import type { Put, Store } from "./store.js";

/** Moves when the layout does. */
const VERSION = 1;
const RECORDS = "records";
const KEYS = "keys";
const STORAGE_KEY = "storage";
/** How long another tab may take to let go of an older layout. */
const BLOCKED_MS = 10_000;

/** Records in IndexedDB. */
export class IndexedDbStore implements Store {
  readonly #database: IDBDatabase;
  readonly #key: CryptoKey;
  #fault: KeyfoldError | undefined;

  private constructor(database: IDBDatabase, key: CryptoKey, ended: (why: KeyfoldError) => void) {
    this.#database = database;
    this.#key = key;
    const end = (why: KeyfoldError): void => {
      this.#end(why);
      ended(why);
    };
    // Somebody deletes the database, or a newer release wants to change it: it must not wait for us.
    database.onversionchange = (event) => end(event.newVersion === null ? lost() : tooNew());
    // The browser took it: its data was cleared while we ran.
    database.onclose = () => end(lost());
  }

  /**
   * Opens the database, and makes it if it is not there. `ended` is called if it is taken away later.
   *
   * @throws `StorageRefused` if the browser gives none, `StorageTooNew` if a newer release wrote it, `StorageLost` if
   * its key is gone.
   */
  static async open(name: string, ended: (why: KeyfoldError) => void): Promise<IndexedDbStore> {
    const database = await openDatabase(name);
    try {
      return new IndexedDbStore(database, await storageKey(database), ended);
    } catch (thrown) {
      database.close();
      throw fault(thrown);
    }
  }

  async load(home: string, name: string): Promise<Bytes | undefined> {
    const sealed = await this.#read((records) => result<Bytes | undefined>(records.get([home, name])));
    return sealed && openRecord(this.#key, home, name, sealed);
  }

  async scan(home: string, prefix: string): Promise<[string, Bytes][]> {
    const range = IDBKeyRange.bound([home, prefix], [home, `${prefix}\uffff`]);
    const [keys, values] = await this.#read((records) =>
      Promise.all([result(records.getAllKeys(range)), result<Bytes[]>(records.getAll(range))]),
    );
    return Promise.all(
      values.map(async (sealed, at): Promise<[string, Bytes]> => {
        const key = keys[at];
        const name = Array.isArray(key) ? String(key[1]) : "";
        return [name, await openRecord(this.#key, home, name, sealed)];
      }),
    );
  }

  async commit(puts: readonly Put[]): Promise<void> {
    // Sealed first: a transaction ends by itself when it waits for anything else.
    const sealed = await Promise.all(
      puts.map(async ({ home, name, value }) => ({
        key: [home, name],
        value: value && (await sealRecord(this.#key, home, name, value)),
      })),
    );
    await this.#attempt(async () => {
      const transaction = this.#database.transaction(RECORDS, "readwrite", { durability: "strict" });
      const done = completion(transaction);
      const records = transaction.objectStore(RECORDS);
      try {
        for (const { key, value } of sealed) {
          if (value === undefined) records.delete(key);
          else records.put(value, key);
        }
      } catch (thrown) {
        transaction.abort();
        await done.catch(() => undefined);
        throw thrown;
      }
      await done;
    });
  }

  near(home: string): Near {
    return new IndexedDbNear(this.#nearOf(home));
  }

  async forgetNear(home: string): Promise<void> {
    await IndexedDbNear.remove(this.#nearOf(home));
  }

  async close(): Promise<void> {
    this.#end(new KeyfoldError("Closed", "the store is closed"));
  }

  #nearOf(home: string): string {
    return `${this.#database.name}.near.${home}`;
  }

  #read<T>(read: (records: IDBObjectStore) => Promise<T>): Promise<T> {
    return this.#attempt(() => read(this.#database.transaction(RECORDS, "readonly").objectStore(RECORDS)));
  }

  async #attempt<T>(work: () => Promise<T>): Promise<T> {
    if (this.#fault !== undefined) throw this.#fault;
    try {
      return await work();
    } catch (thrown) {
      throw this.#fault ?? fault(thrown);
    }
  }

  #end(why: KeyfoldError): void {
    this.#fault ??= why;
    this.#database.close();
  }
}

function openDatabase(name: string): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    let request: IDBOpenDBRequest;
    try {
      request = indexedDB.open(name, VERSION);
    } catch (thrown) {
      reject(refused(thrown));
      return;
    }
    let timer: ReturnType<typeof setTimeout> | undefined;
    request.onupgradeneeded = () => {
      request.result.createObjectStore(RECORDS);
      request.result.createObjectStore(KEYS);
    };
    request.onblocked = () => {
      timer = setTimeout(() => {
        const hint = "Close the application's other tabs, then reload this one.";
        reject(new KeyfoldError("HomeInUse", "another tab keeps an older database open", { hint }));
      }, BLOCKED_MS);
    };
    request.onsuccess = () => {
      clearTimeout(timer);
      resolve(request.result);
    };
    request.onerror = () => {
      clearTimeout(timer);
      const thrown = request.error;
      if (thrown?.name === "VersionError") reject(tooNew());
      else if (thrown?.name === "QuotaExceededError") reject(fault(thrown));
      // It was cleared while it was being opened.
      else if (thrown?.name === "AbortError") reject(lost(thrown));
      else reject(refused(thrown));
    };
  });
}

async function storageKey(database: IDBDatabase): Promise<CryptoKey> {
  const found = await storedKey(database);
  if (found !== undefined) return found;
  const records = database.transaction(RECORDS, "readonly").objectStore(RECORDS);
  if ((await result(records.count())) > 0) throw lost();
  const made = await generateStorageKey();
  const transaction = database.transaction(KEYS, "readwrite", { durability: "strict" });
  const done = completion(transaction);
  // Another tab may be doing the same: the first one's stays.
  const request = transaction.objectStore(KEYS).add(made, STORAGE_KEY);
  request.onerror = (event) => {
    if (request.error?.name !== "ConstraintError") return;
    event.preventDefault();
    event.stopPropagation();
  };
  await done;
  const kept = await storedKey(database);
  if (kept === undefined) throw lost();
  return kept;
}

function storedKey(database: IDBDatabase): Promise<CryptoKey | undefined> {
  return result(database.transaction(KEYS, "readonly").objectStore(KEYS).get(STORAGE_KEY));
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
    transaction.onabort = () => reject(transaction.error ?? new DOMException("it was aborted", "AbortError"));
  });
}

function fault(thrown: unknown): KeyfoldError {
  if (thrown instanceof KeyfoldError) return thrown;
  const name = thrown instanceof DOMException ? thrown.name : "";
  switch (name) {
    case "QuotaExceededError":
      return new KeyfoldError("StorageFull", "the browser has no room left; nothing was stored", {
        hint: "Make room on the disk, or remove data of this site, then try again.",
        retryable: true,
        cause: thrown,
      });
    case "InvalidStateError":
    case "NotFoundError":
      return lost(thrown);
    default:
      return new KeyfoldError("Io", `the browser's storage failed: ${describe(thrown)}`, { cause: thrown });
  }
}

function refused(cause: unknown): KeyfoldError {
  const hint =
    "Allow this site to store data; private windows of some browsers never do. Or use memory storage.";
  return new KeyfoldError("StorageRefused", `the browser gives no IndexedDB: ${describe(cause)}`, {
    hint,
    cause,
  });
}

function lost(cause?: unknown): KeyfoldError {
  const hint =
    "This site's data was cleared. Reload, then add this browser as a new device from another one.";
  return new KeyfoldError("StorageLost", "the records of this device are gone", { hint, cause });
}

function tooNew(): KeyfoldError {
  const hint = "Reload the page to get the newer release.";
  return new KeyfoldError("StorageTooNew", "a newer release wrote this browser's records", { hint });
}

function describe(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message || thrown.name : String(thrown);
}
