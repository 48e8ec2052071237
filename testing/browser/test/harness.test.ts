/** The harness itself: a check that cannot fail shows nothing. */

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect } from "vitest";
import { equal, eventually, fails } from "../src/assert.ts";
import { Site, test, Visitor, Wire } from "../src/harness/index.ts";

/** A stand-in for the built client: what these tests look at is around it. */
async function emptySite(): Promise<{ site: Site; remove: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), "keyfold-site-"));
  await writeFile(join(folder, "index.js"), "export const Client = class {};");
  const site = await Site.start(folder);
  const remove = async (): Promise<void> => {
    await site.remove();
    await rm(folder, { recursive: true });
  };
  return { site, remove };
}

describe("visitors", () => {
  test("an error in the page is a complaint, and an expected one is not", async ({
    browser,
    onTestFinished,
  }) => {
    const { site, remove } = await emptySite();
    onTestFinished(remove);
    const visitor = await Visitor.arrive(browser, site);
    onTestFinished(() => visitor.leave());
    const page = await visitor.tab();
    await page.evaluate(() => {
      console.error("red");
      setTimeout(() => {
        throw new Error("thrown");
      });
    });
    await eventually("both are heard", () => visitor.unexpected().length === 2);
    visitor.expect(/red/, /thrown/);
    expect(visitor.unexpected()).toEqual([]);
  });

  test("what a worker complains about is heard", async ({ browser, onTestFinished }) => {
    const { site, remove } = await emptySite();
    onTestFinished(remove);
    site.serve("/worker.js", "console.error('from the worker');");
    const visitor = await Visitor.arrive(browser, site);
    onTestFinished(() => visitor.leave());
    const page = await visitor.tab();
    await page.evaluate(() => void new Worker("/worker.js"));
    await eventually("it is heard", () =>
      visitor.unexpected().some((line) => line.includes("from the worker")),
    );
  });

  test("a killed tab is gone, and its neighbour is not", async ({ browser, onTestFinished }) => {
    const { site, remove } = await emptySite();
    onTestFinished(remove);
    const visitor = await Visitor.arrive(browser, site);
    onTestFinished(() => visitor.leave());
    const [first, second] = [await visitor.tab(), await (await Visitor.arrive(browser, site)).tab()];
    await visitor.kill(first);
    expect(await second.evaluate(() => 1 + 1)).toBe(2);
    expect(visitor.unexpected()).toEqual([]);
  });

  test("a quota stops a page that stores more", async ({ browser, onTestFinished }) => {
    const { site, remove } = await emptySite();
    onTestFinished(remove);
    const visitor = await Visitor.arrive(browser, site);
    onTestFinished(() => visitor.leave());
    const page = await visitor.tab();
    const store = (): Promise<string> =>
      page.evaluate(async () => {
        const database = await new Promise<IDBDatabase>((resolve, reject) => {
          const open = indexedDB.open("test");
          open.onupgradeneeded = () => open.result.createObjectStore("records", { autoIncrement: true });
          open.onsuccess = () => resolve(open.result);
          open.onerror = () => reject(open.error);
        });
        const writing = database.transaction("records", "readwrite", { durability: "strict" });
        writing.objectStore("records").add(crypto.getRandomValues(new Uint8Array(65_536)));
        const outcome = await new Promise<string>((resolve) => {
          writing.oncomplete = () => resolve("stored");
          writing.onabort = () => resolve(writing.error?.name ?? "aborted");
        });
        database.close();
        return outcome;
      });
    await visitor.quota(page, 1_000);
    expect(await store()).toBe("QuotaExceededError");
    await visitor.quota(page, undefined);
    await eventually("there is room again", async () => (await store()) === "stored");
  });
});

describe("the site", () => {
  test("serves a path wrongly when told to", async ({ onTestFinished }) => {
    const { site, remove } = await emptySite();
    onTestFinished(remove);
    site.fault("/client/index.js", { status: 500, body: "no" });
    expect((await fetch(`${site.url}/client/index.js`)).status).toBe(500);
    site.fault("/client/index.js", undefined);
    expect(await (await fetch(`${site.url}/client/index.js`)).text()).toContain("Client");
    expect((await fetch(`${site.url}/client/%2e%2e/place.ts`)).status).toBe(404);
  });
});

describe("the wire", () => {
  test("passes bytes through, and can be cut", async ({ wire }) => {
    await fetch(`${wire.url}/somewhere`);
    expect(wire.taken().toString()).toContain("GET /somewhere");
    wire.set({ up: false });
    await expect(fetch(wire.url)).rejects.toThrow();
    wire.set({});
    await expect(fetch(wire.url)).resolves.toBeDefined();
  });

  test("delays when told to", async ({ keyfold }) => {
    const wire = await Wire.to(keyfold.url);
    wire.set({ latency: 100 });
    const start = performance.now();
    await fetch(wire.url);
    expect(performance.now() - start).toBeGreaterThan(190);
    await wire.remove();
  });
});

describe("assertions", () => {
  test("equal compares by content, and differences are told", () => {
    equal({ a: [new Date(1), new Uint8Array([1])] }, { a: [new Date(1), new Uint8Array([1])] });
    for (const other of [{ a: 1, b: undefined }, { a: 2 }, [1], null, undefined]) {
      expect(() => equal({ a: 1 }, other)).toThrow("not equal");
    }
    expect(() => equal(new Date(1), new Date(2))).toThrow("not equal");
  });

  test("fails wants this code and no other", async () => {
    const broken = (code: string) => () => Promise.reject(Object.assign(new Error("no"), { code }));
    await fails("NotAllowed", broken("NotAllowed"));
    await expect(fails("NotAllowed", broken("UserTaken"))).rejects.toThrow("UserTaken");
    await expect(fails("NotAllowed", () => 7)).rejects.toThrow("answered 7");
  });
});
