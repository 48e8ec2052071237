/** One page of the benchmark in a Chromium of its own, with a server of its own. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { build } from "esbuild";
import type { BrowserContext, Page } from "playwright-core";
import type { Options } from "./main.js";
import type { Measurements, Place } from "./page/page.js";
import { openChromium, serveFiles, startKeyfold } from "./world.js";

type Name = keyof Measurements;

/** A page, and what it is called with. */
export interface World {
  readonly context: BrowserContext;
  readonly page: Page;
  readonly place: Place;
  call<N extends Name>(
    name: N,
    ...args: Parameters<Measurements[N]>
  ): Promise<Awaited<ReturnType<Measurements[N]>>>;
  callOn<N extends Name>(
    page: Page,
    name: N,
    ...args: Parameters<Measurements[N]>
  ): Promise<Awaited<ReturnType<Measurements[N]>>>;
  /** A further page, at the address or at a name. */
  open(host?: string): Promise<Page>;
  stop(): Promise<void>;
}

export async function openPage(options: Options, profile: "disk" | "memory" = "disk"): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), "keyfold-bench-page-"));
  const source = join(options.root, "benches/web/src/page");
  await build({
    entryPoints: ["page.ts", "raw-worker.ts", "sodium.ts"].map((file) => join(source, file)),
    bundle: true,
    format: "esm",
    outdir: folder,
    // The package as it is published: its own files beside it.
    external: ["@keyfold/client"],
    logLevel: "warning",
  });
  const keyfold = await startKeyfold(options.keyfold);
  const files = await serveFiles([source, folder, join(options.root, "packages/client/dist")]);
  const { context, stop } = await openChromium(profile);
  const place = { serverURL: keyfold.url, serverSignaturePublicKey: keyfold.serverKey };
  await context.route(/\/page\.js$/, async (route) => {
    const response = await route.fetch();
    const text = await response.text();
    await route.fulfill({ response, body: text.replaceAll('"@keyfold/client"', '"/index.js"') });
  });
  const open = async (host = "127.0.0.1") => {
    const page = await context.newPage();
    page.on("pageerror", (error) => console.error(error));
    await page.goto(files.url.replace("127.0.0.1", host));
    await page.waitForFunction(() => "measurements" in window);
    return page;
  };
  const callOn: World["callOn"] = (page, name, ...args) =>
    page.evaluate(
      ([name, args]) => {
        const { measurements } = window as unknown as {
          measurements: Record<string, (...args: unknown[]) => unknown>;
        };
        return measurements[name]?.(...args);
      },
      [name as string, args as unknown[]] as const,
    ) as never;
  const page = await open();
  return {
    context,
    page,
    place,
    callOn,
    call: (name, ...args) => callOn(page, name, ...args),
    open,
    async stop() {
      await stop();
      files.stop();
      await keyfold.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The project's root, from a file of this package's. */
export function rootOf(program: string): string {
  return dirname(dirname(dirname(dirname(program))));
}
