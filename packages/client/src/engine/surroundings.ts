/**
 * What an engine finds where it runs. A browser's worker, a page and Node differ in these few things; everything else
 * of the engine is the same.
 */
import type { KeyfoldError } from "../error.js";
import type { StorageState } from "../types.js";
import type { StorageChoice, WasmSource } from "./messages.js";
import type { Store } from "./store/store.js";

/** The parts of a WebSocket that are used, as browsers and the Node package `ws` have them. */
export interface SocketLike {
  binaryType: string;
  onopen: (() => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: (() => void) | null;
  onerror: ((event: unknown) => void) | null;
  send(data: Uint8Array<ArrayBuffer>): void;
  close(): void;
}

/** What an engine finds where it runs. */
export interface Surroundings {
  /** Opens, or makes, the store. `lost` is called if it ends by itself. */
  openStore(storage: StorageChoice, lost: (why: KeyfoldError) => void): Promise<Store>;
  /** Whether records that are stored there stay. */
  storageState(storage: StorageChoice): Promise<StorageState>;
  /** The WebAssembly that came with this release. */
  loadWasm(): Promise<WasmSource | Response>;
  /** The second one, for locks and recovery. */
  loadRecovery(): Promise<WasmSource | Response>;
  /** Starts to connect. */
  openSocket(url: string): Promise<SocketLike>;
}
