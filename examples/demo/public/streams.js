/**
 * Answers what a player asks for under `/streams/`: the page opens that part of the file, and hands it on piece by piece.
 * Nothing is kept here, and nothing but sound and films is shown: what other people store must not become a page.
 */

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
// A page that was loaded past this one asks for it.
self.addEventListener("message", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => {
  const { origin, pathname } = new URL(event.request.url);
  if (origin === self.location.origin && pathname.startsWith("/streams/")) event.respondWith(answer(event));
});

async function answer({ request, clientId }) {
  const page = await self.clients.get(clientId);
  const [, from = "0", to = ""] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.get("range") ?? "") ?? [];
  if (page === undefined) return new Response(null, { status: 404 });
  const { port1: port, port2 } = new MessageChannel();
  const next = () => new Promise((resolve) => (port.onmessage = ({ data }) => resolve(data)));
  const first = next();
  const start = Number(from);
  const name = new URL(request.url).pathname.slice("/streams/".length);
  page.postMessage({ name, start, end: to === "" ? null : Number(to) + 1 }, [port2]);
  const file = await first;
  if (file === null || !/^(audio|video)\//.test(file.type)) return new Response(null, { status: 404 });
  if (start >= file.size) {
    return new Response(null, { status: 416, headers: { "Content-Range": `bytes */${file.size}` } });
  }
  const pull = async (controller) => {
    const piece = next();
    port.postMessage("next");
    const bytes = await piece;
    if (bytes instanceof Uint8Array) return controller.enqueue(bytes);
    port.close();
    if (bytes === null) controller.close();
    else controller.error(new Error("The file could not be read"));
  };
  const body = new ReadableStream({ pull, cancel: () => port.postMessage("stop") }, { highWaterMark: 0 });
  return new Response(body, {
    status: 206,
    headers: {
      "Accept-Ranges": "bytes",
      "Cache-Control": "no-store",
      "Content-Length": String(file.end - start),
      "Content-Range": `bytes ${start}-${file.end - 1}/${file.size}`,
      "Content-Security-Policy": "sandbox",
      "Content-Type": file.type,
      "X-Content-Type-Options": "nosniff",
    },
  });
}
