/**
 * An application's web site: a blank page, the built client under `/client/`, the scenarios under `/scenarios/`; or a
 * folder as it is. It sends the strictest content security policy that the client promises to work under, and can
 * serve things wrongly.
 */

import { readFile } from "node:fs/promises";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";
import { scenarioScript } from "./bundle.ts";
import { clientDist } from "./place.ts";

/** How one path is served instead. */
export interface Fault {
  /** HTTP status; default 200. */
  readonly status?: number;
  /** Other bytes than the file's. */
  readonly body?: string | Uint8Array;
  /** Another media type than the file's. */
  readonly type?: string;
  /** Milliseconds before the answer starts. */
  readonly delay?: number;
}

/** What the client needs from a content security policy, and nothing else: the servers of a test have any port. */
export const STRICT_POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "worker-src 'self'",
  "connect-src 'self' http://127.0.0.1:* ws://127.0.0.1:*",
].join("; ");

const PAGE = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Keyfold</title>
<script type="module" src="/start.js"></script></html>`;

/** The page imports by itself: in what a test hands to \`evaluate\`, the test runner would rewrite an \`import()\`. */
const START = `
globalThis.kept = {};
globalThis.scenario = async (name) => (await import("/scenarios/" + name + ".js")).scenarios;
globalThis.ready = import("/client/index.js").then((module) => void (globalThis.keyfold = module));
// Who waits for it is told of its failure.
globalThis.ready.catch(() => undefined);
`;

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".map": "application/json",
  ".wasm": "application/wasm",
};

/** A running site: an origin of its own. */
export class Site {
  private readonly faults = new Map<string, Fault>();
  private readonly pages = new Map<string, { type: string; body: string }>();
  /** The policy of every answer; `undefined` for none. */
  policy: string | undefined = STRICT_POLICY;
  /** Paths that were asked for, in order. */
  readonly asked: string[] = [];

  private constructor(
    private readonly server: Server,
    private readonly folder: string,
    private readonly at: string,
  ) {}

  /**
   * Starts one on a free port.
   *
   * @param folder - The client, served under `/client/`; what was built if left out.
   */
  static async start(folder = clientDist): Promise<Site> {
    const site = await Site.of(folder, "/client/");
    site.serve("/index.html", PAGE);
    site.serve("/start.js", START);
    return site;
  }

  /** Starts one on a free port that serves a folder under a path, `/` for all of it. */
  static async of(folder: string, at: string): Promise<Site> {
    const server = createServer();
    const site = new Site(server, folder, at);
    server.on("request", (request, response) => {
      site.answer(new URL(request.url ?? "/", site.url).pathname, response).catch((error: unknown) => {
        response.destroy(error instanceof Error ? error : new Error(String(error)));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return site;
  }

  /** Its origin, without a slash at the end. */
  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Serves a path wrongly from now on; `undefined` serves it rightly again. */
  fault(path: string, fault: Fault | undefined): void {
    if (fault === undefined) this.faults.delete(path);
    else this.faults.set(path, fault);
  }

  /** Serves a text of the test's own, such as a script; the path's ending gives its media type. */
  serve(path: string, body: string): void {
    this.pages.set(path, { type: extname(path), body });
  }

  /** Takes it down. */
  async remove(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async answer(path: string, response: ServerResponse): Promise<void> {
    this.asked.push(path);
    const fault = this.faults.get(path) ?? {};
    if (fault.delay !== undefined) await new Promise((resolve) => setTimeout(resolve, fault.delay));
    const found = await this.find(path);
    if (this.policy !== undefined) response.setHeader("content-security-policy", this.policy);
    response.setHeader("cache-control", "no-store");
    const type = fault.type ?? TYPES[found?.type ?? ""];
    if (type !== undefined) response.setHeader("content-type", type);
    response.statusCode = fault.status ?? (found === undefined ? 404 : 200);
    response.end(fault.body ?? (fault.status === undefined ? found?.body : undefined));
  }

  private async find(path: string): Promise<{ type: string; body: string | Uint8Array } | undefined> {
    // Chromium asks for it by itself; an empty answer is no error in its console.
    if (path === "/favicon.ico") return { type: "", body: "" };
    if (path.endsWith("/")) return await this.find(`${path}index.html`);
    const page = this.pages.get(path);
    if (page !== undefined) return page;
    const scenario = /^\/scenarios\/([a-z0-9-]+)\.js$/.exec(path)?.[1];
    if (scenario !== undefined) return { type: ".js", body: await scenarioScript(scenario) };
    const file = path.startsWith(this.at) ? normalize(path.slice(this.at.length)) : "..";
    if (file.startsWith("..")) return undefined;
    try {
      return { type: extname(file), body: await readFile(join(this.folder, file)) };
    } catch {
      return undefined;
    }
  }
}
