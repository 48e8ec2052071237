/** How much memory Chromium's page processes hold: the most that was resident while something ran. */
import { readFile } from "node:fs/promises";
import type { BrowserContext } from "playwright-core";

/** Often enough for what grows over seconds; reading it stops the process that is read for a moment. */
const EVERY_MS = 250;

/** Watches the resident memory of all page processes until it is stopped. */
export class MemoryWatch {
  #most = 0;
  #timer: NodeJS.Timeout;

  private constructor(
    private readonly pids: readonly number[],
    readonly before: number,
  ) {
    this.#timer = setInterval(() => void this.#look(), EVERY_MS);
  }

  static async start(context: BrowserContext): Promise<MemoryWatch> {
    const pids = await renderers(context);
    return new MemoryWatch(pids, await resident(pids));
  }

  async #look(): Promise<void> {
    this.#most = Math.max(this.#most, await resident(this.pids));
  }

  /** MiB more than at the start, at the most. */
  async stop(): Promise<number> {
    clearInterval(this.#timer);
    await this.#look();
    return this.#most - this.before;
  }
}

/** Ids of the page processes of a browser. */
export async function renderers(context: BrowserContext): Promise<number[]> {
  const browser = context.browser();
  const session = browser ? await browser.newBrowserCDPSession() : null;
  if (!session) return [];
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  await session.detach();
  return processInfo.filter((process) => process.type === "renderer").map((process) => process.id);
}

/** MiB that are resident in processes, without what they share with each other. */
export async function resident(pids: readonly number[]): Promise<number> {
  let kib = 0;
  for (const pid of pids) {
    const text = await readFile(`/proc/${pid}/smaps_rollup`, "utf8").catch(() => "");
    for (const field of ["Private_Clean", "Private_Dirty"]) {
      kib += Number(new RegExp(`^${field}:\\s+(\\d+)`, "m").exec(text)?.[1] ?? 0);
    }
  }
  return kib / 1024;
}
