/** e2esdk's page on sharing: every snippet as it stands there, in both places. */

import { runInChromium, runInNode } from "../src/harness/index.ts";

await runInNode("seed");
await runInChromium("seed");
