/**
 * Files as addresses: a player asks for one under `/streams/`, a service worker (`public/streams.js`) asks this page, and
 * the page opens just the part that is played.
 */

/** A file that can be played. */
export interface Playable {
  readonly size: number;
  readonly type: string;
  stream(start: number, end: number): ReadableStream<Uint8Array>;
}

interface Asked {
  readonly name: string;
  readonly start: number;
  /** The file's end, if no other is said. */
  readonly end: number | null;
}

const PLACE = "/streams/";
const playable = new Map<string, Playable>();
let ready: Promise<void> | null = null;

/** Where a player finds a file, until `letGo`. */
export async function addressOf(file: Playable): Promise<string> {
  ready ??= begin();
  await ready;
  const name = crypto.randomUUID();
  playable.set(name, file);
  return PLACE + name;
}

/** Nobody plays it any more. */
export function letGo(address: string): void {
  playable.delete(address.slice(PLACE.length));
}

async function begin(): Promise<void> {
  const { serviceWorker } = navigator;
  serviceWorker.addEventListener("message", answer);
  serviceWorker.startMessages();
  const controlled = new Promise((resolve) =>
    serviceWorker.addEventListener("controllerchange", resolve, { once: true }),
  );
  const { active } = await serviceWorker.register("/streams.js");
  active?.postMessage("claim");
  if (serviceWorker.controller === null) await controlled;
}

function answer({ data, ports: [port] }: MessageEvent<Asked>): void {
  const file = playable.get(data.name);
  if (port === undefined) return;
  if (file === undefined) return port.postMessage(null);
  const end = Math.min(data.end ?? file.size, file.size);
  port.postMessage({ size: file.size, type: file.type, end });
  const reader = file.stream(Math.min(data.start, end), end).getReader();
  port.onmessage = async ({ data: wanted }: MessageEvent<"next" | "stop">) => {
    try {
      if (wanted === "stop") return await reader.cancel();
      const { value } = await reader.read();
      port.postMessage(value ?? null);
    } catch {
      port.postMessage("failed");
    }
  };
}
