/**
 * What is kept near, in Node: files in the folder of a home, `near/HOME/a/…`, under the first letter of their names. What
 * was used longest ago goes first.
 */
import { mkdir, open, readFile, readdir, rename, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import type { Bytes } from "../../types.js";
import type { Near, NearPut } from "./near.js";

/** What is kept, in bytes. */
const MOST_BYTES = 256 << 20;
/** What waits to be written, in bytes: past that, nothing is added. */
const MOST_WAITING = 8 << 20;
/** What was used is marked so at once if it was not for so long, else at the end: reading writes seldom. */
const USED_AGAIN_MS = 60 * 60 * 1_000;

interface Use {
  used: number;
  readonly bytes: number;
}

/** What is kept near, in a folder. */
export class FolderNear implements Near {
  readonly #dir: string;
  readonly #most: number;
  /** What is there; looked through when something is first kept. */
  #uses: Map<string, Use> | undefined;
  /** What was used and is not marked, with the time in seconds. */
  readonly #used = new Map<string, number>();
  #bytes = 0;
  #waiting = 0;
  #writing: Promise<void> = Promise.resolve();
  #isClosed = false;

  /** In this folder, which is made when something is kept. */
  constructor(dir: string, most = MOST_BYTES) {
    this.#dir = dir;
    this.#most = most;
  }

  /** Removes all of it. */
  static async remove(dir: string): Promise<void> {
    await rm(dir, { recursive: true, force: true }).catch(() => undefined);
  }

  async find(names: readonly string[]): Promise<(Bytes | undefined)[]> {
    await this.#writing;
    return Promise.all(names.map((name) => this.#read(name).catch(() => undefined)));
  }

  keep(puts: readonly NearPut[]): void {
    const bytes = puts.reduce((sum, [, value]) => sum + (value?.length ?? 0), 0);
    if (this.#isClosed || (bytes > 0 && this.#waiting + bytes > MOST_WAITING)) return;
    this.#waiting += bytes;
    this.#writing = this.#writing.then(async () => {
      // There is no room, or no right to write: what is not kept is fetched again.
      await this.#write(puts).catch(() => undefined);
      this.#waiting -= bytes;
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#writing;
    const marked = [...this.#used].map(([name, seconds]) => utimes(this.#place(name), seconds, seconds));
    // What was removed meanwhile is not marked.
    await Promise.allSettled(marked);
  }

  async #read(name: string): Promise<Bytes> {
    const place = this.#place(name);
    const [bytes, { mtimeMs }] = await Promise.all([readFile(place), stat(place)]);
    const now = Date.now();
    if (now - mtimeMs > USED_AGAIN_MS) await utimes(place, now / 1_000, now / 1_000);
    else this.#used.set(name, now / 1_000);
    const use = this.#uses?.get(name);
    if (use !== undefined) use.used = now;
    return new Uint8Array(bytes);
  }

  async #write(puts: readonly NearPut[]): Promise<void> {
    const uses = (this.#uses ??= await this.#lookThrough());
    for (const [name, value] of puts) {
      const place = this.#place(name);
      this.#bytes -= uses.get(name)?.bytes ?? 0;
      uses.delete(name);
      if (value === undefined) {
        await rm(place, { force: true });
        continue;
      }
      await mkdir(join(this.#dir, name.slice(0, 1)), { recursive: true, mode: 0o700 });
      const file = await open(`${place}.new`, "w", 0o600);
      try {
        await file.writeFile(value);
      } finally {
        await file.close();
      }
      await rename(`${place}.new`, place);
      uses.set(name, { used: Date.now(), bytes: value.length });
      this.#bytes += value.length;
    }
    if (this.#bytes > this.#most) await this.#makeRoom(uses);
  }

  async #makeRoom(uses: Map<string, Use>): Promise<void> {
    const oldest = [...uses].sort(([, one], [, other]) => one.used - other.used);
    for (const [name, { bytes }] of oldest) {
      if (this.#bytes <= this.#most - this.#most / 8) return;
      await rm(this.#place(name), { force: true });
      uses.delete(name);
      this.#bytes -= bytes;
    }
  }

  async #lookThrough(): Promise<Map<string, Use>> {
    const uses = new Map<string, Use>();
    const files = await readdir(this.#dir, { recursive: true, withFileTypes: true }).catch(() => []);
    for (const file of files) {
      if (!file.isFile()) continue;
      const { mtimeMs, size } = await stat(join(file.parentPath, file.name));
      uses.set(file.name, { used: mtimeMs, bytes: size });
      this.#bytes += size;
    }
    return uses;
  }

  #place(name: string): string {
    return join(this.#dir, name.slice(0, 1), name);
  }
}
