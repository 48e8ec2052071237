/**
 * Reading a file or stream in strides: pieces that are large enough to keep the browser's threads busy and small
 * enough to forget. Separate because sealing and opening read alike, and differ only in how much they must hold back.
 */
import { KeyfoldError, cancelled } from "../error.js";
import type { Bytes } from "../types.js";

/** The last stride holds all that is left; every other one is as long as was asked for. */
export interface Stride {
  readonly bytes: Bytes;
  readonly isLast: boolean;
}

/** How to cut. */
export interface Cut {
  /** Length of a stride, in bytes. */
  readonly size: number;
  /** More than so many bytes follow every stride but the last. */
  readonly keep: number;
  readonly signal: AbortSignal;
}

/** Something that can be read once, from its front. */
export type Source = Blob | ReadableStream<Uint8Array>;

/**
 * The strides of a source; at least one. The next one is read while the caller works on the last that he got.
 *
 * @throws `Cancelled` between two strides, `Io` if the source cannot be read.
 */
export function stridesOf(source: Source, cut: Cut): AsyncGenerator<Stride, void> {
  return source instanceof Blob ? stridesOfBlob(source, cut) : stridesOfStream(source, cut);
}

/** Bytes of a blob. `Io` if they cannot be read, as of a file that was changed since it was chosen. */
export async function readBlob(blob: Blob, start: number, end: number): Promise<Bytes> {
  let bytes: Bytes;
  try {
    bytes = new Uint8Array(await blob.slice(start, end).arrayBuffer());
  } catch (cause) {
    throw unreadable(cause);
  }
  if (bytes.length < Math.min(end, blob.size) - start) throw unreadable(undefined);
  return bytes;
}

async function* stridesOfBlob(blob: Blob, { size, keep, signal }: Cut): AsyncGenerator<Stride, void> {
  const read = (start: number): { end: number; stride: Promise<Stride> } => {
    const isLast = blob.size - start <= size + keep;
    const end = isLast ? blob.size : start + size;
    const stride = readBlob(blob, start, end).then((bytes) => ({ bytes, isLast }));
    // Whoever stops early does not want to hear of it.
    stride.catch(() => undefined);
    return { end, stride };
  };
  for (let reading = read(0); ;) {
    const stride = await reading.stride;
    refuseIfAborted(signal);
    if (!stride.isLast) reading = read(reading.end);
    yield stride;
    if (stride.isLast) return;
  }
}

async function* stridesOfStream(
  stream: ReadableStream<Uint8Array>,
  { size, keep, signal }: Cut,
): AsyncGenerator<Stride, void> {
  const reader = stream.getReader();
  let buffer = new Uint8Array(2 * (size + keep));
  let filled = 0;
  try {
    for (;;) {
      const { done, value } = await read(reader);
      refuseIfAborted(signal);
      if (done) break;
      if (filled + value.length > buffer.length) buffer = grown(buffer, filled + value.length);
      buffer.set(value, filled);
      filled += value.length;
      let start = 0;
      for (; filled - start > size + keep; start += size) {
        yield { bytes: buffer.slice(start, start + size), isLast: false };
      }
      buffer.copyWithin(0, start, filled);
      filled -= start;
    }
    yield { bytes: buffer.subarray(0, filled), isLast: true };
  } finally {
    // Of a stream that has ended it does nothing.
    await reader.cancel().catch(() => undefined);
  }
}

async function read(
  reader: ReadableStreamDefaultReader<Uint8Array>,
): Promise<ReadableStreamReadResult<Uint8Array>> {
  try {
    return await reader.read();
  } catch (cause) {
    throw unreadable(cause);
  }
}

function grown(buffer: Bytes, least: number): Bytes {
  const larger = new Uint8Array(Math.max(2 * buffer.length, least));
  larger.set(buffer);
  return larger;
}

function refuseIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw cancelled(signal.reason);
}

function unreadable(cause: unknown): KeyfoldError {
  return new KeyfoldError("Io", "the file cannot be read", {
    hint: "If it was changed or moved since it was chosen, choose it again.",
    cause,
  });
}
