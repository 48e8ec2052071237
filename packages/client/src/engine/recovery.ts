/**
 * The second WebAssembly module: what a device needs to be locked, unlocked or recovered. Fetched at the first use,
 * which most visits of a page never come to. Each use has an instance of its own, so that the secrets it was given,
 * and memory that only one derivation needs, go with it.
 */
import { KeyfoldError } from "../error.js";
import { VERSION } from "../version.js";
import * as glue from "../wasm/keyfold_recovery.js";
import type { WasmSource } from "./messages.js";
import { RECOVERY, compile, differs } from "./module.js";

/** The module's exports. */
export type Recovery = Omit<typeof glue, "default" | "initSync" | "version" | "__wbg_reset_state">;

let compiled: Promise<void> | undefined;

/**
 * Works with the module, at once and without waiting for anything. `load` finds it where no source is named.
 *
 * @throws `WasmUnavailable`, `VersionMismatch`
 */
export async function withRecovery<T>(
  source: WasmSource | undefined,
  load: () => Promise<WasmSource | Response>,
  work: (recovery: Recovery) => T,
): Promise<T> {
  compiled ??= start(source, load).catch((thrown: unknown) => {
    // The next use tries again: a network may be back.
    compiled = undefined;
    throw thrown;
  });
  await compiled;
  try {
    return work(glue);
  } catch (thrown) {
    if (!(thrown instanceof WebAssembly.RuntimeError)) throw thrown;
    throw new KeyfoldError("Io", "the second WebAssembly module stopped", { retryable: true, cause: thrown });
  } finally {
    glue.__wbg_reset_state();
  }
}

async function start(
  source: WasmSource | undefined,
  load: () => Promise<WasmSource | Response>,
): Promise<void> {
  await glue.default({ module_or_path: await compile(source ?? (await load()), RECOVERY) });
  const version = glue.version();
  if (version !== VERSION) throw differs(version);
}
