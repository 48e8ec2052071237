/** What a browser loads, as published; compressed as a server would. Peers are measured in the same way. */
import { readFile, readdir, stat } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { build } from "esbuild";
import type { Options } from "./main.js";
import { atMost, beside, keep, keyfold } from "./table.js";

export async function sizes(options: Options): Promise<void> {
  console.log("What a browser loads …");
  const dist = join(options.root, "packages/client/dist");
  const entry = await minified(
    `import { Client } from ${JSON.stringify(join(dist, "index.js"))}; globalThis.C = Client;`,
    options.root,
  );
  const react = await minified(
    `export * from ${JSON.stringify(join(options.root, "packages/react/dist/index.js"))};`,
    options.root,
    ["react", "@keyfold/client"],
  );
  const worker = await minified(`import ${JSON.stringify(join(dist, "worker.js"))};`, options.root);
  const wasm = await readFile(join(dist, "keyfold_bg.wasm"));
  const recovery = await minified(
    `import ${JSON.stringify(join(dist, await fileOf(dist, /^recovery-.*\.js$/)))};`,
    options.root,
  );
  const recoveryWasm = await readFile(join(dist, "keyfold_recovery_bg.wasm"));
  const sodium = await minified(
    'import s from "libsodium-wrappers"; globalThis.s = s;',
    join(options.root, "benches/web"),
  );
  const matrix = await packageOf("@matrix-org/matrix-sdk-crypto-wasm");
  const recorded: readonly (readonly [string, number])[] = [
    ["Wire core-crypto", 1986],
    ["Jazz", 341],
    ["Bitwarden", 283],
    ["Etebase", 212],
    ["AWS Encryption SDK", 104],
  ];
  await keep(
    options.samples,
    {
      id: "5-size",
      title: "What a browser loads",
      note:
        "kB are 1,000 bytes; Brotli at quality 11, gzip at 9. Ordinary use is everything of @keyfold/client that a " +
        "page with the worker loads: entry, worker, WebAssembly. Peers marked with * are measured here from their " +
        "packages (JavaScript minified together with WebAssembly), the others are recorded; e2esdk is gzip.",
      lines: [
        keyfold(
          "ordinary use (Brotli)",
          "kB",
          [[entry, worker, wasm].reduce((sum, part) => sum + kB(brotli(part)), 0)],
          atMost(200, "kB"),
        ),
        keyfold("of which WebAssembly (Brotli)", "kB", [kB(brotli(wasm))]),
        keyfold("before first use (gzip)", "kB", [kB(gzip(entry))], atMost(12, "kB")),
        keyfold(
          "when a device is locked or recovered, further (Brotli)",
          "kB",
          [[recovery, recoveryWasm].reduce((sum, part) => sum + kB(brotli(part)), 0)],
          atMost(100, "kB"),
        ),
        keyfold("React bindings (gzip)", "kB", [kB(gzip(react))], atMost(4, "kB")),
        beside("Peer", "e2esdk (gzip)", "kB", [333]),
        beside("Peer", "libsodium.js* (Brotli)", "kB", [kB(brotli(sodium))]),
        beside("Peer", "Matrix crypto* (Brotli)", "kB", [kB(brotli(matrix))]),
        ...recorded.map(([name, size]) => beside("Peer", `${name} (Brotli)`, "kB", [size])),
      ],
    },
    options.versions,
  );
}

/** The file whose name has something else in each release. */
async function fileOf(folder: string, name: RegExp): Promise<string> {
  const found = (await readdir(folder)).find((file) => name.test(file));
  if (found === undefined) throw new Error(`there is no ${name} in ${folder}`);
  return found;
}

/** What loads with a page that has this: what is imported when it is needed does not count. */
async function minified(source: string, folder: string, external: string[] = []): Promise<Buffer> {
  const result = await build({
    stdin: { contents: source, resolveDir: folder, loader: "js" },
    bundle: true,
    minify: true,
    write: false,
    splitting: true,
    outdir: folder,
    metafile: true,
    // A worker is nothing but an effect.
    ignoreAnnotations: true,
    format: "esm",
    platform: "browser",
    external,
    logLevel: "error",
  });
  const { outputs } = result.metafile;
  const named = Object.keys(outputs);
  const loaded = new Set(named.filter((name) => outputs[name]?.entryPoint === "<stdin>"));
  for (const name of loaded) {
    for (const { path, kind } of outputs[name]?.imports ?? []) {
      if (kind === "import-statement") loaded.add(path);
    }
  }
  const files = result.outputFiles.filter((_, index) => loaded.has(named[index] ?? ""));
  return Buffer.concat(files.map((file) => file.contents));
}

/** The WebAssembly and the JavaScript of a package that esbuild cannot bundle. */
async function packageOf(name: string): Promise<Buffer> {
  const folder = join(dirname(createRequire(import.meta.url).resolve(name)));
  const parts: Buffer[] = [];
  for (const file of ["pkg"]) {
    for (const part of await readdir(join(folder, file))) {
      const path = join(folder, file, part);
      if (/\.wasm$|_bg\.js$/.test(part) && (await stat(path)).isFile()) parts.push(await readFile(path));
    }
  }
  return Buffer.concat(parts);
}

const kB = (bytes: Buffer) => bytes.length / 1000;
const gzip = (bytes: Buffer) => gzipSync(bytes, { level: 9 });
const brotli = (bytes: Buffer) =>
  brotliCompressSync(bytes, {
    params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length },
  });
