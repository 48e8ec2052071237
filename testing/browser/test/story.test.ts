/** The story of every guide, in both places. */

import { runInChromium, runInNode } from "../src/harness/index.ts";

await runInNode("story");
await runInChromium("story");
