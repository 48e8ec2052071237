/**
 * One home of a store whose device has a lock: every record of it is sealed once more, under the lock's key, before
 * the store seals it in its own way. So without the lock's secret not even the storage's own key opens it. The lock
 * itself is the one record that is read before.
 */
import type { Bytes } from "../../types.js";
import { LOCK } from "../homes.js";
import { openRecord, sealRecord } from "./seal.js";
import { type Near, nothingNear } from "./near.js";
import type { Put, Store } from "./store.js";

/** A store in which one home is sealed once more. */
export class LockedStore implements Store {
  readonly #store: Store;
  readonly #home: string;
  readonly #key: CryptoKey;

  constructor(store: Store, home: string, key: CryptoKey) {
    this.#store = store;
    this.#home = home;
    this.#key = key;
  }

  async load(home: string, name: string): Promise<Bytes | undefined> {
    const sealed = await this.#store.load(home, name);
    return sealed && this.#isSealed(home, name) ? openRecord(this.#key, home, name, sealed) : sealed;
  }

  async scan(home: string, prefix: string): Promise<[string, Bytes][]> {
    const found = await this.#store.scan(home, prefix);
    return Promise.all(
      found.map(async ([name, sealed]): Promise<[string, Bytes]> => [
        name,
        this.#isSealed(home, name) ? await openRecord(this.#key, home, name, sealed) : sealed,
      ]),
    );
  }

  async commit(puts: readonly Put[]): Promise<void> {
    await this.#store.commit(await Promise.all(puts.map((put) => this.#sealed(put))));
  }

  /** As it is: what is kept near was sealed under keys of keychains before it came. */
  near(home: string): Near {
    return this.#store.near?.(home) ?? nothingNear;
  }

  async forgetNear(home: string): Promise<void> {
    await this.#store.forgetNear?.(home);
  }

  async close(): Promise<void> {
    await this.#store.close();
  }

  async #sealed({ home, name, value }: Put): Promise<Put> {
    if (value === undefined || !this.#isSealed(home, name)) return { home, name, value };
    return { home, name, value: await sealRecord(this.#key, home, name, value) };
  }

  #isSealed(home: string, name: string): boolean {
    return home === this.#home && name !== LOCK;
  }
}
