/** The attacks of the threat model, against the client in both places. */

import { runAgainstLies } from "../src/evil.ts";
import { runInChromium, runInNode } from "../src/harness/index.ts";

await runAgainstLies("attacks");
for (const topic of ["owners", "signatures"]) {
  await runInNode(topic);
  await runInChromium(topic);
}
