import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// Nothing is inlined: the page's policy allows no data: and no blob: scripts.
export default defineConfig({
  plugins: [react()],
  build: { outDir: "dist/page", target: "es2022", assetsInlineLimit: 0 },
  worker: { format: "es" },
});
