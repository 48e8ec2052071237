/**
 * What the application stores: rows with sealed texts, and sealed files. It is what any application has, with
 * ciphertext in the columns; nothing in this folder could decrypt it.
 */

import { createReadStream, type ReadStream } from "node:fs";
import { mkdir, open, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";

/** A row of the table `items`. */
export interface Row {
  /** Made by the client, which binds the sealed text to it. */
  readonly id: string;
  readonly kind: "note" | "file";
  /** Which workspace: its keychain's fingerprint, a public reference. */
  readonly workspace: string;
  /** From 1; each change is one more. */
  readonly version: number;
  /** A `kf1.` text: a note's words, or a file's name, type and size. */
  readonly sealed: string;
  /** User id of who wrote it last. */
  readonly by: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** Bytes of the sealed file; 0 for a note. */
  readonly bytes: number;
  /** The file's first bytes, in hexadecimal: for the pane that shows what is stored. */
  readonly prefix: string;
}

/** Who was invited to what, as the application needs to know to list it. */
export interface Invitation {
  readonly workspace: string;
  readonly from: string;
  readonly to: string;
  readonly at: number;
}

/** Why something was not stored. The HTTP status it becomes. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly row?: Row,
  ) {
    super(message);
  }
}

/** The longest sealed text, in characters. */
export const MAX_TEXT = 256 * 1024;
/** The longest sealed file, in bytes. */
export const MAX_FILE = 256 * 1024 * 1024;

const ID = /^[A-Za-z0-9_-]{8,64}$/;
const SEALED = /^kf1\.[A-Za-z0-9_-]+$/;

interface Tables {
  round: number;
  rows: Row[];
  invitations: Invitation[];
}

/** Tables in one JSON file, and a folder of sealed files. */
export class Rows {
  #tables: Tables = { round: 1, rows: [], invitations: [] };
  #saving: Promise<void> = Promise.resolve();

  private constructor(private readonly folder: string) {}

  static async open(folder: string): Promise<Rows> {
    const rows = new Rows(folder);
    await mkdir(join(folder, "files"), { recursive: true });
    try {
      rows.#tables = JSON.parse(await readFile(join(folder, "tables.json"), "utf8")) as Tables;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
    return rows;
  }

  /** Which run of the demo this is: after a reset people have new user ids. */
  get round(): number {
    return this.#tables.round;
  }

  get all(): readonly Row[] {
    return this.#tables.rows;
  }

  get invitations(): readonly Invitation[] {
    return this.#tables.invitations;
  }

  /** Stores a row as the version after the one that stands, or refuses with the one that stands. */
  async put(
    user: string,
    given: Pick<Row, "id" | "kind" | "workspace" | "version" | "sealed">,
  ): Promise<Row> {
    const { id, kind, workspace, version, sealed } = given;
    if (!ID.test(id) || !ID.test(workspace) || !Number.isSafeInteger(version)) {
      throw new Refused(400, "Malformed", "A row needs an id, a workspace and a version");
    }
    if (kind !== "note" && kind !== "file") throw new Refused(400, "Malformed", "A row is a note or a file");
    if (typeof sealed !== "string" || !SEALED.test(sealed)) {
      throw new Refused(400, "NotSealed", "Only kf1. texts are stored");
    }
    if (sealed.length > MAX_TEXT) throw new Refused(413, "TooLarge", "The text is too long");
    const before = this.#tables.rows.find((row) => row.id === id);
    if (before !== undefined && (before.kind !== kind || before.workspace !== workspace)) {
      throw new Refused(409, "Conflict", "The id is another row's", before);
    }
    if (version !== (before?.version ?? 0) + 1) {
      throw new Refused(409, "Conflict", "Somebody was faster", before);
    }
    const file = kind === "file" ? await this.#stored(id) : { bytes: 0, prefix: "" };
    const row: Row = { id, kind, workspace, version, sealed, by: user, at: Date.now(), ...file };
    this.#tables.rows = [...this.#tables.rows.filter((other) => other.id !== id), row];
    await this.#save();
    return row;
  }

  /** Takes a row and its file away. Whether there was one. */
  async remove(id: string): Promise<boolean> {
    const before = this.#tables.rows.length;
    this.#tables.rows = this.#tables.rows.filter((row) => row.id !== id);
    if (this.#tables.rows.length === before) return false;
    await rm(this.#file(id), { force: true });
    await this.#save();
    return true;
  }

  async invite(from: string, workspace: string, to: string): Promise<void> {
    const others = this.#tables.invitations.filter((one) => one.workspace !== workspace || one.to !== to);
    this.#tables.invitations = [...others, { workspace, from, to, at: Date.now() }];
    await this.#save();
  }

  async uninvite(workspace: string, to: string): Promise<void> {
    this.#tables.invitations = this.#tables.invitations.filter(
      (one) => one.workspace !== workspace || one.to !== to,
    );
    await this.#save();
  }

  /** Takes a sealed file in as it arrives. It has its name only once all of it is on disk. */
  async receive(id: string, body: Readable): Promise<void> {
    if (!ID.test(id)) throw new Refused(400, "Malformed", "A file needs an id");
    if (this.#tables.rows.some((row) => row.id === id))
      throw new Refused(409, "Conflict", "The file is there already");
    const arriving = `${this.#file(id)}.${Math.random().toString(36).slice(2)}.part`;
    const file = await open(arriving, "wx");
    try {
      let bytes = 0;
      for await (const chunk of body as AsyncIterable<Buffer>) {
        bytes += chunk.length;
        if (bytes > MAX_FILE) throw new Refused(413, "TooLarge", "The file is too large for this demo");
        await file.writeFile(chunk);
      }
      await file.sync();
      await file.close();
      await rename(arriving, this.#file(id));
    } catch (error) {
      await file.close().catch(() => {});
      await rm(arriving, { force: true });
      throw error;
    }
  }

  /** A sealed file, as it lies there. */
  send(id: string): ReadStream {
    if (!ID.test(id)) throw new Refused(400, "Malformed", "A file needs an id");
    return createReadStream(this.#file(id));
  }

  /** Forgets everything, and begins the next round. */
  async reset(): Promise<void> {
    this.#tables = { round: this.#tables.round + 1, rows: [], invitations: [] };
    await rm(join(this.folder, "files"), { recursive: true, force: true });
    await mkdir(join(this.folder, "files"), { recursive: true });
    await this.#save();
  }

  async #stored(id: string): Promise<Pick<Row, "bytes" | "prefix">> {
    try {
      const file = await open(this.#file(id));
      try {
        const { size } = await file.stat();
        const { buffer, bytesRead } = await file.read(Buffer.alloc(24), 0, 24, 0);
        return { bytes: size, prefix: buffer.toString("hex", 0, bytesRead) };
      } finally {
        await file.close();
      }
    } catch {
      throw new Refused(409, "FileMissing", "The file has not arrived");
    }
  }

  #file(id: string): string {
    return join(this.folder, "files", id);
  }

  // One write at a time, each of the tables as they are by then.
  #save(): Promise<void> {
    const saved = this.#saving.then(async () => {
      const path = join(this.folder, "tables.json");
      await writeFile(`${path}.new`, JSON.stringify(this.#tables));
      await rename(`${path}.new`, path);
    });
    this.#saving = saved.catch(() => {});
    return saved;
  }
}
