/** The attacks of the threat model, against the client in both places. */

import { runAgainstLies } from "../src/evil.ts";
import { runInChromium, runInNode } from "../src/harness/index.ts";

for (const topic of ["attacks", "substitution", "shortcuts", "revoked-signers", "signatures"])
  await runAgainstLies(topic);
await runInNode("owners");
await runInChromium("owners");
