/** The built page, with a policy that lets it load nothing but itself and speak with nobody but the lines. */

import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { extname, join, normalize, sep } from "node:path";
import { pipeline } from "node:stream/promises";

const TYPES: Record<string, string> = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
};

/** The page's Content-Security-Policy. Pictures are shown from blobs, since only the page can decrypt them. */
export function policy(lines: readonly string[]): string {
  const sockets = lines.map((line) => line.replace(/^http/, "ws"));
  return [
    "default-src 'self'",
    "script-src 'self' 'wasm-unsafe-eval'",
    "worker-src 'self'",
    "style-src 'self'",
    "img-src 'self' blob:",
    `connect-src 'self' ${[...lines, ...sockets].join(" ")}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "object-src 'none'",
  ].join("; ");
}

/** Sends a file of the built page. */
export async function sendPage(
  folder: string,
  security: string,
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { pathname } = new URL(incoming.url ?? "/", "http://localhost");
  const path = normalize(join(folder, pathname === "/" ? "index.html" : decodeURIComponent(pathname)));
  const file = path.startsWith(folder + sep) ? await stat(path).catch(() => null) : null;
  if (file === null || !file.isFile()) {
    response.writeHead(404, { "Content-Type": "text/plain" });
    response.end("There is nothing here\n");
    return;
  }
  response.writeHead(200, {
    "Content-Type": TYPES[extname(path)] ?? "application/octet-stream",
    "Content-Length": file.size,
    "Content-Security-Policy": security,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    // Built names carry a hash of what is in them; the page itself does not.
    "Cache-Control": pathname.startsWith("/assets/") ? "public, max-age=31536000, immutable" : "no-cache",
  });
  await pipeline(createReadStream(path), response);
}
