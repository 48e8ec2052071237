/**
 * A storage for indexes in the files of a site (OPFS), for all its tabs. Who swaps a reference holds a Web Lock, which the
 * browser frees if a tab dies.
 *
 * ```text
 * objects/a/a…    an object, under the first letter of its id: one byte, then the bytes
 * references/…    what stands under a name (in hexadecimal): 16 random bytes, then the bytes
 * ```
 *
 * A file that is being written is empty until it is closed, and then whole. So an empty one is not there.
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

const STAMP_BYTES = 16;
const MARK = 1;
/** How often a file is opened that others replace while it is read. */
const TRIES = 8;
/** Files that are read or written at once. */
const TOGETHER = 64;
const ID = /^[0-9a-f]{64}$/;
const NAME = /^(?:[0-9a-f]{2})+$/;
const FOLDERS = "0123456789abcdef";

type Folder = FileSystemDirectoryHandle;

interface Folders {
  readonly objects: ReadonlyMap<string, Folder>;
  readonly references: Folder;
}

/** A storage in files. */
export class FileStorage implements ObjectStorage {
  readonly #name: string;
  readonly #listedAfter: number;
  #folders: Promise<Folders> | undefined;

  /** In the folder of this name, which is made at the first use. */
  constructor(name: string, listedAfter = LISTED_AFTER_MS) {
    this.#name = name;
    this.#listedAfter = listedAfter;
  }

  put(objects: readonly (readonly [id: string, bytes: Bytes])[]): Promise<void> {
    return attempt(async () => {
      await each(objects, async ([id, bytes]) =>
        write(await this.#folderOf(id), id, behind(Uint8Array.of(MARK), bytes)),
      );
    });
  }

  get(ids: readonly string[]): Promise<(Bytes | undefined)[]> {
    return attempt(() => each(ids, async (id) => (await read(await this.#folderOf(id), id))?.slice(1)));
  }

  delete(ids: readonly string[]): Promise<void> {
    return attempt(async () => {
      await each(ids, async (id) => remove(await this.#folderOf(id), id));
    });
  }

  read(name: string): Promise<Reference | undefined> {
    return attempt(() => this.#stands(name));
  }

  swap(name: string, expected: string | undefined, bytes: Bytes): Promise<Swapped> {
    return attempt(() =>
      navigator.locks.request(`keyfold:${this.#name}:swap`, async (): Promise<Swapped> => {
        const stands = await this.#stands(name);
        if (stands?.version !== expected) return { stands };
        const stamp = crypto.getRandomValues(new Uint8Array(STAMP_BYTES));
        await write((await this.#open()).references, fileOf(name), behind(stamp, bytes));
        return { version: hex(stamp) };
      }),
    );
  }

  references(after: string | undefined): Promise<string[]> {
    return attempt(async () => {
      const { references } = await this.#open();
      const names: string[] = [];
      for await (const file of references.keys()) {
        const name = nameOf(file);
        if (name !== undefined && (after === undefined || name > after)) names.push(name);
      }
      const files = await each(names.sort(), async (name) => opened(references, fileOf(name)));
      return names.filter((_, at) => files[at] !== undefined).slice(0, PAGE);
    });
  }

  list(after: string | undefined): Promise<string[]> {
    return attempt(async () => {
      const old = Date.now() - this.#listedAfter;
      const page: string[] = [];
      const { objects } = await this.#open();
      for (const [first, folder] of objects) {
        if (after !== undefined && first < after.slice(0, 1)) continue;
        const ids: string[] = [];
        for await (const id of folder.keys()) {
          // A browser may keep drafts of files beside them.
          if (ID.test(id) && (after === undefined || id > after)) ids.push(id);
        }
        ids.sort();
        for (let at = 0; at < ids.length && page.length < PAGE; at += TOGETHER) {
          const some = ids.slice(at, at + TOGETHER);
          const files = await each(some, async (id) => opened(folder, id));
          page.push(...some.filter((_, at) => (files[at]?.lastModified ?? Number.POSITIVE_INFINITY) <= old));
        }
        if (page.length >= PAGE) break;
      }
      return page.slice(0, PAGE);
    });
  }

  async #stands(name: string): Promise<Reference | undefined> {
    const stamped = await read((await this.#open()).references, fileOf(name));
    if (stamped === undefined) return undefined;
    return { version: hex(stamped.subarray(0, STAMP_BYTES)), bytes: stamped.slice(STAMP_BYTES) };
  }

  async #folderOf(id: string): Promise<Folder> {
    const folder = (await this.#open()).objects.get(id.slice(0, 1));
    if (folder === undefined) throw new DOMException(`${id} is no object's id`, "SyntaxError");
    return folder;
  }

  #open(): Promise<Folders> {
    this.#folders ??= this.#make().catch((thrown: unknown) => {
      this.#folders = undefined;
      throw thrown;
    });
    return this.#folders;
  }

  async #make(): Promise<Folders> {
    const root = await navigator.storage.getDirectory();
    const here = await root.getDirectoryHandle(this.#name, { create: true });
    const objects = await here.getDirectoryHandle("objects", { create: true });
    const folders = await Promise.all(
      [...FOLDERS].map(async (first): Promise<[string, Folder]> => [
        first,
        await objects.getDirectoryHandle(first, { create: true }),
      ]),
    );
    return {
      objects: new Map(folders),
      references: await here.getDirectoryHandle("references", { create: true }),
    };
  }
}

/** A file that was written whole. */
async function opened(folder: Folder, name: string): Promise<File | undefined> {
  try {
    const file = await (await folder.getFileHandle(name)).getFile();
    return file.size === 0 ? undefined : file;
  } catch (thrown) {
    if (isNamed(thrown, "NotFoundError")) return undefined;
    throw thrown;
  }
}

async function read(folder: Folder, name: string): Promise<Bytes | undefined> {
  for (let attempt = 1; ; attempt += 1) {
    const file = await opened(folder, name);
    try {
      return file && new Uint8Array(await file.arrayBuffer());
    } catch (thrown) {
      // Another tab has put another file in its place, or removed it.
      const isReplaced = isNamed(thrown, "NotReadableError") || isNamed(thrown, "NotFoundError");
      if (!isReplaced || attempt === TRIES) throw thrown;
    }
  }
}

async function write(folder: Folder, name: string, bytes: Bytes): Promise<void> {
  const file = await (await folder.getFileHandle(name, { create: true })).createWritable();
  try {
    await file.write(bytes);
    await file.close();
  } catch (thrown) {
    await file.abort().catch(() => undefined);
    throw thrown;
  }
}

async function remove(folder: Folder, name: string): Promise<void> {
  try {
    await folder.removeEntry(name);
  } catch (thrown) {
    if (!isNamed(thrown, "NotFoundError")) throw thrown;
  }
}

/** Some at a time, in their order. */
async function each<T, U>(items: readonly T[], work: (item: T) => Promise<U>): Promise<U[]> {
  const done: U[] = [];
  for (let at = 0; at < items.length; at += TOGETHER)
    done.push(...(await Promise.all(items.slice(at, at + TOGETHER).map(work))));
  return done;
}

async function attempt<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    throw storageFault(thrown);
  }
}

function isNamed(thrown: unknown, name: string): boolean {
  return thrown instanceof DOMException && thrown.name === name;
}

function behind(first: Uint8Array, bytes: Bytes): Bytes {
  const both = new Uint8Array(first.length + bytes.length);
  both.set(first);
  both.set(bytes, first.length);
  return both;
}

function fileOf(name: string): string {
  return hex(new TextEncoder().encode(name));
}

/** The name of a reference that is kept in a file; none, if it is another file. */
function nameOf(file: string): string | undefined {
  if (!NAME.test(file)) return undefined;
  const bytes = file.match(/../g)?.map((byte) => Number.parseInt(byte, 16));
  return new TextDecoder().decode(Uint8Array.from(bytes ?? []));
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
