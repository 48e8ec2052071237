/** What somebody's "clear site data" does. */

import type { Tab } from "./tab.ts";

/** Clears what the tab's site stored, of these kinds: `indexeddb`, `all`. */
export async function clear(tab: Tab, storageTypes: string): Promise<void> {
  const devtools = await tab.visitor.devtools(tab.page);
  await devtools.send("Storage.clearDataForOrigin", { origin: new URL(tab.page.url()).origin, storageTypes });
}
