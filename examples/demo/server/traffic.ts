/** What passed through people's lines: each request as an operator's log has it, with the first bytes of its body. */

import { Transform, type TransformCallback } from "node:stream";
import type { NodeSizes, Nodes } from "./nodes.js";

/** A request, or a connection of events, and its answer. */
export interface Passed {
  readonly seq: number;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** User id whose line it was. */
  readonly by: string;
  /** Which server it went to. */
  readonly to: "app" | "keyfold";
  readonly method: string;
  readonly path: string;
  readonly status: number;
  /** Bytes of the request's body. */
  readonly sent: number;
  /** Bytes of the answer, its head included. */
  readonly received: number;
  /** First bytes of the request's body. */
  readonly prefix: string;
}

/** How much of a body is shown, in bytes. */
export const PREFIX = 48;
const KEPT = 200;

/** The newest of what passed. */
export class Traffic {
  #passed: Passed[] = [];
  #seq = 0;
  readonly #nodes = new Map<number, number>();

  constructor(
    private readonly tell: (passed: Passed) => void,
    private readonly tellNodes: (nodes: Nodes) => void,
  ) {}

  get newest(): readonly Passed[] {
    return this.#passed;
  }

  note(passed: Omit<Passed, "seq" | "at">): void {
    const noted = { ...passed, seq: ++this.#seq, at: Date.now() };
    this.#passed = [...this.#passed.slice(1 - KEPT), noted];
    this.tell(noted);
  }

  /** Sealed objects that were stored, by size, the smallest first. */
  get nodes(): Nodes {
    return [...this.#nodes].sort(([one], [other]) => one - other);
  }

  /** Objects of these sizes were stored. */
  noteNodes(sizes: readonly number[]): void {
    for (const size of sizes) this.#nodes.set(size, (this.#nodes.get(size) ?? 0) + 1);
    this.tellNodes(this.nodes);
  }

  clear(): void {
    this.#passed = [];
    this.#nodes.clear();
  }
}

/** Counts what streams through it and keeps the beginning. A stream of its own: listening would set the body flowing. */
export class Meter extends Transform {
  bytes = 0;
  #head = Buffer.alloc(0);

  constructor(private readonly nodes: NodeSizes | null = null) {
    super();
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.bytes += chunk.length;
    this.nodes?.take(chunk);
    if (this.#head.length < PREFIX) {
      this.#head = Buffer.concat([this.#head, chunk.subarray(0, PREFIX - this.#head.length)]);
    }
    done(null, chunk);
  }

  /** Text where it is text, else base64. */
  get prefix(): string {
    const text = this.#head.toString("latin1");
    return /^[\x20-\x7e]*$/.test(text) ? text : this.#head.toString("base64");
  }
}
