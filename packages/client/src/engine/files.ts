/**
 * Files: the module seals or opens the head in a turn, then bytes move without one, in constant memory, so that a
 * large file holds nobody up. What comes out as a blob is complete, and lies with the browser rather than in this
 * thread's memory.
 *
 * Spec: `docs/spec/envelope.md`.
 */
import { KeyfoldError, cancelled } from "../error.js";
import type { Bytes, Progress } from "../types.js";
import type { FileOpener, FileRanges, FileSealer, Session } from "../wasm/keyfold.js";
import type { Arguments, OpenedFile, SealedFile } from "./messages.js";
import type { Wasm } from "./module.js";
import {
  MOST_OF_LAST_BYTES,
  type Pieces,
  SEALED_SEGMENT_BYTES,
  SEGMENT_BYTES,
  STRIDE_SEGMENTS,
  importPayloadKey,
  openBody,
  openLast,
  openOne,
  sealBody,
} from "./segments.js";
import { type Source, type Stride, readBlob, stridesOf } from "./strides.js";
import { release } from "./traps.js";

/** What moving bytes needs around it. */
export interface Surroundings {
  readonly wasm: Pick<Wasm, "headBytes" | "unopened">;
  /** Waits for a turn and works with the session in it. */
  readonly turn: <T>(work: (session: Session) => Promise<T> | T) => Promise<T>;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Progress) => void;
}

/** The media type of envelopes. */
const MEDIA_TYPE = "application/vnd.keyfold.envelope";
/** Magic, version, length: what tells how long a head is. */
export const PREFIX_BYTES = 13;
const PROGRESS_MS = 50;

/** What is sealed, and to whom. */
export type SealOptions = Omit<Arguments<"encryptFile">, "file">;

/** Encrypts a file. */
export async function sealFile(
  around: Surroundings,
  { file, ...options }: Arguments<"encryptFile">,
): Promise<SealedFile> {
  const sealer = await sealHead(around, options);
  try {
    const parts: Blob[] = [];
    for await (const pieces of sealed(around, sealer, file)) parts.push(new Blob([...pieces]));
    const { object, keychainFingerprints, stale } = sealer;
    return {
      envelope: new Blob(parts, { type: MEDIA_TYPE }),
      object,
      size: file.size,
      keychainFingerprints,
      stale,
    };
  } finally {
    release(sealer);
  }
}

/** Decrypts a whole file. `Unauthentic` also if `object` is named and the file is another one. */
export async function openFile(
  around: Surroundings,
  { envelope, context, object }: Arguments<"decryptFile">,
): Promise<OpenedFile> {
  const { opener, bodyStart } = await openHead(around, envelope, context);
  try {
    const about = opener.about();
    if (object !== undefined && object !== about.object) throw anotherObject();
    const parts: Blob[] = [];
    const texts = opened(around, opener, envelope.slice(bodyStart), bodyStart);
    let next = await texts.next();
    for (; next.done !== true; next = await texts.next()) parts.push(new Blob([...next.value]));
    const { signedBy, unchecked } = await checkSignature(around, opener);
    return {
      // Padding lies at the end, and only now it is known how much.
      contents: new Blob(parts).slice(0, next.value, about.mediaType ?? ""),
      object: about.object,
      keychainFingerprint: about.keychainFingerprint,
      keyFingerprint: about.keyFingerprint,
      keyNumber: about.keyNumber,
      current: about.current,
      name: about.name ?? null,
      mediaType: about.mediaType ?? null,
      modified: about.modified ?? null,
      signedBy,
      signatureUnchecked: unchecked,
    };
  } finally {
    release(opener);
  }
}

/** Decrypts a part of a file: the last segment, which proves that it is whole, then those that hold the range. */
export async function openFileRange(
  around: Surroundings,
  { envelope, context, start, end }: Arguments<"decryptFileRange">,
): Promise<Bytes> {
  const { opener, bodyStart } = await openHead(around, envelope, context);
  let ranges: FileRanges | undefined;
  try {
    ranges = opener.ranges(envelope.size - bodyStart);
    return await rangeOf(around, ranges, envelope.slice(bodyStart), start, end);
  } finally {
    if (ranges !== undefined) release(ranges);
    release(opener);
  }
}

async function rangeOf(
  { wasm, signal, onProgress }: Surroundings,
  ranges: FileRanges,
  body: Blob,
  start: number,
  end: number,
): Promise<Bytes> {
  const key = await importPayloadKey(ranges.takeKey(), "decrypt");
  const last = ranges.last();
  const left = await readBlob(body, last.start, last.end);
  const size = ranges.prove(await openLast(key, last, left, wasm.unopened));
  const range = new Uint8Array(Math.max(0, Math.min(end, size) - start));
  const meter = new Meter(range.length, onProgress);
  const touching = ranges.touching(start, end);
  let filled = 0;
  for (let index = touching.start; index < touching.end; index += 1) {
    if (signal.aborted) throw cancelled(signal.reason);
    const { sealed, nonce, start: from, end: to } = ranges.segment(index, start, end);
    const text = await openOne(key, nonce, await readBlob(body, sealed.start, sealed.end));
    if (text === undefined) throw wasm.unopened(false);
    range.set(text.subarray(from, to), filled);
    filled += to - from;
    meter.pass(to - from);
  }
  meter.end();
  return range;
}

/** Seals a head to the current keys of keychains. Its owner frees it. */
export function sealHead({ turn }: Surroundings, options: SealOptions): Promise<FileSealer> {
  const { kcs, context, metadata, padded, sign } = options;
  const { name, type, lastModified } = metadata;
  // Envelopes count from 1970; what is older keeps its time to itself.
  const isDated = Number.isSafeInteger(lastModified) && lastModified >= 0;
  const about = {
    name: name === "" ? undefined : name,
    mediaType: type === "" ? undefined : type,
    modified: isDated ? lastModified : undefined,
  };
  return turn((session) => session.sealFile([...kcs], { context, ...about, padded, sign }));
}

/** A whole envelope, piece by piece, of what `source` has. */
export async function* sealed(
  { turn, signal, onProgress }: Surroundings,
  sealer: FileSealer,
  source: Source,
): AsyncGenerator<Pieces, void> {
  const key = await importPayloadKey(sealer.takeKey(), "encrypt");
  const meter = new Meter(source instanceof Blob ? source.size : null, onProgress);
  yield [sealer.head()];
  const cut = { size: STRIDE_SEGMENTS * SEGMENT_BYTES, keep: 0, signal };
  yield* sealBody(sealer, key, meter.counting(stridesOf(source, cut)));
  if (sealer.signed) yield [await turn((session) => session.signTrailer(sealer))];
  meter.end();
}

/**
 * The plaintext, piece by piece, of the body in `source`, as `openBody` gives it. Returns its length. The head before
 * it, of `bodyStart` bytes, counts as done.
 */
export async function* opened(
  { wasm, signal, onProgress }: Surroundings,
  opener: FileOpener,
  source: Source,
  bodyStart: number,
): AsyncGenerator<Pieces, number> {
  const key = await importPayloadKey(opener.takeKey(), "decrypt");
  const meter = new Meter(source instanceof Blob ? bodyStart + source.size : null, onProgress, bodyStart);
  const cut = { size: STRIDE_SEGMENTS * SEALED_SEGMENT_BYTES, keep: MOST_OF_LAST_BYTES, signal };
  const size = yield* openBody(opener, key, meter.counting(stridesOf(source, cut)), wasm.unopened);
  meter.end();
  return size;
}

/** Whose signature a file has whose end was seen. One that does not verify is `Unauthentic`. */
export async function checkSignature(
  { turn }: Surroundings,
  opener: FileOpener,
): Promise<{ signedBy: string | null; unchecked: boolean }> {
  if (!opener.about().signed) return { signedBy: null, unchecked: false };
  return turn((session) => session.checkTrailer(opener));
}

async function openHead(
  { wasm, turn }: Surroundings,
  envelope: Blob,
  context: Bytes,
): Promise<{ opener: FileOpener; bodyStart: number }> {
  const bodyStart = wasm.headBytes(await readBlob(envelope, 0, PREFIX_BYTES));
  const head = await readBlob(envelope, 0, bodyStart);
  return { opener: await turn((session) => session.openFile(head, context)), bodyStart };
}

function anotherObject(): KeyfoldError {
  return new KeyfoldError("Unauthentic", "the metadata belongs to another file", {
    hint: "Decrypt the file with the metadata that came with it.",
  });
}

/** Says now and then how much of what was given is done: at most every 50 ms, and at the end. */
export class Meter {
  readonly #total: number | null;
  readonly #tell: (progress: Progress) => void;
  #loaded: number;
  #told = performance.now();

  constructor(total: number | null, tell: (progress: Progress) => void, loaded = 0) {
    this.#total = total;
    this.#tell = tell;
    this.#loaded = loaded;
  }

  /** The same strides. Each counts when the next one is asked for: then it was worked on. */
  async *counting(strides: AsyncIterable<Stride>): AsyncGenerator<Stride, void> {
    for await (const stride of strides) {
      yield stride;
      this.pass(stride.bytes.length);
    }
  }

  /** So many bytes more. */
  pass(bytes: number): void {
    this.reach(this.#loaded + bytes);
  }

  /** So many bytes in all. */
  reach(loaded: number): void {
    this.#loaded = loaded;
    const now = performance.now();
    if (now - this.#told < PROGRESS_MS) return;
    this.#told = now;
    this.#tell({ loaded: this.#loaded, total: this.#total });
  }

  end(): void {
    this.#tell({ loaded: this.#loaded, total: this.#total });
  }
}
