/** What the client finds in a browser's page. Touched when it is needed, never while a module loads. */
import type { StorageChoice } from "../engine/messages.js";
import type { Platform } from "../client-core.js";
import type { StartEngine } from "../link.js";
import type { ClientConfig } from "../types.js";
import { passkeys } from "./passkey.js";
import { inWorker } from "./worker-port.js";

const DATABASE = "keyfold";

/** A browser's page. `makeWorker` is the default worker, `here` starts engines in the page itself. */
export function page(makeWorker: () => Worker, here: StartEngine): Platform {
  return {
    start: ({ worker }: ClientConfig) => {
      if (worker === false) return here;
      if (typeof worker === "function") return inWorker(worker);
      if (worker === undefined || worker === true) return inWorker(makeWorker);
      return inWorker(() => new Worker(worker, { type: "module" }));
    },
    storage: (named): StorageChoice =>
      typeof named === "object" ? { kind: "memory" } : { kind: "database", name: named ?? DATABASE },
    marker: { read: readMarker, write: writeMarker },
    onWake,
    onActivity,
    passkeys,
    persist: async () => {
      await navigator.storage?.persist?.().catch(() => undefined);
    },
  };
}

/** User ids and nothing else: so that it is noticed if the records are cleared, and this is not. */
function readMarker(database: string): readonly string[] {
  try {
    const listed: unknown = JSON.parse(localStorage.getItem(`keyfold:${database}`) ?? "[]");
    return Array.isArray(listed) ? listed.filter((userId) => typeof userId === "string") : [];
  } catch {
    // Blocked, or no text of ours. It is a second look only: without it, the records decide.
    return [];
  }
}

function writeMarker(database: string, userIds: readonly string[]): void {
  try {
    if (userIds.length === 0) localStorage.removeItem(`keyfold:${database}`);
    else localStorage.setItem(`keyfold:${database}`, JSON.stringify(userIds));
  } catch {
    // As above.
  }
}

/** What people do at a page. */
const ACTIVITY = ["pointerdown", "pointermove", "keydown", "wheel", "touchstart"] as const;
/** Said no more often than this. */
const ACTIVITY_MS = 1_000;

function onActivity(active: () => void): () => void {
  const left = new AbortController();
  let saidAt = Number.NEGATIVE_INFINITY;
  const seen = ({ timeStamp }: Event): void => {
    if (timeStamp - saidAt < ACTIVITY_MS) return;
    saidAt = timeStamp;
    active();
  };
  const how = { signal: left.signal, capture: true, passive: true };
  for (const name of ACTIVITY) globalThis.addEventListener(name, seen, how);
  return () => left.abort();
}

function onWake(wake: () => void): () => void {
  const left = new AbortController();
  const { signal } = left;
  const shown = (): void => {
    if (document.visibilityState === "visible") wake();
  };
  globalThis.addEventListener("online", wake, { signal });
  globalThis.addEventListener("pageshow", wake, { signal });
  document.addEventListener("visibilitychange", shown, { signal });
  return () => left.abort();
}
