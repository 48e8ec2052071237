/**
 * What lies in the memory of a tab: its page's and its workers' strings, by a heap snapshot, and the bytes of every
 * buffer and of every WebAssembly memory, which a snapshot leaves out. By the DevTools protocol, whose queries collect
 * garbage first: what is found, somebody still holds.
 */

import type { CDPSession, Page } from "playwright-core";
import type { Visitor } from "./harness/index.ts";

/** Secrets by what they are: bytes, hexadecimal. */
export type Secrets = ReadonlyMap<string, string>;

type Send = (method: string, params?: object) => Promise<Record<string, any>>;

interface Target {
  readonly what: string;
  readonly send: Send;
  /** Calls back at each event of this name. */
  readonly on: (method: string, callback: (params: Record<string, any>) => void) => void;
}

const HOLDERS = ["ArrayBuffer", "SharedArrayBuffer", "WebAssembly.Memory"];

/** Which secrets are in the memory of a tab, and where: `seed in worker: WebAssembly.Memory`. */
export async function foundInMemory(visitor: Visitor, page: Page, secrets: Secrets): Promise<string[]> {
  const devtools = await visitor.devtools(page);
  const found: string[] = [];
  for (const target of await targetsOf(devtools)) {
    for (const holder of HOLDERS) {
      for (const name of await inBytes(target, holder, secrets))
        found.push(`${name} in ${target.what}: ${holder}`);
    }
    const heap = await snapshot(target);
    for (const [name, hex] of secrets) {
      if (forms(hex).some((form) => heap.includes(form))) found.push(`${name} in ${target.what}: heap`);
    }
  }
  await devtools.detach();
  return found;
}

/** The forms in which bytes may be written. */
export function forms(hex: string): string[] {
  const bytes = Buffer.from(hex, "hex");
  return [hex, bytes.toString("base64"), bytes.toString("base64url"), [...bytes].join(",")];
}

/** The page and its workers. Playwright has no session for workers: their messages travel in the page's. */
async function targetsOf(devtools: CDPSession): Promise<Target[]> {
  const page: Target = {
    what: "page",
    send: (method, params) => devtools.send(method as never, params as never) as never,
    on: (method, callback) => void devtools.on(method as never, callback as never),
  };
  const targets = [page];
  const answers = new Map<number, (answer: Record<string, any>) => void>();
  const listeners = new Map<string, (params: Record<string, any>) => void>();
  let last = 0;
  devtools.on("Target.receivedMessageFromTarget", ({ sessionId, message }) => {
    const { id, method, params, result, error } = JSON.parse(message);
    if (id === undefined) listeners.get(`${sessionId} ${method}`)?.(params);
    else answers.get(id)?.(result ?? { error });
  });
  devtools.on("Target.attachedToTarget", ({ sessionId, targetInfo }) => {
    const send: Send = (method, params = {}) =>
      new Promise((resolve) => {
        last += 1;
        answers.set(last, resolve);
        const message = JSON.stringify({ id: last, method, params });
        devtools.send("Target.sendMessageToTarget", { sessionId, message }).catch(() => resolve({}));
      });
    const on: Target["on"] = (method, callback) => void listeners.set(`${sessionId} ${method}`, callback);
    targets.push({ what: targetInfo.type, send, on });
  });
  // Answered when everything that runs was attached to.
  await devtools.send("Target.setAutoAttach", {
    autoAttach: true,
    waitForDebuggerOnStart: false,
    flatten: false,
  });
  return targets;
}

async function inBytes(target: Target, holder: string, secrets: Secrets): Promise<string[]> {
  const { result: prototype } = await target.send("Runtime.evaluate", {
    expression: `globalThis.${holder}?.prototype`,
  });
  if (prototype?.objectId === undefined) return [];
  const { objects } = await target.send("Runtime.queryObjects", { prototypeObjectId: prototype.objectId });
  const { result } = await target.send("Runtime.callFunctionOn", {
    objectId: objects.objectId,
    functionDeclaration: String(namesIn),
    // Turned around, so that what is looked for does not come to lie there by the looking.
    arguments: [{ value: Object.fromEntries([...secrets].map(([name, hex]) => [name, turned(hex)])) }],
    returnByValue: true,
  });
  return result.value as string[];
}

function turned(hex: string): string {
  return Buffer.from(Buffer.from(hex, "hex").map((byte) => 255 - byte)).toString("hex");
}

/** Runs in the target, on all of its buffers. */
function namesIn(this: (ArrayBuffer | WebAssembly.Memory)[], turned: Record<string, string>): string[] {
  const found: string[] = [];
  for (const holder of this) {
    const bytes = new Uint8Array(holder instanceof WebAssembly.Memory ? holder.buffer : holder);
    for (const [name, hex] of Object.entries(turned)) {
      const wanted = (hex.match(/../g) ?? []).map((digits) => 255 - Number.parseInt(digits, 16));
      for (let at = bytes.indexOf(wanted[0] ?? 0); at >= 0; at = bytes.indexOf(wanted[0] ?? 0, at + 1)) {
        if (!wanted.every((byte, offset) => bytes[at + offset] === byte)) continue;
        found.push(name);
        break;
      }
    }
  }
  return [...new Set(found)];
}

async function snapshot(target: Target): Promise<string> {
  const chunks: string[] = [];
  target.on("HeapProfiler.addHeapSnapshotChunk", ({ chunk }) => chunks.push(chunk));
  await target.send("HeapProfiler.collectGarbage");
  await target.send("HeapProfiler.takeHeapSnapshot", { reportProgress: false });
  return chunks.join("");
}

/** How many bytes a tab and its workers hold, in buffers too, once what nobody needs is gone. */
export async function heldBytes(visitor: Visitor, page: Page): Promise<number> {
  const devtools = await visitor.devtools(page);
  let held = 0;
  for (const { send } of await targetsOf(devtools)) {
    await send("HeapProfiler.collectGarbage");
    const { usedSize, backingStorageSize } = await send("Runtime.getHeapUsage");
    held += usedSize + backingStorageSize;
  }
  await devtools.detach();
  return held;
}
