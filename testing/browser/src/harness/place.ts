/** Where the things under test lie: built by `cargo xtask test` before, never by a test. */

import { accessSync, constants } from "node:fs";
import { delimiter, join, resolve } from "node:path";

/** The checkout. */
export const root = resolve(import.meta.dirname, "../../../..");

/** The built client, as it is published. */
export const clientDist = join(root, "packages/client/dist");

/** The scenarios, one module a topic. */
export const scenarioFolder = join(root, "testing/browser/scenarios");

/**
 * The command `keyfold` under test: `KEYFOLD_BIN`, or what cargo built.
 *
 * @throws If there is none.
 */
export function keyfoldBinary(): string {
  return process.env["KEYFOLD_BIN"] ?? built("keyfold");
}

/**
 * A program of this workspace that cargo built for debugging.
 *
 * @throws If it was not built.
 */
export function built(name: string): string {
  const path = join(resolve(root, process.env["CARGO_TARGET_DIR"] ?? "target"), "debug", name);
  if (!runs(path)) throw new Error(`${path} is missing: build it with cargo, or run cargo xtask test`);
  return path;
}

/**
 * The browser under test: `KEYFOLD_CHROMIUM`, or the first of the usual names in `PATH`.
 *
 * @throws If there is none.
 */
export function chromiumBinary(): string {
  const named = process.env["KEYFOLD_CHROMIUM"];
  if (named !== undefined) return named;
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
  const found = names.flatMap((name) => folders.map((folder) => join(folder, name))).find(runs);
  if (found === undefined) throw new Error("no Chromium: install it, or name it in KEYFOLD_CHROMIUM");
  return found;
}

function runs(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
