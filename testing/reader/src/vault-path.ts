// vault.md, "Paths": the way from the root to a file or folder.

import { utf8 } from "./bytes.ts";
import { check } from "./failure.ts";

const LONGEST = 256;
const MOST_NAMES = 32;

/**
 * The names of a path.
 * @throws Failure `BadText`, `TooMany`
 */
export function namesOf(path: string): readonly string[] {
  const rest = path.startsWith("/") ? path.slice(1) : path;
  if (rest === "") return [];
  const names = rest.split("/");
  for (const name of names) check(isName(name), "BadText");
  check(names.length <= MOST_NAMES, "TooMany");
  return names;
}

/** Whether a text can be a name. */
export function isName(text: string): boolean {
  const { length } = utf8(text);
  return (
    length >= 1 &&
    length <= LONGEST &&
    text.normalize("NFC") === text &&
    !/[\p{Cc}/]/u.test(text) &&
    text !== "." &&
    text !== ".."
  );
}
