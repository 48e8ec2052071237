import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { expect, test } from "vitest";

test("all hooks together are at most 4 kB gzip, and bring nothing but React", async () => {
  const { outputFiles, metafile } = await build({
    entryPoints: [new URL("../src/index.ts", import.meta.url).pathname],
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    external: ["react", "@keyfold/client"],
    write: false,
    metafile: true,
  });
  const size = gzipSync(outputFiles[0]?.contents ?? "").length;
  console.log(`@keyfold/react: ${size} bytes gzip`);
  expect(size).toBeGreaterThan(0);
  expect(size).toBeLessThanOrEqual(4_096);
  const imported = Object.values(metafile.outputs).flatMap((output) =>
    output.imports.map(({ path }) => path),
  );
  expect([...new Set(imported)]).toEqual(["react"]);
});
