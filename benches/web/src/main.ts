/**
 * Measures the TypeScript client beside its peers. `cargo xtask bench web` runs it; `benches/` writes the report.
 *
 * Usage: main.js --keyfold PROGRAM --samples FOLDER --root FOLDER [--mebibytes N] [--turns N] [WHAT …]
 */
import { parseArgs } from "node:util";
import { bulk } from "./bulk.js";
import { sharing } from "./sharing.js";
import { sizes } from "./sizes.js";
import { start } from "./start.js";
import { tabs } from "./tabs.js";
import { vault } from "./vault.js";

/** What the command line said. */
export interface Options {
  readonly keyfold: string;
  readonly samples: string;
  readonly root: string;
  readonly mebibytes: number;
  readonly turns: number;
  /** Of what runs it, for the report. */
  readonly versions: string;
}

const WORKS = { sizes, start, bulk, sharing, tabs, vault };

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    keyfold: { type: "string", default: "target/release/keyfold" },
    samples: { type: "string", default: "target/bench" },
    root: { type: "string", default: "." },
    mebibytes: { type: "string", default: "1024" },
    turns: { type: "string", default: "5" },
  },
});
const options: Options = {
  keyfold: values.keyfold,
  samples: values.samples,
  root: values.root,
  mebibytes: Number(values.mebibytes),
  turns: Number(values.turns),
  versions: `Node ${process.version}`,
};
for (const [name, work] of Object.entries(WORKS)) {
  if (positionals.length === 0 || positionals.includes(name)) await work(options);
}
process.exit(0);
