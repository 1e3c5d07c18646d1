import { defineConfig } from "vitest/config";

// One browser, one test after the other; each starts with cookies and storage of its own.
export default defineConfig({
  test: {
    include: ["browser/*.browser.ts"],
    environment: "node",
    fileParallelism: false,
    testTimeout: 600_000,
    hookTimeout: 60_000,
  },
});
