/** Whether what a browser stores stays. No browser says that a window is private; what it does differently tells. */
import type { StorageState } from "../../types.js";

/** Private windows that store in memory give less than this, in bytes; a disk that has so little left is as bad. */
const TEMPORARY_BYTES = 256 << 20;

/** Finds out. What a browser does not tell counts as `best-effort`: it promises nothing. */
export async function storageState(): Promise<StorageState> {
  const { storage } = navigator;
  if ((await storage?.persisted?.().catch(() => false)) === true) return "persistent";
  const { quota } = (await storage?.estimate?.().catch(() => undefined)) ?? {};
  if (quota !== undefined && quota < TEMPORARY_BYTES) return "temporary";
  // Firefox and Safari refuse files of the origin in private windows.
  const files = await storage?.getDirectory?.().then(
    () => true,
    () => false,
  );
  return files === false ? "temporary" : "best-effort";
}
