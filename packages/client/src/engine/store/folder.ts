/**
 * Records in Node: a folder that only its owner can read.
 *
 * ```text
 * storage.key   32 bytes, mode 0600: seals everything else
 * records       mode 0600: a journal of sealed batches
 * lock          the process that works here
 * near          what was fetched of indexes, sealed as it came; it may go
 * ```
 *
 * A commit appends one batch and returns when the disk has it. A batch that a power cut left half-written is ignored,
 * so it is all or nothing. Now and then the journal is written anew, and takes the old one's place by a rename.
 *
 * ```text
 * records = generation (16 random bytes) ‖ batch*
 * batch   = u32 length ‖ sealed, bound to generation and number of the batch
 * ```
 */
import { Buffer } from "node:buffer";
import { type FileHandle, mkdir, open, readFile, rename, stat } from "node:fs/promises";
import { join } from "node:path";
import { KeyfoldError } from "../../error.js";
import type { Bytes } from "../../types.js";
import { FolderLock } from "./folder-lock.js";
import { FolderNear } from "./folder-near.js";
import { sortedByName } from "./memory.js";
import type { Near } from "./near.js";
import { importStorageKey, openRecord, sealRecord } from "./seal.js";
import type { Put, Store } from "./store.js";

const KEY = "storage.key";
const RECORDS = "records";
const NEAR = "near";
const GENERATION_BYTES = 16;
/** A journal below this is not worth writing anew. */
const COMPACT_BYTES = 1 << 20;

type Homes = Map<string, Map<string, Bytes>>;

/** Records in a folder. */
export class FolderStore implements Store {
  readonly #dir: string;
  readonly #key: CryptoKey;
  readonly #lock: FolderLock;
  #journal: FileHandle;
  #generation: Buffer;
  /** Batches, and bytes, in the journal. */
  #count: number;
  #length: number;
  readonly #homes: Homes;
  #fault: KeyfoldError | undefined;

  private constructor(dir: string, key: CryptoKey, lock: FolderLock, read: Journal) {
    this.#dir = dir;
    this.#key = key;
    this.#lock = lock;
    this.#journal = read.file;
    this.#generation = read.generation;
    this.#count = read.count;
    this.#length = read.length;
    this.#homes = read.homes;
  }

  /**
   * Opens the folder, and makes it if it is not there.
   *
   * @throws `HomeInUse` if another client works on it, `StorageLost` if its key is gone, `NotAllowed` if others can
   * read the key.
   */
  static async open(dir: string): Promise<FolderStore> {
    await attempt(mkdir(dir, { recursive: true, mode: 0o700 }));
    const lock = await FolderLock.take(dir);
    try {
      const key = await importStorageKey(await storageKey(dir));
      return new FolderStore(dir, key, lock, await readJournal(dir, key));
    } catch (thrown) {
      await lock.release();
      throw fault(thrown);
    }
  }

  async load(home: string, name: string): Promise<Bytes | undefined> {
    return this.#open().get(home)?.get(name)?.slice();
  }

  async scan(home: string, prefix: string): Promise<[string, Bytes][]> {
    return sortedByName(this.#open().get(home) ?? new Map(), prefix);
  }

  async commit(puts: readonly Put[]): Promise<void> {
    this.#open();
    try {
      const batch = await sealBatch(this.#key, this.#generation, this.#count, puts);
      await this.#journal.write(batch, 0, batch.length, this.#length);
      await this.#journal.sync();
      this.#count += 1;
      this.#length += batch.length;
      apply(this.#homes, puts);
      if (this.#length > COMPACT_BYTES && this.#length > 4 * liveBytes(this.#homes)) await this.#compact();
    } catch (thrown) {
      throw fault(thrown);
    }
  }

  near(home: string): Near {
    return new FolderNear(join(this.#dir, NEAR, home));
  }

  async forgetNear(home: string): Promise<void> {
    await FolderNear.remove(join(this.#dir, NEAR, home));
  }

  async tidy(): Promise<void> {
    this.#open();
    try {
      await this.#compact();
    } catch (thrown) {
      throw fault(thrown);
    }
  }

  async close(): Promise<void> {
    if (this.#fault !== undefined) return;
    this.#fault = new KeyfoldError("Closed", "the store is closed");
    for (const records of this.#homes.values()) for (const value of records.values()) value.fill(0);
    this.#homes.clear();
    await this.#journal.close();
    await this.#lock.release();
  }

  /** Writes only what there is, beside the journal, and lets it take the journal's place. */
  async #compact(): Promise<void> {
    const all = [...this.#homes].flatMap(([home, records]) =>
      [...records].map(([name, value]): Put => ({ home, name, value })),
    );
    const made = await writeJournal(this.#dir, this.#key, all);
    await this.#journal.close();
    this.#journal = made.file;
    this.#generation = made.generation;
    this.#count = made.count;
    this.#length = made.length;
  }

  #open(): Homes {
    if (this.#fault !== undefined) throw this.#fault;
    return this.#homes;
  }
}

interface Journal {
  readonly file: FileHandle;
  readonly generation: Buffer;
  readonly count: number;
  readonly length: number;
  readonly homes: Homes;
}

async function readJournal(dir: string, key: CryptoKey): Promise<Journal> {
  const path = join(dir, RECORDS);
  const bytes = await readFile(path).catch(ifMissing);
  if (bytes === undefined) return writeJournal(dir, key, []);
  const generation = Buffer.from(bytes.subarray(0, GENERATION_BYTES));
  const homes: Homes = new Map();
  let [count, at] = [0, GENERATION_BYTES];
  while (at + 4 <= bytes.length) {
    const end = at + 4 + bytes.readUInt32BE(at);
    // The end of a batch is missing: the power went while it was written, so nobody was told that it was.
    if (end > bytes.length) break;
    const batch = new Uint8Array(bytes.subarray(at + 4, end));
    try {
      apply(homes, parseBatch(await openRecord(key, generation.toString("hex"), String(count), batch)));
    } catch (thrown) {
      // Of the last one, the length may have reached the disk, and what follows it not.
      if (end === bytes.length) break;
      throw thrown;
    }
    count += 1;
    at = end;
  }
  return { file: await open(path, "r+"), generation, count, length: at, homes };
}

async function writeJournal(dir: string, key: CryptoKey, puts: readonly Put[]): Promise<Journal> {
  const path = join(dir, `${RECORDS}.new`);
  const generation = Buffer.from(crypto.getRandomValues(new Uint8Array(GENERATION_BYTES)));
  const batches = puts.length === 0 ? [] : [await sealBatch(key, generation, 0, puts)];
  const file = await open(path, "w+", 0o600);
  try {
    const bytes = Buffer.concat([generation, ...batches]);
    await file.writeFile(bytes);
    await file.sync();
    await rename(path, join(dir, RECORDS));
    await syncFolder(dir);
    const homes: Homes = new Map();
    apply(homes, puts);
    return { file, generation, count: batches.length, length: bytes.length, homes };
  } catch (thrown) {
    await file.close();
    throw thrown;
  }
}

async function storageKey(dir: string): Promise<Bytes> {
  const path = join(dir, KEY);
  const found = await readFile(path).catch(ifMissing);
  if (found !== undefined) {
    const { mode } = await stat(path);
    if (process.platform !== "win32" && (mode & 0o077) !== 0) {
      throw new KeyfoldError("NotAllowed", `others can read ${path}`, { hint: `Run chmod 600 ${path}.` });
    }
    if (found.length !== 32) throw new KeyfoldError("Internal", `${path} is no storage key`);
    return new Uint8Array(found);
  }
  if ((await stat(join(dir, RECORDS)).catch(ifMissing)) !== undefined) {
    throw new KeyfoldError("StorageLost", `${path} is gone, and with it what the folder holds`);
  }
  const made = crypto.getRandomValues(new Uint8Array(32));
  const file = await open(`${path}.new`, "w", 0o600);
  try {
    await file.writeFile(made);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
  await syncFolder(dir);
  return made;
}

/** A rename is on the disk when its folder is. */
async function syncFolder(dir: string): Promise<void> {
  // Windows cannot open a folder, and needs not.
  if (process.platform === "win32") return;
  const folder = await open(dir, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

async function sealBatch(
  key: CryptoKey,
  generation: Buffer,
  number: number,
  puts: readonly Put[],
): Promise<Buffer> {
  const sealed = await sealRecord(key, generation.toString("hex"), String(number), encodeBatch(puts));
  const length = Buffer.alloc(4);
  length.writeUInt32BE(sealed.length);
  return Buffer.concat([length, sealed]);
}

/** Each put: home, name, and a value or none; each of them u32 length ‖ bytes, of none 0xffffffff. */
function encodeBatch(puts: readonly Put[]): Bytes {
  const parts: Uint8Array[] = [];
  const push = (bytes: Uint8Array | undefined): void => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes?.length ?? NONE);
    parts.push(length, bytes ?? new Uint8Array());
  };
  for (const { home, name, value } of puts) {
    push(Buffer.from(home));
    push(Buffer.from(name));
    push(value);
  }
  return new Uint8Array(Buffer.concat(parts));
}

const NONE = 0xffff_ffff;

function parseBatch(bytes: Bytes): Put[] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const puts: Put[] = [];
  let at = 0;
  const next = (): Buffer | undefined => {
    const length = buffer.readUInt32BE(at);
    at += 4;
    if (length === NONE) return undefined;
    at += length;
    return buffer.subarray(at - length, at);
  };
  while (at < buffer.length) {
    const [home, name, value] = [next()?.toString() ?? "", next()?.toString() ?? "", next()];
    puts.push({ home, name, value: value && new Uint8Array(value) });
  }
  return puts;
}

function apply(homes: Homes, puts: readonly Put[]): void {
  for (const { home, name, value } of puts) {
    const records = homes.get(home) ?? new Map<string, Bytes>();
    homes.set(home, records);
    if (value === undefined) records.delete(name);
    else records.set(name, value);
  }
}

function liveBytes(homes: Homes): number {
  let bytes = 0;
  for (const records of homes.values()) for (const value of records.values()) bytes += value.length + 64;
  return bytes;
}

function ifMissing(thrown: unknown): undefined {
  if (codeOf(thrown) === "ENOENT") return undefined;
  throw thrown;
}

async function attempt<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (thrown) {
    throw fault(thrown);
  }
}

function codeOf(thrown: unknown): string {
  return thrown instanceof Error && "code" in thrown ? String(thrown.code) : "";
}

function fault(thrown: unknown): KeyfoldError {
  if (thrown instanceof KeyfoldError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  const details = { cause: thrown };
  if (!["ENOSPC", "EDQUOT"].includes(codeOf(thrown))) return new KeyfoldError("Io", message, details);
  return new KeyfoldError("StorageFull", "the disk is full; nothing was stored", {
    ...details,
    retryable: true,
  });
}
