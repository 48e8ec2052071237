/** Callers' mistakes, in both places. */

import { runInChromium, runInNode } from "../src/harness/index.ts";

await runInNode("bad-input");
await runInChromium("bad-input");
