// "Entries" of keychain-ledger.md: ordinary ones, bound to their place, and placed ones, which answer another.

import { compare } from "./bytes.ts";
import { decode, type Item } from "./cbor.ts";
import { requireVersion } from "./entry.ts";
import { check, Failure } from "./failure.ts";
import { type Op, parseOp } from "./keychain-op.ts";
import { bytes, integer, list, nullable, tuple } from "./shape.ts";

/** The head of another ledger, as the author saw it. */
export interface Cite {
  readonly principal: Uint8Array;
  readonly seq: number;
  readonly hash: Uint8Array;
  /** How many lie up to there; for an account: its generation. */
  readonly exclusions: number;
}

/** What kind of ledger an entry belongs to. */
export type Kind = "keychain" | "group";

/** An entry that is bound to its place. */
export interface OrdinaryEntry {
  readonly form: "ordinary";
  readonly kind: Kind;
  readonly scope: Uint8Array | null;
  readonly seq: number;
  readonly prev: Uint8Array | null;
  readonly author: Uint8Array;
  readonly via: readonly Uint8Array[];
  readonly cites: readonly Cite[];
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly ops: readonly Op[];
}

/** An entry that answers another, and stands wherever the server puts it. */
export interface PlacedEntry {
  readonly form: "placed";
  readonly kind: Kind;
  readonly scope: Uint8Array;
  /** The hash of the entry that it answers. */
  readonly answers: Uint8Array;
  /** The author's, of himself. */
  readonly cite: Cite;
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly op: Op;
}

const MOST_OPS = 16;
const MOST_VIA = 8;

/**
 * Reads what an entry signs.
 * @throws Failure with the codes of step 1 of keychain-ledger.md
 */
export function parseKeychainEntry(signed: Uint8Array): OrdinaryEntry | PlacedEntry {
  requireVersion(signed);
  return decode(signed, parseForm);
}

function parseForm(item: Item): OrdinaryEntry | PlacedEntry {
  const fields = list(item);
  switch (integer(fields[1])) {
    case 1:
      return parseOrdinary("keychain", tuple(fields, 10));
    case 2:
      return parseOrdinary("group", tuple(fields, 10));
    case 3:
      return parsePlaced("keychain", tuple(fields, 7));
    case 4:
      return parsePlaced("group", tuple(fields, 7));
    default:
      throw new Failure("Unsupported");
  }
}

function parseOrdinary(kind: Kind, fields: readonly Item[]): OrdinaryEntry {
  const [, , scope, seq, prev, author, via, cites, time, ops] = fields;
  const items = list(ops);
  check(items.length > 0, "Malformed");
  check(items.length <= MOST_OPS, "TooMany");
  const groups = list(via);
  check(groups.length <= MOST_VIA, "TooMany");
  const cited = list(cites).map(parseCite);
  for (const [index, cite] of cited.entries()) {
    const before = cited[index - 1];
    check(before === undefined || compare(before.principal, cite.principal) < 0, "NotCanonical");
  }
  return {
    form: "ordinary",
    kind,
    scope: nullable(scope, (item) => bytes(item, 32)),
    seq: integer(seq),
    prev: nullable(prev, (item) => bytes(item, 32)),
    author: bytes(author, 32),
    via: groups.map((item) => bytes(item, 32)),
    cites: cited,
    time: integer(time),
    ops: items.map(parseOp),
  };
}

function parsePlaced(kind: Kind, fields: readonly Item[]): PlacedEntry {
  const [, , scope, answers, cite, time, op] = fields;
  check(op !== undefined && cite !== undefined, "Malformed");
  return {
    form: "placed",
    kind,
    scope: bytes(scope, 32),
    answers: bytes(answers, 32),
    cite: parseCite(cite),
    time: integer(time),
    op: parseOp(op),
  };
}

function parseCite(item: Item): Cite {
  const [principal, seq, hash, exclusions] = tuple(item, 4);
  return {
    principal: bytes(principal, 32),
    seq: integer(seq),
    hash: bytes(hash, 32),
    exclusions: integer(exclusions),
  };
}
