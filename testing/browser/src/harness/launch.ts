/** Starts Chromium for the whole run; vitest calls this once, and the workers connect to it. */

import { chromium } from "playwright-core";
import type { TestProject } from "vitest/node";
import { chromiumBinary } from "./place.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Where the browser of this run answers. */
    chromium: string;
  }
}

/** Quiet, and nothing that reaches out by itself. */
const ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** @returns What ends it. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await chromium.launchServer({ executablePath: chromiumBinary(), args: ARGUMENTS });
  project.provide("chromium", server.wsEndpoint());
  return () => server.close();
}
