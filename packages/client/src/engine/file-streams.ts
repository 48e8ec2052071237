/**
 * Files from stream to stream. Separate from blobs, because here something is given on before the end was seen: every
 * byte of it is authentic, and the stream fails at its end if something is missing or was added.
 */
import type { Bytes } from "../types.js";
import {
  type SealOptions,
  type Surroundings,
  PREFIX_BYTES,
  checkSignature,
  opened,
  sealHead,
  sealed,
} from "./files.js";
import { type Pieces, SEGMENT_BYTES, trailingZeros } from "./segments.js";
import { release } from "./traps.js";

/** An envelope on its way. */
export interface SealedStream {
  readonly object: string;
  readonly keychainFingerprints: readonly string[];
  readonly envelope: ReadableStream<Bytes>;
}

/** A plaintext on its way. What was read of it must not be relied on before it has ended. */
export interface OpenedStream {
  readonly object: string;
  readonly contents: ReadableStream<Bytes>;
}

/** Seals what a stream brings. Whoever reads the result reads the source. */
export async function sealStream(
  around: Surroundings,
  source: ReadableStream<Uint8Array>,
  options: SealOptions,
): Promise<SealedStream> {
  const sealer = await sealHead(around, options);
  const { object, keychainFingerprints } = sealer;
  return {
    object,
    keychainFingerprints,
    envelope: streamOf(sealed(around, sealer, source), () => release(sealer)),
  };
}

/** Opens what a stream brings. Its signature is checked before it ends. */
export async function openStream(
  around: Surroundings,
  source: ReadableStream<Uint8Array>,
  context: Uint8Array,
): Promise<OpenedStream> {
  const { head, body } = await takeHead(around, source);
  const opener = await around.turn((session) => session.openFile(head, context));
  const { object, padded } = opener.about();
  async function* contents(): AsyncGenerator<Pieces, void> {
    const texts = opened(around, opener, body, head.length);
    yield* padded ? withoutPadding(texts) : texts;
    await checkSignature(around, opener);
  }
  return { object, contents: streamOf(contents(), () => release(opener)) };
}

/** Reads the head from the front of a stream, and gives the rest back as a stream. */
async function takeHead(
  { wasm }: Surroundings,
  source: ReadableStream<Uint8Array>,
): Promise<{ head: Bytes; body: ReadableStream<Uint8Array> }> {
  const reader = source.getReader();
  let front: Bytes = new Uint8Array();
  const fill = async (least: number): Promise<void> => {
    while (front.length < least) {
      const { done, value } = await reader.read();
      if (done) return;
      const longer = new Uint8Array(front.length + value.length);
      longer.set(front);
      longer.set(value, front.length);
      front = longer;
    }
  };
  await fill(PREFIX_BYTES);
  const size = wasm.headBytes(front.subarray(0, PREFIX_BYTES));
  await fill(size);
  reader.releaseLock();
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>({
    start: (controller) => controller.enqueue(front.subarray(size)),
  });
  // A source that fails fails what is read of it; there is nobody else to tell.
  source.pipeTo(writable).catch(() => undefined);
  return { head: front.subarray(0, size), body: readable };
}

/** Zeros that may be padding are held back, as a number, until something else follows them or the length is known. */
async function* withoutPadding(texts: AsyncGenerator<Pieces, number>): AsyncGenerator<Pieces, void> {
  let given = 0;
  let held = 0;
  let next = await texts.next();
  for (; next.done !== true; next = await texts.next()) {
    for (const text of next.value) {
      const own = text.length - trailingZeros(text);
      if (own > 0) {
        yield* zeros(held);
        yield [text.subarray(0, own)];
        given += held + own;
        held = 0;
      }
      held += text.length - own;
    }
  }
  yield* zeros(next.value - given);
}

function* zeros(count: number): Generator<Pieces, void> {
  for (let left = count; left > 0; left -= SEGMENT_BYTES)
    yield [new Uint8Array(Math.min(left, SEGMENT_BYTES))];
}

function streamOf(pieces: AsyncGenerator<Pieces, unknown>, release: () => void): ReadableStream<Bytes> {
  const pull = async (controller: ReadableStreamDefaultController<Bytes>): Promise<void> => {
    const next = await pieces.next();
    if (next.done === true) {
      release();
      controller.close();
    } else {
      for (const piece of next.value) controller.enqueue(piece);
    }
  };
  const source: UnderlyingDefaultSource<Bytes> = {
    pull: (controller) =>
      pull(controller).catch((thrown: unknown) => {
        release();
        throw thrown;
      }),
    cancel: async () => {
      await pieces.return(undefined);
      release();
    },
  };
  // Nothing is worked on before somebody reads.
  return new ReadableStream(source, { highWaterMark: 0 });
}
