// Chromium is started once for the whole run; every test gets a profile, a site and a server of its own.

import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["src/harness/launch.ts"],
    // Signing up and sharing cost lattice cryptography, and a machine may be busy.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // Chromium works beside every worker.
    maxWorkers: 2,
    // The client is tested as it is handed out: Node loads it, and nothing transforms it.
    server: { deps: { external: [/packages\/[a-z]+\/dist\//] } },
  },
});
