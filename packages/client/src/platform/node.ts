/** What the client and its engine find in Node. */
import { readFile } from "node:fs/promises";
import type { Platform } from "../client-core.js";
import type { SocketLike, Surroundings } from "../engine/surroundings.js";
import { KeyfoldError } from "../error.js";
import { inThread } from "./thread-port.js";

const surroundings: Surroundings = {
  openStore: async (storage) => {
    switch (storage.kind) {
      case "memory":
        return new (await import("../engine/store/memory.js")).MemoryStore();
      case "folder":
        return (await import("../engine/store/folder.js")).FolderStore.open(storage.path);
      case "database":
        throw new KeyfoldError("Unsupported", "Node has no IndexedDB");
    }
  },
  storageState: async ({ kind }) => (kind === "folder" ? "persistent" : "temporary"),
  loadWasm: () => packaged(new URL("./keyfold_bg.wasm", import.meta.url), "wasm"),
  loadRecovery: () => packaged(new URL("./keyfold_recovery_bg.wasm", import.meta.url), "recoveryWasm"),
  openSocket: async (url) => {
    if (typeof WebSocket === "function") return new WebSocket(url) as SocketLike;
    // Node has one of its own from version 22 on.
    const { WebSocket: Socket } = await import("ws");
    return new Socket(url, { handshakeTimeout: 10_000, maxPayload: 4_096 }) as SocketLike;
  },
};

/** A file that lies beside this script, as the package has it. */
async function packaged(url: URL, option: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return new Uint8Array(await readFile(url));
  } catch (cause) {
    throw new KeyfoldError("WasmUnavailable", `the WebAssembly is not at ${url.href}`, {
      hint: `Install the package anew, or name the file's bytes with the option \`${option}\`.`,
      cause,
    });
  }
}

/** Node. */
export const node: Platform = {
  start: ({ worker }) => {
    if (worker === undefined || typeof worker === "boolean") return inThread(surroundings);
    throw new KeyfoldError("Unsupported", "in Node the client runs in the caller's thread");
  },
  storage: (named) => (typeof named === "string" ? { kind: "folder", path: named } : { kind: "memory" }),
};
