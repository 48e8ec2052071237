// The trailer of envelope.md: who says that an envelope's content is his.

import { concat, equal, u32, u64, utf8, viewOf } from "./bytes.ts";
import { check } from "./failure.ts";
import { hash, plainHash } from "./hash.ts";
import { sign, verify } from "./signature.ts";

/** Who signs, and the head of his account ledger. */
export interface Author {
  readonly account: Uint8Array;
  readonly generation: number;
  readonly seq: number;
  readonly head: Uint8Array;
  /** Of the ledger key of that generation. */
  readonly seed: Uint8Array;
}

/** A trailer that was read and not yet verified. */
export interface Trailer {
  readonly account: Uint8Array;
  readonly generation: number;
  readonly seq: bigint;
  readonly head: Uint8Array;
  /** Whether the signature verifies under the account's ledger key of the generation. */
  readonly verifies: (ledgerKey: Uint8Array) => boolean;
}

/** Length of a trailer, in bytes. */
export const TRAILER = 144;

const MAGIC = utf8("KFT1");
const SIGNED = 80;
const LABEL = "KF1 trailer";

/** Writes and signs a trailer over an envelope's fixed header and its sealed segments. */
export function sealTrailer(author: Author, fixedBytes: Uint8Array, body: Uint8Array): Uint8Array {
  const { account, generation, seq, head, seed } = author;
  const front = concat(MAGIC, account, u32(generation), u64(seq), head);
  return concat(front, sign(seed, LABEL, message(front, fixedBytes, body)));
}

/**
 * Reads a trailer.
 * @throws Failure `Unsupported`
 */
export function parseTrailer(trailer: Uint8Array, fixedBytes: Uint8Array, body: Uint8Array): Trailer {
  check(equal(trailer.slice(0, 4), MAGIC), "Unsupported");
  const front = trailer.slice(0, SIGNED);
  return {
    account: trailer.slice(4, 36),
    generation: viewOf(trailer).getUint32(36),
    seq: viewOf(trailer).getBigUint64(40),
    head: trailer.slice(48, SIGNED),
    verifies: (ledgerKey) =>
      verify(ledgerKey, LABEL, message(front, fixedBytes, body), trailer.slice(SIGNED)),
  };
}

function message(front: Uint8Array, fixedBytes: Uint8Array, body: Uint8Array): Uint8Array {
  return concat(hash("KF1 envelope fixed", fixedBytes), plainHash(body), front);
}
