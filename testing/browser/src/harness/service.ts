/** A program that says where it listens in one line of JSON. Separate because the honest and the lying server both do. */

import { spawn, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";

/** How long a program may take to say where it listens, milliseconds. */
const PATIENCE = 30_000;

const running = new Set<ChildProcess>();
// However the run ends, no server stays behind.
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** A running program, and what its first line said. */
export class Service {
  private constructor(
    private readonly child: ChildProcess,
    /** The document that it printed first. */
    readonly said: Readonly<Record<string, unknown>>,
  ) {}

  /**
   * Starts it and waits for its first line.
   *
   * @throws If it ends before, takes longer than 30 s, or says something else.
   */
  static async start(program: string, args: readonly string[]): Promise<Service> {
    // What the person at the keyboard has set is not part of a test.
    const env = Object.fromEntries(
      Object.entries(process.env).filter(([name]) => !name.startsWith("KEYFOLD_")),
    );
    // Its standard input stays open for as long as this process lives: a program may take that for its own end.
    const child = spawn(program, args, { env, stdio: ["pipe", "pipe", "pipe"] });
    running.add(child);
    child.once("exit", () => running.delete(child));
    let complaint = "";
    child.stderr.on("data", (chunk: Buffer) => (complaint += chunk.toString()));
    const lines = createInterface({ input: child.stdout });
    let timer: NodeJS.Timeout | undefined;
    try {
      const line = await new Promise<string>((resolve, reject) => {
        timer = setTimeout(() => reject(new Error(`${program} said nothing for ${PATIENCE} ms`)), PATIENCE);
        lines.once("line", resolve);
        child.once("error", reject);
        child.once("exit", (code) => reject(new Error(`${program} ended with ${code}: ${complaint}`)));
      });
      return new Service(child, JSON.parse(line));
    } catch (error) {
      child.kill("SIGKILL");
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * A text of its first line.
   *
   * @throws If there is none of this name.
   */
  text(name: string): string {
    const value = this.said[name];
    if (typeof value !== "string") throw new Error(`no ${name} in ${JSON.stringify(this.said)}`);
    return value;
  }

  /** Ends it at once, as a power cut would. */
  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = new Promise((resolve) => this.child.once("exit", resolve));
    this.child.kill("SIGKILL");
    await gone;
  }
}
