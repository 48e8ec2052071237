/** Files, as the engine moves them, with a real session on a real server: what comes back, and what must not. */
import { openAsBlob } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openStream, sealStream } from "../src/engine/file-streams.js";
import { type Surroundings, openFile, openFileRange, sealFile } from "../src/engine/files.js";
import { SEALED_SEGMENT_BYTES, SEGMENT_BYTES, STRIDE_SEGMENTS } from "../src/engine/segments.js";
import type { Bytes, Progress } from "../src/types.js";
import { type Host, Session, generateDevice, headBytes, initSync, unopened } from "../src/wasm/keyfold.js";
import { Server, codeOf, wasm } from "./server.js";

const STRIDE = STRIDE_SEGMENTS * SEGMENT_BYTES;
const NO_CONTEXT = new Uint8Array();

let server: Server;
let session: Session;
beforeAll(async () => {
  initSync({ module: wasm });
  server = await Server.start();
  session = await person("alice");
  await session.createKeychain("files", "secretBox");
});
afterAll(() => server.close());

/** A person whose records are in memory. */
async function person(userId: string): Promise<Session> {
  const records = new Map<string, Uint8Array>();
  const host: Host = {
    async exchange(method, url, headers, body) {
      const sent = body.length > 0 ? { body: new Uint8Array(body) } : {};
      const response = await fetch(url, { method, headers, ...sent });
      const { status } = response;
      return { status, headers: [...response.headers], body: new Uint8Array(await response.arrayBuffer()) };
    },
    load: async (name) => records.get(name),
    scan: async (prefix) => [...records].filter(([name]) => name.startsWith(prefix)).sort(),
    stretch: () => Promise.reject(new Error("no words are compared here")),
    async commit(puts) {
      for (const [name, bytes] of puts) {
        if (bytes === undefined) records.delete(name);
        else records.set(name, bytes);
      }
    },
    findNear: async (names) => names.map(() => undefined),
    keepNear: () => undefined,
  };
  const made = new Session(host, generateDevice());
  await made.refresh();
  await made.signUp(userId, server.url, [server.key]);
  return made;
}

function around(more: Partial<Surroundings> = {}): Surroundings {
  return {
    wasm: { headBytes, unopened },
    turn: async (work) => work(session),
    signal: new AbortController().signal,
    onProgress: () => undefined,
    ...more,
  };
}

/** Bytes of which no two segments are alike, and that do not end in zero. */
function pattern(length: number): Bytes {
  const bytes = new Uint8Array(length);
  let state = length + 1;
  for (let index = 0; index < length; index += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[index] = (state >>> 24) | 1;
  }
  return bytes;
}

interface Sealing {
  readonly context?: Bytes;
  readonly padded?: boolean;
  readonly sign?: boolean;
}

function sealing({ context = NO_CONTEXT, padded = false, sign = false }: Sealing = {}) {
  return {
    kcs: ["files"],
    context,
    metadata: { name: "a.bin", type: "text/x-a", lastModified: 1_234 },
    padded,
    sign,
  };
}

async function seal(contents: Bytes, options: Sealing = {}): Promise<Blob> {
  return (await sealFile(around(), { file: new Blob([contents]), ...sealing(options) })).envelope;
}

function open(envelope: Blob, context = NO_CONTEXT) {
  return openFile(around(), { envelope, context, object: undefined });
}

async function bytesOf(blob: Blob): Promise<Bytes> {
  return new Uint8Array(await blob.arrayBuffer());
}

async function bodyStart(envelope: Blob): Promise<number> {
  return headBytes(await bytesOf(envelope.slice(0, 13)));
}

/** Equal, without printing megabytes where they are not. */
function same(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

const SIZES = [0, 1, SEGMENT_BYTES - 1, SEGMENT_BYTES, SEGMENT_BYTES + 1, STRIDE - 1, STRIDE, STRIDE + 1];

describe("a file", () => {
  for (const size of [...SIZES, 2 * STRIDE, 2 * STRIDE + 65_537]) {
    for (const options of [{}, { padded: true }, { sign: true }, { padded: true, sign: true }]) {
      test(`of ${size} bytes comes back, ${JSON.stringify(options)}`, async () => {
        const contents = pattern(size);
        const opened = await open(await seal(contents, options));
        expect(same(await bytesOf(opened.contents), contents)).toBe(true);
        expect(opened).toMatchObject({
          name: "a.bin",
          mediaType: "text/x-a",
          modified: 1_234,
          current: true,
          keyNumber: 1,
          signedBy: options.sign === true ? "alice" : null,
          signatureUnchecked: false,
        });
      });
    }
  }

  test("that ends in zeros, or is nothing else, keeps them under padding", async () => {
    for (const size of [5, SEGMENT_BYTES, 3 * SEGMENT_BYTES + 9, STRIDE + 9]) {
      const contents = new Uint8Array(size);
      const opened = await open(await seal(contents, { padded: true }));
      expect(same(await bytesOf(opened.contents), contents)).toBe(true);
    }
  });

  test("on a disk is read from there, without a thread's memory holding it", async () => {
    const dir = await mkdtemp(join(tmpdir(), "keyfold-files-"));
    try {
      const contents = pattern(2 * STRIDE + 5);
      const path = join(dir, "file");
      await writeFile(path, contents);
      const { envelope } = await sealFile(around(), { file: await openAsBlob(path), ...sealing() });
      await writeFile(path, await bytesOf(envelope));
      const opened = await open(await openAsBlob(path));
      expect(same(await bytesOf(opened.contents), contents)).toBe(true);
    } finally {
      await rm(dir, { recursive: true });
    }
  });

  test("opens with its own context and as its own object only", async () => {
    const context = new TextEncoder().encode("invoices");
    const { envelope, object } = await sealFile(around(), { file: new Blob(["a"]), ...sealing({ context }) });
    expect((await openFile(around(), { envelope, context, object })).object).toBe(object);
    expect(await codeOf(open(envelope))).toBe("Unauthentic");
    const other = object.replace(/^./, (first) => (first === "A" ? "B" : "A"));
    expect(await codeOf(openFile(around(), { envelope, context, object: other }))).toBe("Unauthentic");
  });
});

describe("an altered file is refused", () => {
  const segments = 2 * STRIDE_SEGMENTS + 3;
  let whole: Blob;
  let start: number;
  beforeAll(async () => {
    whole = await seal(pattern((segments - 1) * SEGMENT_BYTES + 5));
    start = await bodyStart(whole);
  });

  const at = (index: number): number => start + index * SEALED_SEGMENT_BYTES;
  const segment = (index: number): Blob => whole.slice(at(index), at(index + 1));
  const between = (from: number, to: number): Blob => whole.slice(at(from), at(to));
  const front = (): Blob => whole.slice(0, at(1));

  const cases: Record<string, () => { envelope: Blob; code: string }> = {
    "cut after a segment": () => ({ envelope: whole.slice(0, at(5)), code: "Truncated" }),
    "cut after a stride": () => ({ envelope: whole.slice(0, at(STRIDE_SEGMENTS)), code: "Truncated" }),
    "cut after the head": () => ({ envelope: whole.slice(0, start), code: "Truncated" }),
    "cut in the head": () => ({ envelope: whole.slice(0, start - 1), code: "Truncated" }),
    "cut in the prefix": () => ({ envelope: whole.slice(0, 9), code: "Truncated" }),
    "cut in a segment": () => ({ envelope: whole.slice(0, at(5) - 9), code: "Unauthentic" }),
    "a segment dropped": () => ({ envelope: new Blob([front(), between(2, segments)]), code: "Unauthentic" }),
    "a segment repeated": () => ({
      envelope: new Blob([front(), segment(0), between(1, segments)]),
      code: "Unauthentic",
    }),
    "two segments swapped": () => ({
      envelope: new Blob([front(), segment(2), segment(1), between(3, segments)]),
      code: "Unauthentic",
    }),
    "a byte appended": () => ({ envelope: new Blob([whole, "x"]), code: "Unauthentic" }),
    "a segment appended": () => ({ envelope: new Blob([whole, segment(1)]), code: "Unauthentic" }),
    "something else": () => ({ envelope: new Blob(["something else altogether"]), code: "NotAnEnvelope" }),
    nothing: () => ({ envelope: new Blob([]), code: "NotAnEnvelope" }),
  };
  for (const [what, made] of Object.entries(cases)) {
    test(what, async () => {
      const { envelope, code } = made();
      expect(await codeOf(open(envelope))).toBe(code);
    });
  }

  test("a bit flipped anywhere", async () => {
    const small = await bytesOf(await seal(pattern(3), { sign: true }));
    for (let index = 0; index < small.length; index += 7) {
      const altered = small.slice();
      altered[index] = (altered[index] ?? 0) ^ 1;
      const code = await codeOf(open(new Blob([altered])));
      expect(typeof code, `byte ${index}`).toBe("string");
    }
  });

  test("a trailer cut off, or of another file", async () => {
    const [one, other] = [await seal(pattern(9), { sign: true }), await seal(pattern(9), { sign: true })];
    const cut = one.slice(0, one.size - 144);
    expect(await codeOf(open(cut))).toBe("Truncated");
    expect(await codeOf(open(new Blob([cut, other.slice(other.size - 144)])))).toBe("Unauthentic");
  });
});

describe("a range", () => {
  const contents = pattern(3 * SEGMENT_BYTES + 77);
  let envelope: Blob;
  beforeAll(async () => {
    envelope = await seal(contents, { padded: true, sign: true });
  });

  test("is that part of the plaintext, cut off at its end", async () => {
    const ranges: [number, number][] = [
      [0, 0],
      [0, 1],
      [SEGMENT_BYTES - 1, SEGMENT_BYTES + 1],
      [5, 3 * SEGMENT_BYTES + 70],
      [3 * SEGMENT_BYTES, 3 * SEGMENT_BYTES + 77],
      [100, 1e9],
      [1e9, 2e9],
    ];
    for (const [start, end] of ranges) {
      const range = await openFileRange(around(), { envelope, context: NO_CONTEXT, start, end });
      expect(same(range, contents.subarray(start, end)), `${start} to ${end}`).toBe(true);
    }
  });

  test("of a file that was cut is refused, although it does not touch the end", async () => {
    const cut = envelope.slice(0, (await bodyStart(envelope)) + 2 * SEALED_SEGMENT_BYTES);
    const read = openFileRange(around(), { envelope: cut, context: NO_CONTEXT, start: 0, end: 10 });
    expect(["Truncated", "Unauthentic"]).toContain(await codeOf(read));
  });

  test("of a bad segment is refused", async () => {
    const bytes = await bytesOf(envelope);
    const place = (await bodyStart(envelope)) + SEALED_SEGMENT_BYTES + 9;
    bytes[place] = (bytes[place] ?? 0) ^ 1;
    const range = (start: number) =>
      openFileRange(around(), { envelope: new Blob([bytes]), context: NO_CONTEXT, start, end: start + 10 });
    expect(await codeOf(range(SEGMENT_BYTES))).toBe("Unauthentic");
    expect(same(await range(0), contents.subarray(0, 10))).toBe(true);
  });
});

describe("on its way", () => {
  /** What is told meanwhile, which never goes back, nor comes more often than every 50 ms. */
  async function toldBy(work: (around: Surroundings) => Promise<unknown>): Promise<Progress[]> {
    const told: Progress[] = [];
    const start = performance.now();
    await work(around({ onProgress: (progress) => told.push(progress) }));
    expect(told.length).toBeLessThanOrEqual((performance.now() - start) / 50 + 1);
    expect(told.map(({ loaded }) => loaded)).toEqual(told.map(({ loaded }) => loaded).sort((a, b) => a - b));
    return told;
  }

  for (const size of [0, 1, SEGMENT_BYTES, 5 * STRIDE + 1]) {
    for (const options of [{}, { padded: true, sign: true }]) {
      test(`of ${size} bytes, progress counts what was given, up to it, ${JSON.stringify(options)}`, async () => {
        const file = new Blob([pattern(size)]);
        let envelope = new Blob();
        const sealed = await toldBy(async (around) => {
          ({ envelope } = await sealFile(around, { file, ...sealing(options) }));
        });
        const opening = await toldBy((around) =>
          openFile(around, { envelope, context: NO_CONTEXT, object: undefined }),
        );
        const part = { start: size >> 1, end: size + 9 };
        const ranging = await toldBy((around) =>
          openFileRange(around, { envelope, context: NO_CONTEXT, ...part }),
        );
        for (const [told, total] of [
          [sealed, file.size],
          [opening, envelope.size],
          [ranging, size - part.start],
        ] as const) {
          expect(told.at(-1)).toEqual({ loaded: total, total });
          expect(told.every((progress) => progress.total === total && progress.loaded <= total)).toBe(true);
        }
      });
    }
  }

  test("progress of a stream has no total, and counts what was given", async () => {
    const envelope = await seal(pattern(SEGMENT_BYTES + 1), { padded: true, sign: true });
    const told = await toldBy(async (around) => {
      const { contents } = await openStream(around, envelope.stream(), NO_CONTEXT);
      await new Response(contents).arrayBuffer();
    });
    expect(told.at(-1)).toEqual({ loaded: envelope.size, total: null });
  });

  test("it stops between two strides when it is cancelled, with the reason as cause", async () => {
    const envelope = await seal(pattern(3 * STRIDE));
    const controller = new AbortController();
    const reason = new Error("the person left");
    const turn: Surroundings["turn"] = async (work) => {
      const answer = await work(session);
      controller.abort(reason);
      return answer;
    };
    const call = openFile(around({ signal: controller.signal, turn }), {
      envelope,
      context: NO_CONTEXT,
      object: undefined,
    });
    await expect(call).rejects.toMatchObject({ code: "Cancelled", cause: reason });
  });
});

describe("a stream", () => {
  const streamOf = (bytes: Bytes, step: number): ReadableStream<Uint8Array> => {
    let at = 0;
    return new ReadableStream({
      pull(controller) {
        if (at >= bytes.length) return controller.close();
        controller.enqueue(bytes.slice(at, at + step));
        at += step;
      },
    });
  };
  const collect = async (stream: ReadableStream<Uint8Array>): Promise<Bytes> =>
    bytesOf(await new Response(stream).blob());

  for (const size of [...SIZES, STRIDE + 65_537]) {
    for (const options of [{}, { padded: true, sign: true }]) {
      test(`of ${size} bytes comes back, ${JSON.stringify(options)}`, async () => {
        const contents = pattern(size);
        const { envelope } = await sealStream(around(), streamOf(contents, 100_000), sealing(options));
        const bytes = await collect(envelope);
        expect(same(await bytesOf((await open(new Blob([bytes]))).contents), contents)).toBe(true);
        const opened = await openStream(around(), streamOf(bytes, 70_001), NO_CONTEXT);
        expect(same(await collect(opened.contents), contents)).toBe(true);
      });
    }
  }

  test("of zeros keeps them under padding, and gives on no padding", async () => {
    const contents = new Uint8Array(3 * SEGMENT_BYTES + 9);
    contents[70_000] = 1;
    const bytes = await bytesOf(await seal(contents, { padded: true }));
    const opened = await openStream(around(), streamOf(bytes, 9_999), NO_CONTEXT);
    expect(same(await collect(opened.contents), contents)).toBe(true);
  });

  test("that was cut gives on what is true, and fails at its end", async () => {
    const contents = pattern(STRIDE + 3 * SEGMENT_BYTES);
    const bytes = await bytesOf(await seal(contents));
    const cut = bytes.subarray(0, bytes.length - 24 - SEGMENT_BYTES);
    const { contents: stream } = await openStream(around(), streamOf(cut, 100_000), NO_CONTEXT);
    let length = 0;
    const read = async (): Promise<void> => {
      for await (const piece of stream) {
        expect(same(piece, contents.subarray(length, length + piece.length))).toBe(true);
        length += piece.length;
      }
    };
    expect(await codeOf(read())).toBe("Truncated");
    expect(length).toBeLessThan(contents.length);
  });

  test("that nobody reads to its end lets go of its source", async () => {
    let isCancelled = false;
    const source = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new Uint8Array(STRIDE)),
      cancel: () => {
        isCancelled = true;
      },
    });
    const { envelope } = await sealStream(around(), source, sealing());
    const reader = envelope.getReader();
    await reader.read();
    await reader.read();
    await reader.cancel();
    expect(isCancelled).toBe(true);
  });
});
