/**
 * The browser's own storages for indexes, and the program that tries the contract of the Rust side out on them: what a test
 * calls in a tab. A storage of the same name is the same one, in any tab.
 */

import { FileStorage } from "../../../packages/client/src/engine/storage/file-storage.ts";
import { IndexedDbStorage } from "../../../packages/client/src/engine/storage/indexed-db-storage.ts";
import type { ObjectStorage } from "../../../packages/client/src/engine/storage/storage.ts";
import init, { checkStorage } from "../wasm/keyfold_storages.js";

export type Kind = "IndexedDB" | "files";

/** Opens a storage that lists what was put a moment ago. */
export function open(kind: Kind, name: string): ObjectStorage {
  return kind === "IndexedDB" ? new IndexedDbStorage(name, 0) : new FileStorage(name, 0);
}

/** A storage whose calls are late, each other one lost or done without an answer, and who asks it again until it answers. */
export function unreliable(storage: ObjectStorage): ObjectStorage {
  let calls = 0;
  const insisting = async <T>(work: () => Promise<T>, isDone?: (answer: T) => T): Promise<T> => {
    for (let attempt = 0; ; attempt += 1) {
      calls += 1;
      const fate = calls % 4;
      await new Promise((resolve) => setTimeout(resolve, (calls * 7) % 5));
      // It does not arrive.
      if (fate === 1) continue;
      const answer = await work();
      // The answer does not.
      if (fate === 3) continue;
      return attempt === 0 || isDone === undefined ? answer : isDone(answer);
    }
  };
  return {
    put: (objects) => insisting(() => storage.put(objects)),
    get: (ids) => insisting(() => storage.get(ids)),
    delete: (ids) => insisting(() => storage.delete(ids)),
    read: (name) => insisting(() => storage.read(name)),
    references: (after) => insisting(() => storage.references(after)),
    list: (after) => insisting(() => storage.list(after)),
    swap: (name, expected, bytes) =>
      insisting(
        () => storage.swap(name, expected, bytes),
        (answer) => {
          // Whoever swaps again is told what stands there: it may be his.
          if (!("stands" in answer) || answer.stands === undefined) return answer;
          const { version, bytes: stand } = answer.stands;
          const isMine = stand.length === bytes.length && stand.every((byte, at) => byte === bytes[at]);
          return isMine && version !== expected ? { version } : answer;
        },
      ),
  };
}

/** Runs a check of the contract. */
export async function check(kind: Kind, name: string, isReliable: boolean): Promise<void> {
  await init({ module_or_path: "/storages.wasm" });
  await checkStorage(name, (storage: string) => {
    const opened = open(kind, `${name}: ${storage}`);
    return isReliable ? opened : unreliable(opened);
  });
}

export const scenarios = {};
Object.assign(globalThis, { storages: { open, check } });
