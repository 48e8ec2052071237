/** An operator who shows different people different histories, against the client in both places. */

import { runAgainstLies } from "../src/evil.ts";

await runAgainstLies("forks");
