/** Scenarios as scripts for a page: TypeScript, and what it imports, in one module. Built on the first request. */

import { build } from "esbuild";
import { join } from "node:path";
import { scenarioFolder } from "./place.ts";

const scripts = new Map<string, Promise<string>>();

/**
 * The script of `scenarios/NAME.ts`.
 *
 * @throws If it does not build.
 */
export function scenarioScript(name: string): Promise<string> {
  const known = scripts.get(name);
  if (known !== undefined) return known;
  const script = bundle(join(scenarioFolder, `${name}.ts`));
  scripts.set(name, script);
  return script;
}

async function bundle(entry: string): Promise<string> {
  const result = await build({
    entryPoints: [entry],
    bundle: true,
    format: "esm",
    target: "es2022",
    platform: "browser",
    sourcemap: "inline",
    write: false,
    logLevel: "silent",
  });
  const [script] = result.outputFiles;
  if (script === undefined) throw new Error(`nothing was built of ${entry}`);
  return script.text;
}
