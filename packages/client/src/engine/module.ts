/**
 * The WebAssembly module: found, compiled, started once for this thread, and compared with this release. Who calls
 * waits for it; nobody has to ask for it.
 */
import { KeyfoldError } from "../error.js";
import { VERSION } from "../version.js";
import * as glue from "../wasm/keyfold.js";
import type { WasmSource } from "./messages.js";
import { anotherInstance, onTrap } from "./traps.js";

/** The module's exports. */
export type Wasm = typeof glue;

let started: Promise<Wasm> | undefined;

// Asked for before any engine is made, so done before any of them hears of it: who does may start again at once.
onTrap(() => glue.__wbg_reset_state());

/**
 * The module; started at the first call. `load` finds it where no source is named.
 *
 * @throws `WasmUnavailable`, `VersionMismatch`
 */
export function startModule(
  source: WasmSource | undefined,
  load: () => Promise<WasmSource | Response>,
): Promise<Wasm> {
  started ??= start(source, load).catch((thrown: unknown) => {
    // The next call tries again: a network may be back.
    started = undefined;
    throw thrown;
  });
  return started;
}

async function start(
  source: WasmSource | undefined,
  load: () => Promise<WasmSource | Response>,
): Promise<Wasm> {
  await glue.default({ module_or_path: await compile(source ?? (await load()), MODULE) });
  const version = glue.version();
  if (version !== VERSION) throw differs(version);
  return glue;
}

/** The module is of another release than this JavaScript. */
export function differs(version: string): KeyfoldError {
  const message = `the WebAssembly is of version ${version}, the JavaScript of ${VERSION}`;
  const hint = "Deploy both files of one release together, and let no cache keep one of them.";
  return new KeyfoldError("VersionMismatch", message, { hint });
}

/** A module's file, and the option that names another place of it. */
export interface Named {
  readonly file: string;
  readonly option: string;
}

const MODULE: Named = { file: "keyfold_bg.wasm", option: "wasm" };
/** The second module. */
export const RECOVERY: Named = { file: "keyfold_recovery_bg.wasm", option: "recoveryWasm" };

/** Compiles a module from wherever it is. `WasmUnavailable` */
export async function compile(source: WasmSource | Response, named: Named): Promise<WebAssembly.Module> {
  const found = typeof source === "string" ? await download(source, named) : source;
  if (isModule(found)) return found as WebAssembly.Module;
  const response = found instanceof Response ? found : undefined;
  try {
    if (response?.headers.get("content-type")?.startsWith("application/wasm") === true) {
      return await WebAssembly.compileStreaming(response);
    }
    return await WebAssembly.compile(
      response === undefined ? (found as BufferSource) : await response.arrayBuffer(),
    );
  } catch (cause) {
    throw unavailable(cause, response, named);
  }
}

/** What an instance had in memory goes with it. For when nothing is left in it that anybody still needs. */
export function renewModule(): void {
  if (started === undefined) return;
  anotherInstance();
  glue.__wbg_reset_state();
}

/** Apart, because to TypeScript everything is a module: the type has no members. */
function isModule(found: unknown): boolean {
  return found instanceof WebAssembly.Module;
}

/** Fetches the file; `WasmUnavailable` says from where. */
export async function download(url: string | URL, named: Named = MODULE): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, { credentials: "same-origin" });
  } catch (cause) {
    throw new KeyfoldError("WasmUnavailable", `the WebAssembly was not reached at ${url}`, {
      hint: "Check the connection, and that the page's connect-src allows this address.",
      retryable: true,
      cause,
    });
  }
  if (response.ok) return response;
  throw missing(String(url), `status ${response.status}`, named);
}

function unavailable(cause: unknown, response: Response | undefined, named: Named): KeyfoldError {
  const message = cause instanceof Error ? cause.message : String(cause);
  if (/unsafe-eval|Content Security Policy|CSP/i.test(message)) {
    return new KeyfoldError("WasmUnavailable", "the page's Content Security Policy blocks WebAssembly", {
      hint: "Add 'wasm-unsafe-eval' to script-src. It allows WebAssembly only, not eval.",
      cause,
    });
  }
  if (response === undefined) {
    return new KeyfoldError("WasmUnavailable", `the WebAssembly cannot be used: ${message}`, { cause });
  }
  return missing(
    response.url,
    `${response.headers.get("content-type") ?? "something"} that is no WebAssembly`,
    named,
    cause,
  );
}

function missing(url: string, found: string, { file, option }: Named, cause?: unknown): KeyfoldError {
  return new KeyfoldError("WasmUnavailable", `the WebAssembly is not at ${url}: there is ${found}`, {
    hint: `Let the bundler copy ${file}, name its place with the option \`${option}\`, or import @keyfold/client/inline.`,
    cause,
  });
}
