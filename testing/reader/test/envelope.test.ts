// Envelopes: each is sealed with the randomness that the vector lists, compared, edited and opened; a
// trailer's verdict is compared apart, since an envelope opens without believing its author.

import { expect } from "vitest";

import { concat, fromHex, hex } from "../src/bytes.ts";
import { openEnvelope, sealEnvelope, type Writing } from "../src/envelope.ts";
import { cutBody } from "../src/envelope-body.ts";
import { parseHead } from "../src/envelope-header.ts";
import { TRAILER, type Trailer } from "../src/envelope-trailer.ts";
import { plainHash } from "../src/hash.ts";
import { recorded } from "../src/random.ts";
import { signingKeyOf } from "../src/signature.ts";
import { heldKey, type KeyVector } from "./held-keys.ts";
import { type Edit, edited, readFolder, runFolder, type Vector } from "./vectors.ts";

type Repeated = { readonly repeat: string; readonly len: number };

type SegmentEdit =
  { readonly swap: readonly [number, number] } | { readonly drop: number } | { readonly repeat: number };

interface AuthorVector {
  readonly account: string;
  readonly generation: number;
  readonly seq: number;
  readonly head: string;
  readonly seed: string;
}

interface EnvelopeVector extends Vector {
  readonly seal: {
    readonly plaintext: { readonly hex: string } | Repeated;
    readonly context: string;
    readonly keys: readonly KeyVector[];
    readonly metadata: {
      readonly name: string | null;
      readonly media_type: string | null;
      readonly modified: number | null;
    } | null;
    readonly padded: boolean;
    readonly author: AuthorVector | null;
    readonly random: string;
  };
  readonly sealed: { readonly hex: string } | { readonly blake3: string; readonly len: number };
  readonly edits: readonly (Edit | SegmentEdit)[];
  readonly open: {
    readonly keys: readonly KeyVector[];
    readonly context: string;
    readonly data_key?: string;
  };
  readonly trailer: "verifies" | "refused" | null;
}

runFolder("envelope", readFolder<EnvelopeVector>("envelope"), (vector) => {
  const { seal, open } = vector;
  const plaintext = "hex" in seal.plaintext ? fromHex(seal.plaintext.hex) : repeated(seal.plaintext);
  const random = recorded(fromHex(seal.random));
  const sealed = sealEnvelope(plaintext, writingOf(seal), random.draw);
  expect("hex" in vector.sealed ? { hex: hex(sealed) } : digestOf(sealed)).toEqual(vector.sealed);
  expect(random.left()).toBe(0);

  const input = vector.edits.reduce(editedOnce, sealed);
  const cached = open.data_key === undefined ? undefined : fromHex(open.data_key);
  let trailer: EnvelopeVector["trailer"] = null;
  try {
    const opened = openEnvelope(input, open.keys.map(heldKey), fromHex(open.context), cached);
    expect(hex(opened.plaintext)).toBe(hex(plaintext));
    expect(opened.metadata).toEqual(metadataOf(seal.metadata));
    if (opened.trailer !== null && seal.author !== null) trailer = verdictOn(opened.trailer, seal.author);
  } finally {
    expect(trailer).toBe(vector.trailer);
  }
});

function verdictOn(
  trailer: Trailer,
  { account, generation, seq, seed }: AuthorVector,
): "verifies" | "refused" {
  expect({ ...trailer, account: hex(trailer.account) }).toMatchObject({
    account,
    generation,
    seq: BigInt(seq),
  });
  return trailer.verifies(signingKeyOf(fromHex(seed))) ? "verifies" : "refused";
}

function writingOf(seal: EnvelopeVector["seal"]): Writing {
  const author = seal.author && {
    account: fromHex(seal.author.account),
    generation: seal.author.generation,
    seq: seal.author.seq,
    head: fromHex(seal.author.head),
    seed: fromHex(seal.author.seed),
  };
  return {
    context: fromHex(seal.context),
    keys: seal.keys.map(heldKey),
    metadata: metadataOf(seal.metadata),
    padded: seal.padded,
    author,
  };
}

function metadataOf(metadata: EnvelopeVector["seal"]["metadata"]): Writing["metadata"] {
  return metadata && { name: metadata.name, mediaType: metadata.media_type, modified: metadata.modified };
}

function repeated({ repeat, len }: Repeated): Uint8Array {
  const pattern = fromHex(repeat);
  return Uint8Array.from({ length: len }, (_, index) => pattern[index % pattern.length] ?? 0);
}

function digestOf(bytes: Uint8Array): { blake3: string; len: number } {
  return { blake3: hex(plainHash(bytes)), len: bytes.length };
}

function editedOnce(bytes: Uint8Array, edit: Edit | SegmentEdit): Uint8Array {
  if (!("swap" in edit || "drop" in edit || "repeat" in edit)) return edited(bytes, [edit]);
  const head = parseHead(bytes);
  const end = head.fixed.trailer ? bytes.length - TRAILER : bytes.length;
  const segments = cutBody(bytes.slice(head.end, end));
  return concat(bytes.slice(0, head.end), ...rearranged(segments, edit), bytes.slice(end));
}

function rearranged(segments: readonly Uint8Array[], edit: SegmentEdit): readonly Uint8Array[] {
  if ("drop" in edit) return segments.toSpliced(edit.drop, 1);
  if ("repeat" in edit)
    return segments.flatMap((segment, i) => (i === edit.repeat ? [segment, segment] : [segment]));
  const [a, b] = edit.swap;
  const [first, second] = [segments[a], segments[b]];
  if (first === undefined || second === undefined) throw new Error("no such segments");
  return segments.with(a, second).with(b, first);
}
