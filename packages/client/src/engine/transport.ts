/**
 * HTTP with `fetch`: a bound on time and on what is read, no redirects, no cookies, no cache. What it brings is not
 * believed before the WebAssembly module has verified it.
 */

/** A whole exchange, a page of ledgers over a slow line included, unless it is said otherwise. */
const TIMEOUT_MS = 60_000;
/** A page of ledgers and its frame; a server that sends more is cut off. */
const RESPONSE_BYTES = 32 << 20;
/** An answer that says to be no larger is read in one go; compressed it may be a thousand times that at most. */
const SMALL_BYTES = 64 << 10;

/** How Node says that a connection broke which stood: browsers send once more by themselves. */
const BROKEN = new Set(["UND_ERR_SOCKET", "UND_ERR_REQ_CONTENT_LENGTH_MISMATCH", "ECONNRESET", "EPIPE"]);

/** A response as it arrived. */
export interface Reply {
  readonly status: number;
  readonly headers: [name: string, value: string][];
  readonly body: Uint8Array;
}

/** Why the server was not reached. */
class Unreached extends Error {
  /** Whether a connection that stood broke before anything of a response came. */
  readonly broke: boolean;

  constructor(why: string, broke = false) {
    super(why);
    this.broke = broke;
  }
}

/**
 * Sends a request and reads the whole response. Rejects with why the server was not reached.
 *
 * `fetch` joins a header that stands twice; the module refuses what that makes of it.
 */
export async function exchange(
  method: string,
  url: string,
  headers: readonly (readonly [string, string])[],
  body: Uint8Array<ArrayBuffer>,
  signal: AbortSignal | undefined,
  timeoutMs = TIMEOUT_MS,
): Promise<Reply> {
  const timeout = AbortSignal.timeout(timeoutMs);
  const ends = signal === undefined ? timeout : AbortSignal.any([timeout, signal]);
  const sent = new Headers(headers.map(([name, value]) => [name, value]));
  if (body.length > 0) sent.set("content-type", "application/cbor");
  let response: Response | undefined;
  try {
    response = await fetch(url, {
      method,
      headers: sent,
      body: body.length > 0 ? body : null,
      signal: ends,
      // A redirect would be answered by somebody whom the request was not signed for.
      redirect: "error",
      credentials: "omit",
      cache: "no-store",
      referrerPolicy: "no-referrer",
    });
    return { status: response.status, headers: [...response.headers], body: await read(response) };
  } catch (thrown) {
    if (timeout.aborted) throw new Unreached("it did not answer in time");
    if (signal?.aborted === true) throw new Unreached("the call was cancelled");
    const { message, code } = innermost(thrown);
    throw new Unreached(message, response === undefined && code !== undefined && BROKEN.has(code));
  }
}

async function read(response: Response): Promise<Uint8Array> {
  const length = response.headers.get("content-length");
  // Chromium calls what is read in pieces "canceled" in its tools now and then, which looks like a failure.
  if (length !== null && Number(length) <= SMALL_BYTES) return new Uint8Array(await response.arrayBuffer());
  return readBounded(response);
}

async function readBounded(response: Response): Promise<Uint8Array> {
  const reader = response.body?.getReader();
  if (reader === undefined) return new Uint8Array();
  const chunks: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.length;
    if (length > RESPONSE_BYTES) {
      await reader.cancel();
      throw new Error("its answer is larger than any answer of ours");
    }
    chunks.push(value);
  }
  const whole = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

/** The innermost cause says it best: "connect ECONNREFUSED" rather than "fetch failed". */
function innermost(thrown: unknown): { message: string; code?: string } {
  let cause = thrown;
  while (cause instanceof Error && cause.cause instanceof Error) cause = cause.cause;
  return cause instanceof Error ? cause : { message: String(cause) };
}
