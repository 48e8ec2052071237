/**
 * Builds `dist`: the page's part, the worker, the WebAssembly beside them, the build for Node, and the one that has
 * all in one file.
 */
import { copyFile, mkdir, readFile, readdir, rename, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { build } from "esbuild";

const target = new URL("./dist/", import.meta.url).pathname;
// Beside it first: whoever uses the former build meanwhile finds whole files.
const dist = new URL("./dist.next/", import.meta.url).pathname;
const wasm = new URL("./src/wasm/keyfold_bg.wasm", import.meta.url).pathname;
const recovery = new URL("./src/wasm/keyfold_recovery_bg.wasm", import.meta.url).pathname;

const glue = {
  name: "glue",
  setup({ onLoad }) {
    onLoad({ filter: /\/src\/wasm\/keyfold\.js$/ }, async ({ path }) => {
      const text = await readFile(path, "utf8");
      const stale = /throw new Error\((['"])Cannot invoke closure from previous WASM instance\1\);/g;
      if (!stale.test(text)) throw new Error("wasm-bindgen writes something else for stale closures");
      return {
        // What is thrown in the module's microtasks is noticed there. What an instance that trapped still waited for
        // may come: there is nobody whom it would be an error of.
        contents: `import { queueMicrotask } from "../engine/traps.ts";\n${text.replaceAll(stale, "return;")}`,
        loader: "js",
      };
    });
  },
};

const common = {
  plugins: [glue],
  absWorkingDir: new URL(".", import.meta.url).pathname,
  bundle: true,
  format: "esm",
  target: "es2022",
  minify: true,
  legalComments: "none",
  sourcemap: false,
  logLevel: "warning",
};

await rm(dist, { recursive: true, force: true });
await mkdir(dist, { recursive: true });
await copyFile(wasm, join(dist, "keyfold_bg.wasm"));
await copyFile(recovery, join(dist, "keyfold_recovery_bg.wasm"));

await build({
  ...common,
  entryPoints: ["src/index.ts", "src/worker.ts", "src/in-page.ts"],
  outdir: dist,
  splitting: true,
  // Beside the others: the WebAssembly is looked for next to the script.
  chunkNames: "[name]-[hash]",
});

await build({
  ...common,
  platform: "node",
  entryPoints: ["src/node.ts"],
  outdir: dist,
  splitting: true,
  chunkNames: "node-[name]-[hash]",
  external: ["bufferutil", "utf-8-validate"],
  // `ws` is CommonJS, and asks for Node's own modules.
  banner: {
    js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
  },
});
const ws = dirname(createRequire(import.meta.url).resolve("ws/package.json"));
await copyFile(join(ws, "LICENSE"), join(dist, "LICENSE-ws"));

const worker = await build({ ...common, entryPoints: ["src/worker.ts"], write: false });
const texts = {
  wasm: (await readFile(wasm)).toString("base64"),
  recovery: (await readFile(recovery)).toString("base64"),
  worker: worker.outputFiles[0].text,
};
await build({
  ...common,
  entryPoints: ["src/inline.ts"],
  outdir: dist,
  plugins: [
    glue,
    {
      name: "texts",
      setup({ onResolve, onLoad }) {
        onResolve({ filter: /^keyfold:/ }, ({ path }) => ({
          path: path.slice("keyfold:".length),
          namespace: "texts",
        }));
        onLoad({ filter: /.*/, namespace: "texts" }, ({ path }) => ({
          contents: texts[path],
          loader: "text",
        }));
      },
    },
  ],
});

await mkdir(target, { recursive: true });
const made = await readdir(dist);
for (const file of made) await rename(join(dist, file), join(target, file));
for (const file of await readdir(target)) {
  // The declarations are another step's.
  if (file !== "types" && !made.includes(file)) await rm(join(target, file), { recursive: true });
}
await rm(dist, { recursive: true });
