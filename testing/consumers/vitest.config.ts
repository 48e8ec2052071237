// One after the other: each builds, and then loads what it built in a browser.

import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["*.test.ts"],
    globalSetup: ["../browser/src/harness/launch.ts"],
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
});
