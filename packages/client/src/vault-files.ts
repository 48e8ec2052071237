/**
 * Files and folders of a keychain, which the server keeps and cannot read. What is checked and converted here; the
 * engine moves the bytes.
 */
import * as check from "./arguments.js";
import type { Cancellable } from "./client.js";
import type { WhichContent } from "./engine/messages.js";
import type { Bytes } from "./types.js";
import type {
  FileVersion,
  GetOptions,
  PutOptions,
  StillReadable,
  VaultSwept,
  StreamOptions,
  VaultContent,
  VaultFile,
  VaultItem,
  VaultSource,
} from "./vault-types.js";
import type { VaultClient } from "./vault.js";
import type * as wasm from "./wasm/keyfold.js";

/** What is asked for at once where somebody streams: a part of the storage's. */
const PIECE_BYTES = 1 << 20;
/** No media type is longer. */
const MEDIA_TYPE_BYTES = 256;

/**
 * The files of a keychain. Whoever is in the keychain has them; whoever may write there changes them.
 *
 * A path is names with `/` between them, at most 32 (`TooMany`); one `/` in front is left away. A name has 1 to 256 bytes of
 * UTF-8 in normal form C, which it is brought into, no control characters, and is not `.` or `..` (`BadText`).
 *
 * Every call throws `UnknownKeychain`, `AmbiguousPurpose`, `ServerUnavailable`; `IndexDamaged`, `Rollback`,
 * `ObjectMissing` or `NotAllowed` where the storage shows something else than members wrote; `NoKey` for what is under a
 * key that one was not given. What changes something throws `NotAllowed` where one may only read, `StorageFull`,
 * `Conflict` if others are faster too many times.
 */
export class VaultFiles {
  /** Of a client. */
  protected readonly client: VaultClient;
  /** The keychain, by purpose or fingerprint. */
  protected readonly kc: string;
  #indexId: string | undefined;

  /** Nothing is asked yet. */
  constructor(client: VaultClient, keychainFingerprint: string) {
    this.client = client;
    this.kc = keychainFingerprint;
  }

  /**
   * Puts a file at a path; folders on the way are made, and the content that it had becomes a former one, of which 16
   * stay. It is there when all of it is there. A `File` that was interrupted, also by a reload of the page, goes on
   * where it stopped when it is put there again.
   *
   * @throws `NotAllowed`, `NotAFile` where a folder stands, `NotAFolder` where a file stands on the way, `TooLarge` above
   * 24 GiB, `StorageFull`, `Conflict` if another tab puts the same file there, `Io` if the source cannot be read,
   * `BadText`, `TooMany`
   */
  async put(path: string, source: VaultSource, options: PutOptions = {}): Promise<VaultFile> {
    const { mediaType, modified, keep, signal, onProgress } = options;
    const isStream = typeof ReadableStream === "function" && source instanceof ReadableStream;
    const bytes = source instanceof Uint8Array ? new Blob([new Uint8Array(source)]) : source;
    const file = isStream ? null : check.blob(bytes, "source");
    const changed = typeof File === "function" && file instanceof File ? dated(file.lastModified) : null;
    const said = modified === undefined ? changed : modified && dated(check.time(modified, "modified"));
    const args = {
      kc: this.kc,
      path: named(path, "path"),
      file,
      changed,
      mediaType: typed(mediaType ?? file?.type ?? ""),
      modified: said ?? undefined,
      keep: keep === undefined ? undefined : check.count(keep, "keep"),
    };
    const stream = isStream ? source : undefined;
    return fileFrom(await this.client.call("vaultPut", args, { signal, onProgress, stream }));
  }

  /**
   * A whole file. Nothing of it is given before all of it is authentic.
   *
   * @throws `UnknownFile`, also of a version that did not stay, `NotAFile`, `NotAFolder`, `ObjectMissing`, `Unauthentic`
   */
  async get(path: string, options: GetOptions = {}): Promise<VaultContent> {
    const { signal, onProgress } = options;
    const { item, contents } = await this.client.call("vaultGet", this.#which(path, options), {
      signal,
      onProgress,
    });
    return { ...fileFrom(item), contents };
  }

  /**
   * Bytes from `start` to before `end`, cut off at the file's end. Only what holds them is fetched. Throws what `get`
   * throws; `Malformed` where `end` is before `start`.
   */
  async getRange(path: string, start: number, end: number, options: GetOptions = {}): Promise<Bytes> {
    const { signal, onProgress } = options;
    const args = { ...this.#which(path, options), ...between(start, end) };
    return this.client.call("vaultGetRange", args, { signal, onProgress });
  }

  /**
   * A file, or a part of it, as a stream: it is fetched as it is read, in constant memory, and all that it gives is
   * authentic. Nothing is asked before somebody reads, who is thrown what `get` throws.
   */
  stream(path: string, options: StreamOptions = {}): ReadableStream<Bytes> {
    const { start = 0, end = Number.MAX_SAFE_INTEGER, signal } = options;
    const which = { ...this.#which(path, options), ...between(start, end) };
    const reader = crypto.randomUUID();
    const { call } = this.client;
    let at = start;
    let opening: Promise<number> | undefined;
    const open = async (): Promise<number> =>
      (await call("vaultOpen", { ...which, reader }, { signal })).size ?? 0;
    const close = async (): Promise<void> => {
      // What is being opened is closed once it is open.
      await opening?.catch(() => undefined);
      await call("vaultClose", { reader }).catch(() => undefined);
    };
    const pull = async (controller: ReadableStreamDefaultController<Bytes>): Promise<void> => {
      opening ??= open();
      const until = Math.min(end, await opening);
      if (at < until) {
        const piece = { reader, start: at, end: Math.min(at + PIECE_BYTES, until) };
        const bytes = await call("vaultRead", piece, { signal });
        at += bytes.length;
        controller.enqueue(bytes);
      }
      if (at < until) return;
      void close();
      controller.close();
    };
    return new ReadableStream<Bytes>(
      {
        pull: (controller) =>
          pull(controller).catch((thrown: unknown) => {
            void close();
            throw thrown;
          }),
        cancel: close,
      },
      { highWaterMark: 0 },
    );
  }

  /** What is in a folder, by name; the root is `""`. `UnknownFile`, `NotAFolder`, `BadText`, `TooMany` */
  async list(folder = "", options: Cancellable = {}): Promise<VaultItem[]> {
    const args = { kc: this.kc, path: named(folder, "folder") };
    const { indexId, items } = await this.client.call("vaultList", args, options);
    this.#indexId = indexId;
    return items.map(itemFrom);
  }

  /** What is at a path. `UnknownFile`, `NotAFolder`, `BadText`, `TooMany` */
  async stat(path: string, options: Cancellable = {}): Promise<VaultItem> {
    return itemFrom(await this.client.call("vaultStat", { kc: this.kc, path: named(path, "path") }, options));
  }

  /** The contents that a file has and has had, the newest first: at most 17. `UnknownFile`, `NotAFile`, `NotAFolder` */
  async versions(path: string, options: Cancellable = {}): Promise<FileVersion[]> {
    const args = { kc: this.kc, path: named(path, "path") };
    const versions = await this.client.call("vaultVersions", args, options);
    return versions.map((one) => {
      const { version, current, size, stored } = one;
      return { version, current, size, ...about(one), stored: new Date(stored) };
    });
  }

  /** A former content of a file is its content again. `UnknownFile` if it did not stay, `NotAFile`, `NotAFolder` */
  async restore(path: string, version: number, options: Cancellable = {}): Promise<VaultFile> {
    const args = { kc: this.kc, path: named(path, "path"), version: numbered(version) };
    return fileFrom(await this.client.call("vaultRestore", args, options));
  }

  /** Makes a folder, and those on the way to it. One that is there stays as it is. `NotAFolder`, `BadText`, `TooMany` */
  async createFolder(path: string, options: Cancellable = {}): Promise<VaultItem> {
    const args = { kc: this.kc, path: named(path, "path") };
    return itemFrom(await this.client.call("vaultCreateFolder", args, options));
  }

  /**
   * Renames or moves a file, or a folder with all that is in it. The folder that it comes to stand in is there.
   * `FileExists`, also of the root; `UnknownFile`, `NotAFolder`, also of a folder into itself
   */
  async rename(from: string, to: string, options: Cancellable = {}): Promise<VaultItem> {
    const args = { kc: this.kc, from: named(from, "from"), to: named(to, "to") };
    return itemFrom(await this.client.call("vaultRename", args, options));
  }

  /**
   * Removes a file with its former contents, or a folder: an empty one, or all that is in it with `recursive`.
   * `FolderNotEmpty`, also of the root; `UnknownFile`, `NotAFolder`
   */
  async remove(
    path: string,
    options: Cancellable & { readonly recursive?: boolean } = {},
  ): Promise<VaultItem> {
    const { recursive = false, signal } = options;
    const args = { kc: this.kc, path: named(path, "path"), recursive };
    return itemFrom(await this.client.call("vaultRemove", args, { signal }));
  }

  /**
   * How much of the vault still opens with an older key of the keychain. After a ban: what the banned person could read if
   * he got at the storage, until `sweep`.
   */
  async stillReadable(options: Cancellable = {}): Promise<StillReadable> {
    return this.client.call("vaultStillReadable", { kc: this.kc }, options);
  }

  /**
   * Brings everything under the keychain's current key, and deletes what the server keeps for the keychain for a week or
   * longer and nothing refers to. Answers what there was to do. `Unsupported` if the keychain has an index that this
   * release does not know: nothing is deleted then.
   */
  async sweep(options: Cancellable = {}): Promise<VaultSwept> {
    return this.client.call("vaultSweep", { kc: this.kc }, options);
  }

  /**
   * Calls back whenever somebody, maybe oneself, has changed files or folders. Until a folder was listed, it calls back for
   * indexes of the keychain too. Returns what ends that.
   */
  subscribe(callback: () => void): () => void {
    check.callable(callback, "callback");
    return whenWritten(this.client, this.kc, () => this.#indexId, callback);
  }

  /** What names it, the same for all who hold it: for caches. */
  get id(): string {
    return `${this.client.fingerprint(this.kc) ?? this.kc}/`;
  }

  #which(path: string, { version }: { readonly version?: number }): WhichContent {
    return {
      kc: this.kc,
      path: named(path, "path"),
      version: version === undefined ? undefined : numbered(version),
    };
  }
}

/**
 * Calls back whenever an index of a keychain was written, named by purpose or fingerprint, or that may have been. Until it
 * is known which index it is, any of the keychain may be it.
 */
export function whenWritten(
  client: VaultClient,
  kc: string,
  indexId: () => string | undefined,
  callback: () => void,
): () => void {
  const isMeant = (keychainFingerprint: string): boolean =>
    keychainFingerprint === kc || keychainFingerprint === client.fingerprint(kc);
  const offs = [
    client.on("indexChanged", (written) => {
      const meant = indexId();
      if (meant === undefined ? isMeant(written.keychainFingerprint) : written.indexId === meant) callback();
    }),
    // What happened while the line was down was not told.
    client.on("syncStateChanged", ({ state }) => {
      if (state === "online") callback();
    }),
  ];
  return () => {
    for (const off of offs) off();
  };
}

/** A path. Names that look alike are one: they are compared in one normal form. */
function named(path: unknown, argument: string): string {
  if (typeof path !== "string") throw check.malformed(argument, "a text", path);
  return path.normalize("NFC");
}

function typed(mediaType: unknown): string {
  if (typeof mediaType === "string" && new TextEncoder().encode(mediaType).length <= MEDIA_TYPE_BYTES)
    return mediaType;
  throw check.malformed("mediaType", `a text of at most ${MEDIA_TYPE_BYTES} bytes`, mediaType);
}

function numbered(version: unknown): number {
  if (typeof version === "number" && Number.isSafeInteger(version) && version > 0) return version;
  throw check.malformed("version", "a whole number from 1", version);
}

function between(start: unknown, end: unknown): { start: number; end: number } {
  const range = { start: check.count(start, "start"), end: check.count(end, "end") };
  if (range.end < range.start) throw check.malformed("end", "at least start", end);
  return range;
}

/** Times count from 1970; what is older keeps its time to itself. */
function dated(ms: number): number | null {
  return Number.isSafeInteger(ms) && ms >= 0 ? ms : null;
}

function about({ mediaType, modified }: Pick<wasm.VaultItem, "mediaType" | "modified">): {
  mediaType: string;
  modified: Date | null;
} {
  return { mediaType: mediaType ?? "", modified: modified === undefined ? null : new Date(modified) };
}

function itemFrom(item: wasm.VaultItem): VaultItem {
  if (item.kind === "file") return fileFrom(item);
  const { kind, path, name, stored } = item;
  return { kind, path, name, stored: stored === undefined ? null : new Date(stored) };
}

function fileFrom(item: wasm.VaultItem): VaultFile {
  const { path, name, size = 0, stored = 0, version = 1 } = item;
  return { kind: "file", path, name, size, ...about(item), stored: new Date(stored), version };
}
