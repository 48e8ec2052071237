/**
 * What the application stores: rows with sealed texts. It is what any application has, with ciphertext in the columns;
 * nothing in this folder could decrypt it. Files and expenses lie with Keyfold's server.
 */

import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** A row of the table `items`. */
export interface Row {
  /** Made by the client, which binds the sealed text to it. */
  readonly id: string;
  readonly kind: "note";
  /** Which workspace: its keychain's fingerprint, a public reference. */
  readonly workspace: string;
  /** From 1; each change is one more. */
  readonly version: number;
  /** A `kf1.` text: a note's words. */
  readonly sealed: string;
  /** User id of who wrote it last. */
  readonly by: string;
  /** Milliseconds since 1970. */
  readonly at: number;
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

const ID = /^[A-Za-z0-9_-]{8,64}$/;
const SEALED = /^kf1\.[A-Za-z0-9_-]+$/;

interface Tables {
  round: number;
  rows: Row[];
  invitations: Invitation[];
}

/** Tables in one JSON file. */
export class Rows {
  #tables: Tables = { round: 1, rows: [], invitations: [] };
  #saving: Promise<void> = Promise.resolve();

  private constructor(private readonly folder: string) {}

  static async open(folder: string): Promise<Rows> {
    const rows = new Rows(folder);
    await mkdir(folder, { recursive: true });
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
    if (kind !== "note") throw new Refused(400, "Malformed", "A row is a note");
    if (typeof sealed !== "string" || !SEALED.test(sealed)) {
      throw new Refused(400, "NotSealed", "Only kf1. texts are stored");
    }
    if (sealed.length > MAX_TEXT) throw new Refused(413, "TooLarge", "The text is too long");
    const before = this.#tables.rows.find((row) => row.id === id);
    if (before !== undefined && before.workspace !== workspace) {
      throw new Refused(409, "Conflict", "The id is another row's", before);
    }
    if (version !== (before?.version ?? 0) + 1) {
      throw new Refused(409, "Conflict", "Somebody was faster", before);
    }
    const row: Row = { id, kind, workspace, version, sealed, by: user, at: Date.now() };
    this.#tables.rows = [...this.#tables.rows.filter((other) => other.id !== id), row];
    await this.#save();
    return row;
  }

  /** Takes a row away. Whether there was one. */
  async remove(id: string): Promise<boolean> {
    const before = this.#tables.rows.length;
    this.#tables.rows = this.#tables.rows.filter((row) => row.id !== id);
    if (this.#tables.rows.length === before) return false;
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

  /** Forgets everything, and begins the next round. */
  async reset(): Promise<void> {
    this.#tables = { round: this.#tables.round + 1, rows: [], invitations: [] };
    await this.#save();
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
