/**
 * What a measurement needs: `keyfold serve` as it is handed out, a plain file server for the page, and Chromium. Each
 * is a process or a port of its own, and ends with the measurement.
 */
import { spawn } from "node:child_process";
import { createReadStream } from "node:fs";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { extname, join, normalize } from "node:path";
import { createInterface } from "node:readline";
import { type BrowserContext, chromium } from "playwright-core";

/** Where a Keyfold server is, and its key. */
export interface KeyfoldServer {
  readonly url: string;
  readonly serverKey: string;
  stop(): Promise<void>;
}

/** Starts `keyfold serve` on an empty folder. */
export async function startKeyfold(program: string): Promise<KeyfoldServer> {
  const folder = await mkdtemp(join(tmpdir(), "keyfold-bench-"));
  const child = spawn(
    program,
    ["--json", "serve", "--data", join(folder, "server"), "--listen", "127.0.0.1:0"],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const first = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).once("line", resolve);
    child.once("exit", (code) => reject(new Error(`keyfold serve ended with ${code}`)));
  });
  const { url, serverKey } = JSON.parse(first) as { url: string; serverKey: string };
  return {
    url,
    serverKey,
    async stop() {
      child.kill("SIGTERM");
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const TYPES: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".wasm": "application/wasm",
};

/** Serves files: the first folder that has one wins. */
export async function serveFiles(folders: readonly string[]): Promise<{ url: string; stop(): void }> {
  const server = createServer(async (request, response) => {
    const path = normalize(new URL(request.url ?? "/", "http://localhost").pathname);
    for (const folder of folders) {
      const file = join(folder, path === "/" ? "index.html" : path);
      const about = await stat(file).catch(() => null);
      if (about?.isFile()) {
        response.writeHead(200, {
          "content-type": TYPES[extname(file)] ?? "application/octet-stream",
          "cache-control": "max-age=3600",
        });
        createReadStream(file).pipe(response);
        return;
      }
    }
    response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    stop() {
      server.closeAllConnections();
      server.close();
    },
  };
}

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--enable-precise-memory-info",
];

/** A Chromium of one's own, with a profile on the disk, or one that keeps everything in memory. */
export async function openChromium(
  profile: "disk" | "memory",
): Promise<{ context: BrowserContext; stop(): Promise<void> }> {
  const how = {
    executablePath: process.env["KEYFOLD_CHROMIUM"] ?? "/usr/bin/chromium",
    headless: true,
    args: FLAGS,
  };
  if (profile === "memory") {
    const browser = await chromium.launch(how);
    return { context: await browser.newContext(), stop: () => browser.close() };
  }
  const folder = await mkdtemp(join(tmpdir(), "keyfold-bench-chromium-"));
  const context = await chromium.launchPersistentContext(folder, how);
  return {
    context,
    async stop() {
      await context.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
