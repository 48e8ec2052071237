/** What an engine finds in a browser, in a worker as in a page. */
import { KeyfoldError } from "../error.js";
import { RECOVERY, download } from "./module.js";
import { IndexedDbStore } from "./store/indexed-db.js";
import { MemoryStore } from "./store/memory.js";
import { storageState } from "./store/persistence.js";
import type { SocketLike, Surroundings } from "./surroundings.js";

/** A browser. */
export const browser: Surroundings = {
  openStore: async (storage, lost) => {
    switch (storage.kind) {
      case "memory":
        return new MemoryStore();
      case "database":
        return IndexedDbStore.open(storage.name, lost);
      case "folder":
        throw new KeyfoldError("Unsupported", "a browser has no folders");
    }
  },
  storageState: async ({ kind }) => (kind === "memory" ? "temporary" : storageState()),
  // Written literally: that is how bundlers see which file it is.
  loadWasm: () => download(new URL("./keyfold_bg.wasm", import.meta.url)),
  loadRecovery: () => download(new URL("./keyfold_recovery_bg.wasm", import.meta.url), RECOVERY),
  openSocket: async (url) => new WebSocket(url) as SocketLike,
};
