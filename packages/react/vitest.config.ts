import { defineConfig } from "vitest/config";

// A real server is started once a file; the default five seconds are not for that.
export default defineConfig({
  test: { include: ["test/**/*.test.ts"], testTimeout: 30_000, hookTimeout: 120_000 },
});
