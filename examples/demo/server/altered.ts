/** What an application's server can do to what it stores: change a byte of it. */

import type { Change } from "./application.js";
import type { Row } from "./rows.js";

/** The change, with a character of every note changed. */
export function altered(change: Change): Change {
  switch (change.type) {
    case "rows":
      return { ...change, rows: change.rows.map(alteredRow) };
    case "put":
      return { ...change, row: alteredRow(change.row) };
    case "removed":
      return change;
  }
}

function alteredRow(row: Row): Row {
  const at = row.sealed.length - 8;
  const other = row.sealed[at] === "A" ? "B" : "A";
  return { ...row, sealed: row.sealed.slice(0, at) + other + row.sealed.slice(at + 1) };
}
