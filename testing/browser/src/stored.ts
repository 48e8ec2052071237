/** What a site stored in a browser. */

import type { Page } from "playwright-core";

/** Everything that the site stored, as texts: bytes are hexadecimal. */
export async function stored(page: Page): Promise<string[]> {
  return await page.evaluate(async () => {
    const found: string[] = [];
    const hex = (bytes: Uint8Array): string =>
      Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
    const note = (value: unknown): void => {
      if (value instanceof ArrayBuffer) found.push(hex(new Uint8Array(value)));
      else if (ArrayBuffer.isView(value))
        found.push(hex(new Uint8Array(value.buffer, value.byteOffset, value.byteLength)));
      else if (value instanceof CryptoKey)
        found.push(`CryptoKey ${value.extractable ? "extractable" : "sealed"}`);
      else if (typeof value === "object" && value !== null)
        for (const entry of Object.entries(value)) entry.forEach(note);
      else found.push(String(value));
    };
    const read = <T>(request: IDBRequest<T>): Promise<T> =>
      new Promise((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
      });
    for (const { name = "" } of await indexedDB.databases()) {
      const database = await read(indexedDB.open(name));
      for (const store of database.objectStoreNames) {
        const from = database.transaction(store).objectStore(store);
        const [keys, values] = await Promise.all([read(from.getAllKeys()), read(from.getAll())]);
        keys.forEach(note);
        values.forEach(note);
      }
      database.close();
    }
    note({ ...localStorage });
    note({ ...sessionStorage });
    for (const name of await caches.keys()) {
      const cache = await caches.open(name);
      for (const request of await cache.keys())
        found.push(request.url, (await (await cache.match(request))?.text()) ?? "");
    }
    found.push(document.cookie);
    return found;
  });
}
