/**
 * One process at a time in a folder. Node has no file locks, so a file names the process that works here; if that one
 * is gone, the file is worth nothing.
 */
import { link, readFile, rename, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { KeyfoldError } from "../../error.js";

const LOCK = "lock";
/** How long to wait for another client, and how often to look. */
const WAIT_MS = 5_000;
const POLL_MS = 50;

/** Kept while a client works in a folder. */
export class FolderLock {
  readonly #path: string;

  private constructor(path: string) {
    this.#path = path;
  }

  /** Waits a little for another client. `HomeInUse` */
  static async take(dir: string): Promise<FolderLock> {
    const path = join(dir, LOCK);
    const deadline = performance.now() + WAIT_MS;
    for (;;) {
      if (await claim(path)) return new FolderLock(path);
      if (await discardStale(path)) continue;
      if (performance.now() > deadline) {
        throw new KeyfoldError("HomeInUse", `another client works in ${dir}`, {
          hint: "Close it, or use another folder.",
        });
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  async release(): Promise<void> {
    await unlink(this.#path).catch(() => undefined);
  }
}

/** Makes the lock, if there is none: by a link, so that it is never there without its text. */
async function claim(path: string): Promise<boolean> {
  const draft = `${path}.${process.pid}.${crypto.randomUUID()}`;
  await writeFile(draft, await thisProcess(), { mode: 0o600, flag: "wx" });
  try {
    await link(draft, path);
    return true;
  } catch (thrown) {
    if (isCode(thrown, "EEXIST")) return false;
    throw thrown;
  } finally {
    await unlink(draft);
  }
}

/** Removes the lock of a process that is gone. */
async function discardStale(path: string): Promise<boolean> {
  const holder = await readFile(path, "utf8").catch(() => undefined);
  if (holder === undefined) return true;
  if (await isAlive(holder)) return false;
  // By a rename, which only one of several can do; and what was renamed is looked at again.
  const aside = `${path}.${process.pid}.${crypto.randomUUID()}`;
  try {
    await rename(path, aside);
  } catch {
    return true;
  }
  const taken = await readFile(aside, "utf8");
  if (taken !== holder) await rename(aside, path);
  else await unlink(aside);
  return taken === holder;
}

/** The process id, and where the system tells it when the process began: ids are used again. */
async function thisProcess(): Promise<string> {
  return `${process.pid} ${await began(process.pid)}`;
}

async function isAlive(holder: string): Promise<boolean> {
  const [pid = "", since = ""] = holder.split(" ");
  try {
    process.kill(Number(pid), 0);
  } catch (thrown) {
    // Somebody else's process lives too.
    return isCode(thrown, "EPERM");
  }
  return since === (await began(Number(pid)));
}

/** When a process began, in the system's own count; empty where the system does not tell. */
async function began(pid: number): Promise<string> {
  const line = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  // The second field, the name, may hold anything but ends with the last bracket.
  return line.slice(line.lastIndexOf(")") + 2).split(" ")[19] ?? "";
}

function isCode(thrown: unknown, code: string): boolean {
  return thrown instanceof Error && "code" in thrown && thrown.code === code;
}
