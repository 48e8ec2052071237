/** What strangers build with what is packed works, without configuration. */

import { rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, gzip } from "node:zlib";
import type { Page } from "playwright-core";
import { beforeAll, describe, expect, onTestFinished } from "vitest";
import { type Keyfold, Site, STRICT_POLICY, test } from "../browser/src/harness/index.ts";
import { pack, Stranger } from "./stranger.ts";

const TEXT = "Lunch at noon?";

/** How long the first steps may take, milliseconds. */
const PATIENCE = 120_000;

/** `inline` starts its worker from bytes that came along. */
const INLINE_POLICY = STRICT_POLICY.replace("worker-src 'self'", "worker-src 'self' blob:");

let tarballs: string[];
beforeAll(async () => {
  tarballs = await pack();
});

async function settle(name: string): Promise<Stranger> {
  const stranger = await Stranger.settle(name, tarballs);
  onTestFinished(() => stranger.leave());
  return stranger;
}

async function serve(folder: string): Promise<Site> {
  const site = await Site.of(folder, "/");
  onTestFinished(() => site.remove());
  return site;
}

/** Opens the page, starts it, and sees the text. Hands back what came with the page, and what came in all. */
async function use(
  page: Page,
  url: string,
  keyfold: Keyfold,
  also: Readonly<Record<string, string>> = {},
): Promise<{ page: Buffer[]; all: Buffer[] }> {
  const bodies: Promise<Buffer>[] = [];
  // The context tells of what workers ask for, too.
  page.context().on("requestfinished", (request) => {
    if (request.url().startsWith(url) && !request.url().endsWith(".ico")) {
      const response = request.response();
      // What a worker loaded that has ended by now is not to be had any more.
      const body = response.then((response) => response?.body()).catch(() => undefined);
      bodies.push(body.then((body) => body ?? Buffer.alloc(0)));
    }
  });
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(error.stack ?? error.message));
  page.on("console", (message) => {
    // Chromium asks every site for an icon; these have none.
    const { url } = message.location();
    if (message.type() === "error" && !url.endsWith(".ico")) complaints.push(`${message.text()} (${url})`);
  });
  const query = new URLSearchParams({ server: keyfold.url, key: keyfold.key, user: "alice", ...also });
  await page.goto(`${url}/?${query}`, { waitUntil: "networkidle" });
  const early = await Promise.all(bodies);
  await page.getByRole("button", { name: "Start" }).click();
  const text = page.getByRole("status");
  await expect
    .poll(async () => [await text.textContent(), ...complaints].join("\n"), { timeout: PATIENCE })
    .toMatch(/./);
  expect([await text.textContent(), ...complaints]).toEqual([TEXT]);
  return { page: early, all: await Promise.all(bodies) };
}

/** Prints what a visitor loads. With React the page comes with all: a hook that shows state is a first use. */
async function report(name: string, loaded: { page: Buffer[]; all: Buffer[] }): Promise<void> {
  const kilobytes = async (bodies: Buffer[], pack: (body: Buffer) => Promise<Buffer>): Promise<string> => {
    const sizes = await Promise.all(bodies.map(async (body) => (await pack(body)).length));
    return (sizes.reduce((sum, size) => sum + size, 0) / 1000).toFixed(1);
  };
  const line = async (bodies: Buffer[]): Promise<string> =>
    `${await kilobytes(bodies, promisify(gzip))} kB gzip, ${await kilobytes(bodies, promisify(brotliCompress))} kB Brotli`;
  console.log(`${name}: ${await line(loaded.page)} with the page; ${await line(loaded.all)} in all`);
}

describe("built", () => {
  for (const [name, output] of [
    ["vite", "dist"],
    ["react", "dist"],
    ["webpack", "."],
    ["esbuild", "."],
  ] as const) {
    test(`with ${name}`, async ({ keyfold, browser }) => {
      const stranger = await settle(name);
      await stranger.run("build");
      // What was built must stand alone.
      await rm(join(stranger.folder, "node_modules"), { recursive: true });
      const site = await serve(join(stranger.folder, output));
      site.policy = name === "esbuild" ? INLINE_POLICY : STRICT_POLICY;
      const page = await browser.newPage();
      onTestFinished(() => page.close());
      await report(name, await use(page, site.url, keyfold));
      if (name === "react") return;
      // The second WebAssembly file was found and put where it is looked for.
      const another = await browser.newPage();
      onTestFinished(() => another.close());
      await use(another, site.url, keyfold, { user: "bob", lock: "yes" });
    });
  }
});

describe("as it is", () => {
  test("in a page, without a bundler", async ({ keyfold, browser }) => {
    const stranger = await settle("module");
    const site = await serve(stranger.folder);
    const page = await browser.newPage();
    onTestFinished(() => page.close());
    await report("module", await use(page, site.url, keyfold));
    const another = await browser.newPage();
    onTestFinished(() => another.close());
    await use(another, site.url, keyfold, { user: "bob", lock: "yes" });
  });

  test("in Node", async ({ keyfold }) => {
    const stranger = await settle("node");
    expect((await stranger.run("start", keyfold.url, keyfold.key)).trim()).toBe(TEXT);
  });

  for (const name of ["vite", "react"]) {
    test(`with Vite's development server: ${name}`, async ({ keyfold, browser }) => {
      const stranger = await settle(name);
      const { url, stop } = await stranger.develop();
      onTestFinished(stop);
      const page = await browser.newPage();
      onTestFinished(() => page.close());
      await use(page, url, keyfold);
    });
  }
});
