import { defineConfig } from "vitest/config";

// One browser, one test after the other; each starts with cookies and storage of its own.
export default defineConfig({
  test: {
    include: ["browser/*.browser.ts"],
    environment: "node",
    fileParallelism: false,
    testTimeout: 300_000,
    hookTimeout: 60_000,
  },
});
