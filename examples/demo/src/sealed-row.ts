/**
 * How a row is sealed. The associated data names the row and its version, so a server that swaps two rows, or shows an
 * old text under a new number, shows something that does not open.
 */

import type { Value } from "@keyfold/client";
import type { Row } from "../server/rows.js";
import { AppError } from "./app-server.js";
import type { Person } from "./person.js";

/** What a row's text is bound to. */
export function contextOf({ kind, id, version }: Pick<Row, "kind" | "id" | "version">): string {
  return `${kind}/${id}/${version}`;
}

/** A note's new id: random, so that clients can seal before they ask. */
export function newId(): string {
  return crypto.randomUUID();
}

/**
 * Seals and stores a row as the version after the newest; the last writer wins. Answers whether somebody else's version
 * came between.
 */
export async function putRow(
  { client, app }: Person,
  row: Pick<Row, "kind" | "id" | "workspace" | "version">,
  value: Value,
): Promise<boolean> {
  let version = row.version;
  for (;;) {
    const next = { ...row, version };
    const sealed = await client.encrypt(value, row.workspace, contextOf(next));
    try {
      await app.put({ ...next, sealed });
      return version !== row.version;
    } catch (error) {
      if (!(error instanceof AppError) || error.row === undefined || error.row.version < version) throw error;
      version = error.row.version + 1;
    }
  }
}
