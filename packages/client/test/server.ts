/** A real server, and clients of it: `target/debug/keyfold`, or `KEYFOLD_BIN`, in a folder of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Client } from "../src/node.js";
import type { ClientConfig } from "../src/types.js";

const BINARY =
  process.env["KEYFOLD_BIN"] ?? fileURLToPath(new URL("../../../target/debug/keyfold", import.meta.url));

/** The modules as they lie in the sources: only the built package has them beside its script. */
const built = (file: string): Uint8Array<ArrayBuffer> =>
  new Uint8Array(readFileSync(new URL(`../src/wasm/${file}`, import.meta.url)));
export const wasm = built("keyfold_bg.wasm");
export const recoveryWasm = built("keyfold_recovery_bg.wasm");

/** A running server. */
export class Server {
  readonly url: string;
  readonly key: string;
  readonly #dir: string;
  #process: ChildProcess;
  readonly #clients: Client[] = [];

  private constructor(process: ChildProcess, dir: string, url: string, key: string) {
    this.#process = process;
    this.#dir = dir;
    this.url = url;
    this.key = key;
  }

  static async start(): Promise<Server> {
    const dir = await mkdtemp(join(tmpdir(), "keyfold-client-"));
    const process = run(dir, "127.0.0.1:0");
    const { url, key } = await said(process);
    return new Server(process, dir, url, key);
  }

  /** A client, closed with the server. */
  client(config: Partial<ClientConfig> = {}): Client {
    const here = { serverURL: this.url, serverSignaturePublicKey: this.key, wasm, recoveryWasm };
    const client = new Client({ ...here, ...config });
    this.#clients.push(client);
    return client;
  }

  /** A folder that goes with the server. */
  folder(name: string): string {
    return join(this.#dir, "homes", name);
  }

  /** The server is gone, and comes back at the same address. */
  async stop(): Promise<void> {
    const exited = once(this.#process, "exit");
    this.#process.kill("SIGTERM");
    await exited;
  }

  /** Gives its key, which is the next one if one was made. */
  async startAgain(): Promise<string> {
    this.#process = run(this.#dir, new URL(this.url).host);
    return (await said(this.#process)).key;
  }

  /** Makes the key that it has when it is started again. */
  async makeNextKey(): Promise<void> {
    const made = spawn(BINARY, ["serve", "key", "next", ...folders(this.#dir)], { stdio: "ignore" });
    const [code] = (await once(made, "exit")) as [number | null];
    if (code !== 0) throw new Error(`no next key: ${code}`);
  }

  async close(): Promise<void> {
    for (const client of this.#clients) client.close();
    if (this.#process.exitCode === null) await this.stop();
    await rm(this.#dir, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Waits for a condition; fails after ten seconds. */
export async function until(condition: () => unknown): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`in vain: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** The code with which a promise is rejected. */
export async function codeOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    (value) => ({ resolvedTo: value }),
    (error: { code?: unknown }) => error.code,
  );
}

function folders(dir: string): string[] {
  return ["--data", join(dir, "data"), "--secrets", join(dir, "secrets")];
}

function run(dir: string, address: string): ChildProcess {
  const args = ["serve", ...folders(dir), "--listen", address];
  return spawn(BINARY, args, { stdio: ["ignore", "pipe", "pipe"] });
}

async function said(process: ChildProcess): Promise<{ url: string; key: string }> {
  let text = "";
  process.stderr?.on("data", (chunk: Buffer) => {
    text += chunk.toString();
  });
  for await (const chunk of process.stdout ?? []) {
    text += String(chunk);
    const [, url, key] = /url\s+(\S+)[\s\S]*?key\s+(\S+)/.exec(text) ?? [];
    if (url !== undefined && key !== undefined) {
      process.stdout?.resume();
      return { url, key };
    }
  }
  throw new Error(`the server did not start: ${text}`);
}
