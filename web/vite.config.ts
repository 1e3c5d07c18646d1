import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

const api = process.env.HEDDLE_API_URL ?? "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [react(), tailwindcss()],
  // The API takes a session only from its own origin, so the proxy speaks as one.
  server: {
    proxy: { "/api": { target: api, changeOrigin: true, headers: { origin: new URL(api).origin } } },
  },
  build: {
    // The content security policy allows files of our own only, so nothing may become a data: address.
    assetsInlineLimit: 0,
    // The oldest browsers that have OKLCH, `:has` and `light-dark()`.
    target: ["chrome123", "firefox121", "safari17.5"],
  },
  test: {
    environment: "happy-dom",
    include: ["src/**/*.test.{ts,tsx}"],
    setupFiles: ["test/setup.ts"],
  },
});
