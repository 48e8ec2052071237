// Plain Node: the reader needs no browser, and its vectors are files.

import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // ML-KEM in plain TypeScript takes a few milliseconds, and a machine may be busy.
    testTimeout: 30_000,
  },
});
