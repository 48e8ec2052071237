import { defineConfig } from "vitest/config";

// One long story in one browser, which the harness of the browser tests starts.
export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["../../testing/browser/src/harness/launch.ts"],
    // The checker of accessibility looks at every element, on machines that are busy.
    testTimeout: 180_000,
    hookTimeout: 120_000,
  },
});
