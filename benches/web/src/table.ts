/**
 * One table of `docs/numbers.md`, as `benches/src/table.rs` reads it: this program measures and the report is
 * written in one place.
 */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { cpus, release, totalmem, type } from "node:os";

/** Whose number it is. */
export type Whose = "Keyfold" | "Peer" | "Limit";
/** What is counted. */
export type Unit = "MB/s" | "MiB" | "ms" | "kB";

/** What a number must reach, and in which words. */
export interface Target {
  readonly bound: { readonly AtLeast: number } | { readonly AtMost: number };
  readonly words: string;
}

/** One line of a table. */
export interface Line {
  readonly work: string;
  readonly whose: Whose;
  readonly unit: Unit;
  /** In the order in which they were taken. */
  readonly samples: readonly number[];
  readonly targets: readonly Target[];
}

/** One table. */
export interface Table {
  /** The name of its files; tables are in its order. */
  readonly id: string;
  readonly title: string;
  /** How it was measured. */
  readonly note: string;
  readonly lines: readonly Line[];
}

/** A line of ours. */
export function keyfold(work: string, unit: Unit, samples: readonly number[], ...targets: Target[]): Line {
  return { work, whose: "Keyfold", unit, samples, targets };
}

/** A line of a peer, or of what the machine can do at most. */
export function beside(whose: "Peer" | "Limit", work: string, unit: Unit, samples: readonly number[]): Line {
  return { work, whose, unit, samples, targets: [] };
}

/** At most so much. */
export function atMost(most: number, unit: Unit): Target {
  return { bound: { AtMost: most }, words: `≤ ${most} ${unit}` };
}

/** At least `factor` times what something else reached in the same runs. */
export function times(factor: number, what: string, samples: readonly number[]): Target {
  return { bound: { AtLeast: factor * median(samples) }, words: `≥ ${factor} × ${what}` };
}

/** The middle sample, or the mean of the two in the middle. */
export function median(samples: readonly number[]): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const above = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? above : ((sorted[middle - 1] ?? Number.NaN) + above) / 2;
}

/** Keeps a table for the report. */
export async function keep(folder: string, table: Table, versions: string): Promise<void> {
  const machine = {
    processor: cpus()[0]?.model ?? "unknown",
    cores: cpus().length,
    memory_gib: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release()}`,
    compiler: versions,
  };
  await writeFile(join(folder, `${table.id}.json`), `${JSON.stringify({ ...table, machine }, null, 2)}\n`);
}
