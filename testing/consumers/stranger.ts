/** Somebody who knows nothing of this repository: a copy of a consumer in a temporary folder, installed from tarballs. */

import { execFile, spawn } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, delimiter, join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { root } from "../browser/src/harness/index.ts";

const run = promisify(execFile);

/** Everything quiet, nothing over the network, and the bundlers of the root, as if they were installed here. */
const environment = {
  ...process.env,
  PATH: join(root, "node_modules/.bin") + delimiter + (process.env["PATH"] ?? ""),
  NO_COLOR: "1",
};

/** What an application with React has already. */
const REACT = ["react", "react-dom", "scheduler"];

/**
 * Packs what is handed out, and React as it is installed here: offline, npm knows no other place for it.
 *
 * @returns The tarballs, in `target/packs`.
 */
export async function pack(): Promise<string[]> {
  const folder = join(root, "target/packs");
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const here = ["pack", "--silent", "--pack-destination", folder];
  await run("npm", [...here, "--workspace", "@keyfold/client", "--workspace", "@keyfold/react"], {
    cwd: root,
  });
  await run("npm", [...here, "--ignore-scripts", ...REACT.map((name) => join(root, "node_modules", name))]);
  return (await readdir(folder)).sort().map((name) => join(folder, name));
}

/** A consumer's copy. */
export class Stranger {
  private constructor(
    /** Where the copy lies. */
    readonly folder: string,
  ) {}

  /** Copies a consumer and installs the tarballs into it, offline: they must bring nothing along. */
  static async settle(name: string, tarballs: readonly string[]): Promise<Stranger> {
    const folder = await mkdtemp(join(tmpdir(), `keyfold-${name}-`));
    await cp(join(root, "testing/consumers", name), folder, { recursive: true });
    const wanted = tarballs.filter(
      (file) => name === "react" || basename(file).startsWith("keyfold-client-"),
    );
    const quiet = ["--offline", "--no-audit", "--no-fund", "--loglevel", "error"];
    await run("npm", ["install", ...quiet, ...wanted], { cwd: folder, env: environment });
    return new Stranger(folder);
  }

  /**
   * Runs a script of its `package.json`.
   *
   * @returns What it printed.
   * @throws If it fails.
   */
  async run(script: string, ...args: string[]): Promise<string> {
    const { stdout } = await run("npm", ["run", script, "--silent", "--", ...args], {
      cwd: this.folder,
      env: environment,
    });
    return stdout;
  }

  /** Starts Vite's development server, and hands back where it answers and what ends it. */
  async develop(): Promise<{ url: string; stop: () => Promise<void> }> {
    // Not through npm, which would have to be ended before its child.
    const script = join(root, "node_modules/vite/bin/vite.js");
    const args = [script, "--host", "127.0.0.1", "--port", "0", "--logLevel", "info"];
    const child = spawn(process.execPath, args, { cwd: this.folder, env: environment });
    const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    const stop = (): Promise<void> => {
      child.kill();
      return gone;
    };
    for await (const line of createInterface({ input: child.stdout })) {
      const url = /http:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0];
      if (url !== undefined) {
        child.stdout.resume();
        return { url, stop };
      }
    }
    throw new Error("Vite did not say where it answers");
  }

  /** Removes the copy. */
  async leave(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}
