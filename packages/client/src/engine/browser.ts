/** What an engine finds in a browser, in a worker as in a page. */
import { KeyfoldError } from "../error.js";
import { download } from "./module.js";
import { IndexedDbStore } from "./store/indexed-db.js";
import { MemoryStore } from "./store/memory.js";
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
  // Written literally: that is how bundlers see which file it is.
  loadWasm: () => download(new URL("./keyfold_bg.wasm", import.meta.url)),
  openSocket: async (url) => new WebSocket(url) as SocketLike,
};
