/**
 * Segments under WebCrypto: the module says which nonce comes next, the browser's threads do the work. All segments
 * of a stride are in flight at once, and the next stride is read meanwhile. What may be sealed or believed, the
 * module's plans decide.
 *
 * Spec: `docs/spec/envelope.md`, "Body".
 */
import type { Bytes } from "../types.js";
import type { FileOpener, FileSealer, LastSegment, TailSegment } from "../wasm/keyfold.js";
import type { Stride } from "./strides.js";

/** Plaintext of a segment, in bytes. */
export const SEGMENT_BYTES = 65_536;
/** A segment that is not the last, with its tag. */
export const SEALED_SEGMENT_BYTES = SEGMENT_BYTES + 16;
/** Segments of a stride: four mebibytes. Larger ones are not faster, and several at once only need more memory. */
export const STRIDE_SEGMENTS = 64;
/** The most that a last segment and a trailer have. */
export const MOST_OF_LAST_BYTES = SEGMENT_BYTES + 24 + 144;

const NONCE_BYTES = 12;

/** Bytes that belong together, in order. */
export type Pieces = readonly Bytes[];

/** A payload key as WebCrypto holds it: nobody can read it again. The bytes are wiped. */
export async function importPayloadKey(bytes: Bytes, usage: "encrypt" | "decrypt"): Promise<CryptoKey> {
  try {
    return await crypto.subtle.importKey("raw", bytes, "AES-GCM", false, [usage]);
  } finally {
    bytes.fill(0);
  }
}

/** Seals a body: the sealed bytes of one stride after the other, then those of the tail. */
export async function* sealBody(
  sealer: FileSealer,
  key: CryptoKey,
  strides: AsyncIterable<Stride>,
): AsyncGenerator<Pieces, void> {
  const isSigned = sealer.signed;
  let rest: Bytes = new Uint8Array();
  for await (const { bytes, isLast } of strides) {
    // At least one byte stays for the last segment, if there is any.
    const count = isLast ? Math.max(0, Math.ceil(bytes.length / SEGMENT_BYTES) - 1) : STRIDE_SEGMENTS;
    if (isLast) rest = bytes.subarray(count * SEGMENT_BYTES);
    const nonces = sealer.segments(count);
    const seal = (index: number): Promise<Bytes> =>
      sealOne(key, nonceOf(nonces, index), pieceOf(bytes, index, SEGMENT_BYTES));
    const sealed = await Promise.all(indices(count).map(seal));
    if (isSigned) for (const piece of sealed) sealer.hash(piece);
    if (sealed.length > 0) yield sealed;
  }
  sealer.finish(rest.length);
  for (let segment = sealer.tail(); segment !== undefined; segment = sealer.tail()) {
    const sealed = await sealOne(key, segment.nonce, plaintextOf(segment, rest));
    if (isSigned) sealer.hash(sealed);
    yield [sealed];
  }
}

/**
 * Opens a body: the plaintext of one stride after the other. With padding, zeros follow the plaintext's end; how long
 * it is, what it returns says. Before it has returned nothing of the file may be called decrypted.
 *
 * @throws what `unopened` makes of a segment that does not authenticate.
 */
export async function* openBody(
  opener: FileOpener,
  key: CryptoKey,
  strides: AsyncIterable<Stride>,
  unopened: (isCut: boolean) => unknown,
): AsyncGenerator<Pieces, number> {
  const { signed: isSigned, padded: isPadded } = opener.about();
  let left: Bytes = new Uint8Array();
  for await (const { bytes, isLast } of strides) {
    const ready = isLast ? opener.ready(bytes.length) : bytes.length;
    if (isLast) left = bytes.subarray(ready);
    if (isSigned) opener.hash(bytes.subarray(0, ready));
    const count = ready / SEALED_SEGMENT_BYTES;
    const nonces = opener.segments(count);
    const open = async (index: number): Promise<Bytes> => {
      const text = await openOne(key, nonceOf(nonces, index), pieceOf(bytes, index, SEALED_SEGMENT_BYTES));
      if (text === undefined) throw unopened(false);
      return text;
    };
    const texts = await Promise.all(indices(count).map(open));
    if (isPadded) for (const text of texts) opener.passed(text.length, trailingZeros(text));
    if (texts.length > 0) yield texts;
  }
  const last = opener.last(left.length);
  if (isSigned) opener.hash(left.subarray(0, last.sealedBytes));
  const opened = await openLast(key, last, left, unopened);
  const { start, end, size } = opener.finish(opened, left.subarray(last.sealedBytes));
  yield [opened.subarray(start, end)];
  return size;
}

/**
 * Opens the last segment, at the front of what is left of a body: its content, true length in front.
 *
 * @throws what `unopened` makes of one that does not authenticate.
 */
export async function openLast(
  key: CryptoKey,
  { nonce, cutNonce, sealedBytes }: LastSegment,
  left: Bytes,
  unopened: (isCut: boolean) => unknown,
): Promise<Bytes> {
  const opened = await openOne(key, nonce, left.subarray(0, sealedBytes));
  if (opened !== undefined) return opened;
  const other = cutNonce && (await openOne(key, cutNonce, left.subarray(0, SEALED_SEGMENT_BYTES)));
  throw unopened(other !== undefined);
}

/** What a sealed segment held; `undefined` if it does not authenticate. */
export async function openOne(key: CryptoKey, iv: Bytes, sealed: Bytes): Promise<Bytes | undefined> {
  try {
    return new Uint8Array(await crypto.subtle.decrypt({ name: "AES-GCM", iv }, key, sealed));
  } catch (thrown) {
    if (thrown instanceof DOMException && thrown.name === "OperationError") return undefined;
    throw thrown;
  }
}

/** Zeros at the end. */
export function trailingZeros(bytes: Uint8Array): number {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end -= 1;
  return bytes.length - end;
}

async function sealOne(key: CryptoKey, iv: Bytes, text: Bytes): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.encrypt({ name: "AES-GCM", iv }, key, text));
}

function plaintextOf({ trueLength, rest: restBytes, zeros }: TailSegment, rest: Bytes): Bytes {
  const front = trueLength?.length ?? 0;
  const text = new Uint8Array(front + restBytes + zeros);
  if (trueLength !== undefined) text.set(trueLength);
  text.set(rest.subarray(0, restBytes), front);
  return text;
}

function nonceOf(nonces: Bytes, index: number): Bytes {
  return pieceOf(nonces, index, NONCE_BYTES);
}

function pieceOf(bytes: Bytes, index: number, size: number): Bytes {
  return bytes.subarray(index * size, (index + 1) * size);
}

function indices(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}
