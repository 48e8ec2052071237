/** What every store promises. Each implementation is run against it: in Node here, IndexedDB by the browser tests. */
import type { Put, Store } from "../../src/engine/store/store.js";
import type { Bytes } from "../../src/types.js";

/** A place that outlives the stores that open it. */
export interface Place {
  open(): Promise<Store>;
}

/** Promises of every store, by name. Each throws if it is broken. */
export const everyStore: Record<string, (place: Place) => Promise<void>> = {
  "what was committed is loaded, and nothing else": async ({ open }) => {
    const store = await open();
    await store.commit([put("h", "a", [1, 2]), put("h", "empty", [])]);
    same(await store.load("h", "a"), [1, 2]);
    same(await store.load("h", "empty"), []);
    same(await store.load("h", "b"), undefined);
    same(await store.load("g", "a"), undefined);
    await store.close();
  },
  "a scan is ordered by name and stays within its home and prefix": async ({ open }) => {
    const store = await open();
    await store.commit([
      put("h", "a/2", [2]),
      put("h", "a/1", [1]),
      put("h", "b", [3]),
      put("hh", "a/3", [4]),
      put("", "a/0", [5]),
    ]);
    const found = await store.scan("h", "a/");
    same(
      found.map(([name, value]) => [name, ...value]),
      [
        ["a/1", 1],
        ["a/2", 2],
      ],
    );
    same(
      (await store.scan("h", "")).map(([name]) => name),
      ["a/1", "a/2", "b"],
    );
    same(
      (await store.scan("", "")).map(([name]) => name),
      ["a/0"],
    );
    await store.close();
  },
  "a later put replaces, and one without a value removes": async ({ open }) => {
    const store = await open();
    await store.commit([put("h", "a", [1]), put("h", "b", [1])]);
    await store.commit([put("h", "a", [2]), { home: "h", name: "b", value: undefined }]);
    same(await store.load("h", "a"), [2]);
    same(await store.load("h", "b"), undefined);
    await store.close();
  },
  "what is loaded is a copy": async ({ open }) => {
    const store = await open();
    await store.commit([put("h", "a", [1, 2])]);
    (await store.load("h", "a"))?.fill(9);
    (await store.scan("h", "a"))[0]?.[1].fill(9);
    same(await store.load("h", "a"), [1, 2]);
    await store.close();
  },
  "two hundred records and a mebibyte go in at once": async ({ open }) => {
    const store = await open();
    const large = new Uint8Array(1 << 20).fill(7);
    const many = Array.from({ length: 200 }, (_, at) => put("h", `r/${String(at).padStart(3, "0")}`, [at]));
    await store.commit([...many, { home: "h", name: "large", value: large.slice() }]);
    same((await store.scan("h", "r/")).length, 200);
    const loaded = await store.load("h", "large");
    if (loaded === undefined || !loaded.every((byte) => byte === 7) || loaded.length !== large.length) {
      throw new Error("the mebibyte is another one");
    }
    await store.close();
  },
  "after closing it answers Closed": async ({ open }) => {
    const store = await open();
    await store.close();
    same(await code(store.load("h", "a")), "Closed");
    same(await code(store.commit([put("h", "a", [1])])), "Closed");
  },
};

/** Promises of those whose records outlive them. */
export const durableStores: Record<string, (place: Place) => Promise<void>> = {
  "what was committed is there after opening again": async ({ open }) => {
    const first = await open();
    await first.commit([put("h", "a", [1]), put("h", "b", [2])]);
    await first.commit([{ home: "h", name: "b", value: undefined }, put("g", "c", [3])]);
    await first.close();
    const second = await open();
    same(await second.load("h", "a"), [1]);
    same(await second.load("h", "b"), undefined);
    same(await second.load("g", "c"), [3]);
    await second.commit([put("h", "a", [4])]);
    await second.close();
    const third = await open();
    same(await third.load("h", "a"), [4]);
    await third.close();
  },
};

function put(home: string, name: string, value: number[]): Put {
  return { home, name, value: Uint8Array.from(value) as Bytes };
}

async function code(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => "nothing was thrown",
    (thrown: { code?: unknown }) => thrown.code,
  );
}

/** Bytes count as the numbers that they are. */
function same(found: unknown, wanted: unknown): void {
  const plain = (value: unknown): string =>
    JSON.stringify(value, (_, inner: unknown) => (inner instanceof Uint8Array ? [...inner] : inner)) ??
    "undefined";
  if (plain(found) !== plain(wanted)) throw new Error(`found ${plain(found)}, wanted ${plain(wanted)}`);
}
