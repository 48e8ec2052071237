/**
 * The world that the WebAssembly module works in: the network, and one home of the store. It moves bytes and decides
 * nothing.
 */
import { KeyfoldError } from "../error.js";
import type { Bytes } from "../types.js";
import { type Near, type NearPut, nothingNear } from "./store/near.js";
import type { Store } from "./store/store.js";
import { type Reply, exchange } from "./transport.js";

/** What the module calls. */
export class SessionHost {
  readonly #store: Store;
  readonly #home: string;
  readonly #near: Near;
  readonly #signal: () => AbortSignal | undefined;
  #fault: KeyfoldError | undefined;
  #commits = 0;
  /** What the module was given: often keys, of which it has copies of its own. */
  #given: Bytes[] = [];

  /** `signal` ends the exchanges of the operation under way. */
  constructor(store: Store, home: string, signal: () => AbortSignal | undefined) {
    this.#store = store;
    this.#home = home;
    this.#near = store.near?.(home) ?? nothingNear;
    this.#signal = signal;
  }

  /** Why the store failed: the module keeps only that it did. */
  takeFault(): KeyfoldError | undefined {
    const fault = this.#fault;
    this.#fault = undefined;
    return fault;
  }

  /** Wipes what the module was given. Not while it works. */
  wipe(): void {
    for (const bytes of this.#given) bytes.fill(0);
    this.#given = [];
  }

  /** Nothing is kept near from now on. */
  close(): void {
    // It never fails, and nobody waits for it.
    void this.#near.close();
  }

  /** How often records were changed from here. */
  get commits(): number {
    return this.#commits;
  }

  exchange(method: string, url: string, headers: [string, string][], body: Bytes): Promise<Reply> {
    return exchange(method, url, headers, body, this.#signal());
  }

  async load(name: string): Promise<Bytes | undefined> {
    const found = await this.#noting(this.#store.load(this.#home, name));
    if (found !== undefined) this.#given.push(found);
    return found;
  }

  async scan(prefix: string): Promise<[string, Bytes][]> {
    const found = await this.#noting(this.#store.scan(this.#home, prefix));
    for (const [, bytes] of found) this.#given.push(bytes);
    return found;
  }

  /** PBKDF2 with HMAC-SHA-512, 11 bytes. Ten times as fast here as it were in the module. */
  async stretch(input: Bytes, salt: Bytes, iterations: number): Promise<Bytes> {
    const key = await crypto.subtle.importKey("raw", input, "PBKDF2", false, ["deriveBits"]);
    const how = { name: "PBKDF2", hash: "SHA-512", salt, iterations };
    return new Uint8Array(await crypto.subtle.deriveBits(how, key, 88));
  }

  async commit(puts: [string, Bytes | undefined][]): Promise<void> {
    const home = this.#home;
    await this.#noting(this.#store.commit(puts.map(([name, value]) => ({ home, name, value }))));
    this.#commits += 1;
  }

  findNear(names: string[]): Promise<(Bytes | undefined)[]> {
    return this.#near.find(names);
  }

  keepNear(puts: NearPut[]): void {
    this.#near.keep(puts);
  }

  async #noting<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (thrown) {
      this.#fault = KeyfoldError.from(thrown);
      throw this.#fault;
    }
  }
}
