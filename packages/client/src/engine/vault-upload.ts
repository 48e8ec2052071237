/**
 * A content on its way into a vault: sealed from its front, cut into parts, and each part noted before it leaves, so that
 * one can go on where it stopped. The next parts are sealed while the last ones leave.
 *
 * Spec: `docs/spec/vault.md`, "A content" and "Going on where it stopped".
 */
import type { Bytes } from "../types.js";
import type { VaultAbout, VaultItem, VaultUpload } from "../wasm/keyfold.js";
import { Meter, type Surroundings } from "./files.js";
import type { Arguments } from "./messages.js";
import { SEGMENT_BYTES, STRIDE_SEGMENTS, type Pieces, importPayloadKey, sealBody } from "./segments.js";
import { type Source, type Stride, stridesOf } from "./strides.js";
import { release } from "./traps.js";
import { AT_ONCE, PART_BYTES, PART_TEXT_BYTES, PartsLine, untilNext } from "./vault-parts.js";

/** Puts a content at a path. `stream` is read where it comes from no blob. */
export async function putFile(
  around: Surroundings,
  { kc, path, file, changed, ...about }: Arguments<"vaultPut">,
  stream: () => ReadableStream<Uint8Array>,
): Promise<VaultItem> {
  const source = file !== null && changed !== null ? { size: file.size, changed } : undefined;
  for (let anew = false; ; anew = true) {
    const upload = await around.turn((session) => session.beginUpload(kc, path, source, anew));
    try {
      const sent = await send(around, upload, file ?? stream());
      if (sent !== undefined)
        return await end(around, kc, upload, { ...about, size: sent.size }, sent.hasBegun);
      // It is another source than the last time, though it looks the same. Only what can be read again is gone on with.
    } finally {
      release(upload);
    }
  }
}

/** Commits what is stored. A line that breaks now has broken at a bad moment: it is waited for. */
async function end(
  { turn, signal }: Surroundings,
  kc: string,
  upload: VaultUpload,
  about: VaultAbout,
  hasBegun: boolean,
): Promise<VaultItem> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await turn((session) => session.endUpload(kc, upload, about));
    } catch (thrown) {
      if (!hasBegun) throw thrown;
      await untilNext(thrown, attempt, signal);
    }
  }
}

/** What was sent: how many bytes, and whether it took more than one time. */
interface Sent {
  readonly size: number;
  readonly hasBegun: boolean;
}

/** Seals and stores all parts. `undefined`: they are others than the last time. */
async function send(around: Surroundings, upload: VaultUpload, source: Source): Promise<Sent | undefined> {
  const { signal, turn } = around;
  const sealer = upload.sealer();
  const line = new PartsLine(around, upload);
  const meter = new Meter(source instanceof Blob ? source.size : null, around.onProgress);
  let [size, taken] = [0, 0];
  async function* counted(): AsyncGenerator<Stride, void> {
    for await (const stride of stridesOf(source, {
      size: STRIDE_SEGMENTS * SEGMENT_BYTES,
      keep: 0,
      signal,
    })) {
      size += stride.bytes.length;
      yield stride;
    }
  }
  const key = await importPayloadKey(sealer.takeKey(), "encrypt");
  const batches = ahead(batched(sealBody(sealer, key, counted())));
  try {
    for await (const batch of batches) {
      const leaving: Bytes[] = [];
      for (const part of batch) {
        const isNew = upload.take(part);
        if (isNew === undefined) return undefined;
        if (isNew) leaving.push(part);
      }
      taken += batch.length;
      // What is stored at once is never gone on with.
      const isAtOnce = taken === batch.length && batch.length < AT_ONCE;
      if (!isAtOnce) await turn((session) => session.noteParts(upload));
      if (leaving.length > 0) await line.put(leaving, taken > batch.length);
      upload.allStored();
      meter.reach(Math.min(size, taken * PART_TEXT_BYTES));
    }
    meter.reach(size);
    meter.end();
    return { size, hasBegun: taken > AT_ONCE };
  } finally {
    await batches.return();
    line.free();
    release(sealer);
  }
}

/** Parts, as many at once as leave together. */
async function* batched(sealed: AsyncGenerator<Pieces, void>): AsyncGenerator<Bytes[], void> {
  let batch: Bytes[] = [];
  let part = new Uint8Array(PART_BYTES);
  let filled = 0;
  for await (const pieces of sealed) {
    for (const piece of pieces) {
      for (let at = 0; at < piece.length;) {
        const fits = piece.subarray(at, at + PART_BYTES - filled);
        part.set(fits, filled);
        [at, filled] = [at + fits.length, filled + fits.length];
        if (filled < PART_BYTES) continue;
        batch.push(part);
        [part, filled] = [new Uint8Array(PART_BYTES), 0];
        if (batch.length < AT_ONCE) continue;
        yield batch;
        batch = [];
      }
    }
  }
  if (filled > 0) batch.push(part.subarray(0, filled));
  if (batch.length > 0) yield batch;
}

/** The same, one step ahead of whoever asks. */
export async function* ahead<T>(steps: AsyncGenerator<T, void>): AsyncGenerator<T, void> {
  const step = (): Promise<IteratorResult<T, void>> => {
    const next = steps.next();
    // Whoever stops early does not want to hear of it.
    next.catch(() => undefined);
    return next;
  };
  try {
    for (let next = step(); ;) {
      const { done, value } = await next;
      if (done === true) return;
      next = step();
      yield value;
    }
  } finally {
    await steps.return();
  }
}
