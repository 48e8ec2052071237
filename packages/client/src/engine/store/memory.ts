/** Records that end with the client: for tests, and for whoever wants to leave nothing behind. */
import { KeyfoldError } from "../../error.js";
import type { Bytes } from "../../types.js";
import type { Put, Store } from "./store.js";

/** Records in memory. */
export class MemoryStore implements Store {
  #homes: Map<string, Map<string, Bytes>> | undefined = new Map();

  async load(home: string, name: string): Promise<Bytes | undefined> {
    return this.#home(home)?.get(name)?.slice();
  }

  async scan(home: string, prefix: string): Promise<[string, Bytes][]> {
    return sortedByName(this.#home(home) ?? new Map(), prefix);
  }

  async commit(puts: readonly Put[]): Promise<void> {
    const homes = this.#open();
    for (const { home, name, value } of puts) {
      const records = homes.get(home) ?? new Map<string, Bytes>();
      homes.set(home, records);
      if (value === undefined) records.delete(name);
      else records.set(name, value);
    }
  }

  async close(): Promise<void> {
    for (const records of this.#homes?.values() ?? []) {
      for (const value of records.values()) value.fill(0);
    }
    this.#homes = undefined;
  }

  #home(home: string): Map<string, Bytes> | undefined {
    return this.#open().get(home);
  }

  #open(): Map<string, Map<string, Bytes>> {
    if (this.#homes === undefined) throw new KeyfoldError("Closed", "the store is closed");
    return this.#homes;
  }
}

/** Copies of the records whose names start with `prefix`, ascending by name. */
export function sortedByName(records: ReadonlyMap<string, Bytes>, prefix: string): [string, Bytes][] {
  return [...records]
    .filter(([name]) => name.startsWith(prefix))
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, value]) => [name, value.slice()]);
}
