/**
 * A content on its way out of a vault: the parts come without a turn, each verified by its name, and are opened as any
 * envelope's body. As a whole it becomes a blob; of a reader, any place is read, in constant memory.
 *
 * Spec: `docs/spec/vault.md`, "A content".
 */
import { KeyfoldError, cancelled } from "../error.js";
import type { Bytes } from "../types.js";
import type { FileRanges, VaultContent, VaultItem } from "../wasm/keyfold.js";
import { Meter, type Surroundings } from "./files.js";
import type { Arguments, ReadContent } from "./messages.js";
import {
  MOST_OF_LAST_BYTES,
  STRIDE_SEGMENTS,
  importPayloadKey,
  openBody,
  openLast,
  openOne,
} from "./segments.js";
import type { Stride } from "./strides.js";
import { release } from "./traps.js";
import { AT_ONCE, PART_BYTES, PartsLine } from "./vault-parts.js";
import { ahead } from "./vault-upload.js";

/** How long what was fetched for a reader is held while nobody reads, in milliseconds. */
const HELD_MS = 5_000;

/** A whole file. Nothing of it is given before all of it is authentic. */
export async function getFile(
  around: Surroundings,
  { kc, path, version }: Arguments<"vaultGet">,
): Promise<ReadContent> {
  const content = await around.turn((session) => session.openContent(kc, path, version));
  const line = new PartsLine(around, content);
  const opener = content.opener();
  try {
    const item = content.item();
    const meter = new Meter(item.size ?? null, around.onProgress);
    const key = await importPayloadKey(opener.takeKey(), "decrypt");
    const texts = openBody(opener, key, ahead(stridesOf(around, content, line)), around.wasm.unopened);
    const pieces: Blob[] = [];
    let next = await texts.next();
    for (; next.done !== true; next = await texts.next()) {
      pieces.push(new Blob([...next.value]));
      meter.pass(next.value.reduce((sum, { length }) => sum + length, 0));
    }
    if (next.value !== item.size) throw anotherLength();
    meter.reach(next.value);
    meter.end();
    // Padding lies at the end.
    return { item, contents: new Blob(pieces).slice(0, next.value, item.mediaType ?? "") };
  } finally {
    release(opener);
    line.free();
    release(content);
  }
}

/** A range of a file, cut off at its end. */
export async function getRange(
  around: Surroundings,
  { start, end, ...which }: Arguments<"vaultGetRange">,
): Promise<Bytes> {
  const reader = await ContentReader.open(around, which);
  try {
    const length = Math.max(0, Math.min(end, reader.item.size ?? 0) - start);
    const meter = new Meter(length, around.onProgress);
    const range = await reader.read(around, start, end, meter);
    meter.end();
    return range;
  } finally {
    reader.free();
  }
}

/** All parts, those of a stride at once. The last segment is never in two strides. */
async function* stridesOf(
  { signal }: Surroundings,
  { body, count }: VaultContent,
  line: PartsLine,
): AsyncGenerator<Stride, void> {
  for (let first = 0, isLast = false; !isLast; first += AT_ONCE) {
    if (signal.aborted) throw cancelled(signal.reason);
    isLast = body - (first + AT_ONCE) * PART_BYTES <= MOST_OF_LAST_BYTES;
    const parts = await line.get(first, isLast ? count - first : AT_ONCE);
    yield { bytes: joined(parts), isLast };
  }
}

/** Any place of a file. The last segment was opened first, which proves the length. */
export class ContentReader {
  readonly #content: VaultContent;
  readonly #ranges: FileRanges;
  readonly #line: PartsLine;
  readonly #ending = new AbortController();
  readonly item: VaultItem;
  #key: CryptoKey | undefined;
  #resting: ReturnType<typeof setTimeout> | undefined;
  /** What is asked for at the moment. */
  readonly #asked = new Set<Promise<Bytes[]>>();
  /** The parts of the last two requests: what is read, and what is read next. */
  #held: { readonly first: number; readonly parts: Promise<Bytes[]> }[] = [];

  private constructor(around: Surroundings, content: VaultContent, ranges: FileRanges) {
    this.#content = content;
    this.#ranges = ranges;
    this.#line = new PartsLine({ ...around, signal: this.#ending.signal }, content);
    this.item = content.item();
  }

  /** Of a file, or of a content that it had. `around.signal` ends the opening, and `free` all of it. */
  static async open(
    around: Surroundings,
    { kc, path, version }: Omit<Arguments<"vaultOpen">, "reader">,
  ): Promise<ContentReader> {
    const content = await around.turn((session) => session.openContent(kc, path, version));
    const opener = content.opener();
    const ranges = opener.ranges(content.body);
    release(opener);
    const reader = new ContentReader(around, content, ranges);
    const end = (): void => reader.#ending.abort(around.signal.reason);
    around.signal.addEventListener("abort", end, { once: true });
    try {
      await reader.#prove(around);
    } catch (thrown) {
      reader.free();
      throw thrown;
    } finally {
      around.signal.removeEventListener("abort", end);
    }
    return reader;
  }

  /** Bytes from `start` to before `end`, cut off at the file's end. */
  async read({ wasm, signal }: Surroundings, start: number, end: number, meter?: Meter): Promise<Bytes> {
    const text = new Uint8Array(Math.max(0, Math.min(end, this.item.size ?? 0) - start));
    const touched = this.#ranges.touching(start, end);
    let filled = 0;
    for (let first = touched.start; first < touched.end; first += STRIDE_SEGMENTS) {
      if (signal.aborted) throw cancelled(signal.reason);
      const count = Math.min(STRIDE_SEGMENTS, touched.end - first);
      const segments = Array.from({ length: count }, (_, at) => this.#ranges.segment(first + at, start, end));
      const opened = segments.map(async ({ sealed, nonce, start: from, end: to }) => {
        const found = await openOne(this.#opened, nonce, await this.#body(sealed.start, sealed.end));
        if (found === undefined) throw wasm.unopened(false);
        return found.subarray(from, to);
      });
      for (const piece of await Promise.all(opened)) {
        text.set(piece, filled);
        filled += piece.length;
        meter?.pass(piece.length);
      }
    }
    return text;
  }

  /** Lets go of all of it. */
  free(): void {
    this.#ending.abort();
    clearTimeout(this.#resting);
    this.#held = [];
    release(this.#ranges);
    release(this.#content);
    // What is asked for still works with it.
    void Promise.allSettled(this.#asked).then(() => this.#line.free());
  }

  async #prove({ wasm }: Surroundings): Promise<void> {
    this.#key = await importPayloadKey(this.#ranges.takeKey(), "decrypt");
    const last = this.#ranges.last();
    const left = await this.#body(last.start, last.end);
    const size = this.#ranges.prove(await openLast(this.#key, last, left, wasm.unopened));
    if (size !== this.item.size) throw anotherLength();
  }

  get #opened(): CryptoKey {
    if (this.#key === undefined) throw new KeyfoldError("Internal", "a content is read before it was proven");
    return this.#key;
  }

  /** Bytes of the body, which lie in one part or two. */
  async #body(start: number, end: number): Promise<Bytes> {
    const pieces: Bytes[] = [];
    for (let at = start; at < end;) {
      const number = Math.floor(at / PART_BYTES);
      const part = await this.#part(number);
      const piece = part.subarray(at - number * PART_BYTES, end - number * PART_BYTES);
      if (piece.length === 0)
        throw new KeyfoldError("Unauthentic", "a part of the file is shorter than it was");
      pieces.push(piece);
      at += piece.length;
    }
    return joined(pieces);
  }

  async #part(number: number): Promise<Bytes> {
    const first = number - (number % AT_ONCE);
    const parts = await this.#batch(first);
    const part = parts[number - first];
    if (part === undefined) throw new KeyfoldError("Unauthentic", "a part of the file is missing");
    return part;
  }

  #batch(first: number): Promise<Bytes[]> {
    const known = this.#held.find((held) => held.first === first);
    if (known !== undefined) return known.parts;
    const parts = this.#line.get(first, AT_ONCE);
    const held = { first, parts };
    this.#held = [...this.#held.slice(-1), held];
    this.#asked.add(parts);
    const failed = (): void => {
      this.#held = this.#held.filter((other) => other !== held);
    };
    void parts.catch(failed).finally(() => this.#asked.delete(parts));
    return parts;
  }

  /** Asks for what follows a place before somebody wants it. */
  prefetch(at: number): void {
    // Sealed it lies a little further on.
    const first = Math.floor(at / PART_BYTES / AT_ONCE) * AT_ONCE + AT_ONCE;
    if (first < this.#content.count) this.#batch(first).catch(() => undefined);
    // Players pause, and some readers are never told that nobody reads them any more.
    clearTimeout(this.#resting);
    this.#resting = setTimeout(() => {
      this.#held = [];
    }, HELD_MS);
    (this.#resting as { unref?: () => void }).unref?.();
  }
}

function joined(pieces: readonly Bytes[]): Bytes {
  const [only] = pieces;
  if (only !== undefined && pieces.length === 1) return only;
  const whole = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

function anotherLength(): KeyfoldError {
  return new KeyfoldError("Unauthentic", "the file has another length than the vault says");
}
