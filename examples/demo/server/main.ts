/** Starts the demo from the command line; `README.md` has the options. */

import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { startDemo } from "./demo.js";

const { values } = parseArgs({
  options: {
    keyfold: { type: "string" },
    key: { type: "string" },
    port: { type: "string", default: "8080" },
    data: { type: "string" },
    evil: { type: "string" },
  },
});

if (values.keyfold === undefined || values.key === undefined || !/^\d{1,5}$/.test(values.port)) {
  console.error(
    "Usage: npm run start -w @keyfold/demo -- --keyfold URL --key KEY [--port N] [--data DIR] [--evil URL]",
  );
  process.exit(2);
}

const kept = values.data;
const data = kept ?? (await mkdtemp(join(tmpdir(), "keyfold-demo-")));
await mkdir(data, { recursive: true });
const demo = await startDemo({
  keyfold: new URL(values.keyfold),
  key: values.key,
  port: Number(values.port),
  data,
  evil: values.evil === undefined ? undefined : new URL(values.evil),
});
console.log(`Demo: ${demo.url}`);

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    demo.close();
    const gone = kept === undefined ? rm(data, { recursive: true, force: true }) : Promise.resolve();
    void gone.then(() => process.exit(0));
  });
}
