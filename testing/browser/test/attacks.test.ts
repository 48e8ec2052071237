/** The attacks of the threat model, against the client in both places. */

import { runAgainstLies } from "../src/evil.ts";

await runAgainstLies("attacks");
