// "Ops" of keychain-ledger.md: what an entry of a keychain does, read and not yet judged.

import { compare } from "./bytes.ts";
import { type Item, requireAscending } from "./cbor.ts";
import { check, Failure } from "./failure.ts";
import { SEAL_ONCE_OVERHEAD } from "./derivation.ts";
import { WRAPPING_KEY } from "./hpke.ts";
import { type KeyRanges, parseRanges } from "./key-ranges.ts";
import { bytes, flag, integer, list, nullable, tuple, within } from "./shape.ts";

/** The four permissions; a set of them is a sum. */
export const permission = { sharing: 1, rotation: 2, deletion: 4, management: 8 } as const;

/** All permissions. */
export const EVERY_PERMISSION = 15;

/** A key as the entry that brings it describes it. */
export interface KeyEntry {
  readonly number: number;
  readonly fingerprint: Uint8Array;
  readonly publicKey: Uint8Array | null;
  readonly historyCommitment: Uint8Array;
  readonly historyLink: Uint8Array | null;
  readonly sealedName: Uint8Array;
}

/** Opens a ledger. */
export interface Genesis {
  readonly op: "Genesis";
  readonly nonce: Uint8Array;
  readonly algorithm: number;
  readonly rank: number;
  readonly key: KeyEntry;
}

/** Offers keys to some, on the same terms. */
export interface Share {
  readonly op: "Share";
  readonly principals: readonly { readonly group: boolean; readonly id: Uint8Array }[];
  readonly keys: KeyRanges;
  readonly permissions: number;
  readonly follows: boolean;
  readonly historyFrom: number | null;
  readonly readOnly: boolean;
  /** Milliseconds since 1970. */
  readonly expiresAt: number | null;
}

/** Takes a share back before it was accepted. */
export interface CancelShare {
  readonly op: "CancelShare";
  readonly share: Uint8Array;
  readonly principal: Uint8Array;
}

/** Ends what has an end. */
export interface Expire {
  readonly op: "Expire";
  readonly share: Uint8Array;
  readonly principal: Uint8Array;
}

/** Changes what a member may do. */
export interface SetPermissions {
  readonly op: "SetPermissions";
  readonly principal: Uint8Array;
  readonly granted: number;
  readonly withdrawn: number;
}

/** Brings a new key. */
export interface Rotate {
  readonly op: "Rotate";
  readonly key: KeyEntry;
}

/** Keeps somebody out. */
export interface Ban {
  readonly op: "Ban";
  readonly principal: Uint8Array;
}

/** Cites a newer head of somebody, and does nothing else. */
export interface Observe {
  readonly op: "Observe";
  readonly principal: Uint8Array;
}

/** Says how far indexes are. */
export interface Anchor {
  readonly op: "Anchor";
  readonly records: readonly {
    readonly index: Uint8Array;
    readonly generation: number;
    readonly hash: Uint8Array;
  }[];
}

/** Gives a key back. */
export interface DropKey {
  readonly op: "DropKey";
  readonly number: number;
}

/** Answers that say all by what they answer. */
export interface Answer {
  readonly op: "Accept" | "Decline" | "Leave";
}

/** What only owners decide, together. */
export interface Decision {
  readonly decision: "AddOwner" | "RemoveOwner" | "Successor";
  /** The account, or the scope of a successor. */
  readonly id: Uint8Array;
}

/** Puts a decision to the owners, or is for one. */
export interface Vote {
  readonly op: "Propose" | "Approve";
  readonly decision: Decision;
}

/** Ops that come as placed entries, and in no other way. */
export type PlacedOp = Answer | DropKey;

/** What an entry does. */
export type Op =
  Genesis | Share | CancelShare | Expire | SetPermissions | Rotate | Ban | Observe | Anchor | Vote | PlacedOp;

const DECISIONS: ReadonlyMap<number, Decision["decision"]> = new Map([
  [14, "AddOwner"],
  [15, "RemoveOwner"],
  [16, "Successor"],
]);
const MOST_PRINCIPALS = 1024;
const MOST_ANCHORS = 256;
const HISTORY_LINK = SEAL_ONCE_OVERHEAD + 64;
const SEALED_NAMES = [32, 64, 128, 258].map((length) => length + SEAL_ONCE_OVERHEAD);

/**
 * Reads an op.
 * @throws Failure `Unsupported` for a number that is reserved or unknown; `Malformed`, `NotCanonical`,
 * `TooLarge`, `TooMany`
 */
export function parseOp(item: Item): Op {
  const fields = list(item);
  switch (integer(fields[0])) {
    case 0:
      return parseGenesis(tuple(fields, 5));
    case 1:
      return parseShare(tuple(fields, 8));
    case 2:
      tuple(fields, 1);
      return { op: "Accept" };
    case 3:
      tuple(fields, 1);
      return { op: "Decline" };
    case 4:
      tuple(fields, 1);
      return { op: "Leave" };
    case 5:
      return { op: "DropKey", number: within(tuple(fields, 2)[1], 32) };
    case 6: {
      const [, share, principal] = tuple(fields, 3);
      return { op: "CancelShare", share: bytes(share, 32), principal: bytes(principal, 32) };
    }
    case 7: {
      const [, share, principal] = tuple(fields, 3);
      return { op: "Expire", share: bytes(share, 32), principal: bytes(principal, 32) };
    }
    case 8:
      return parseSetPermissions(tuple(fields, 4));
    case 9:
      return { op: "Rotate", key: parseKey(tuple(fields, 2)[1]) };
    case 10:
      return { op: "Ban", principal: bytes(tuple(fields, 2)[1], 32) };
    case 11:
      return { op: "Observe", principal: bytes(tuple(fields, 2)[1], 32) };
    case 12:
      return { op: "Propose", decision: parseDecision(tuple(fields, 2)[1]) };
    case 13:
      return { op: "Approve", decision: parseDecision(tuple(fields, 2)[1]) };
    case 17:
      return parseAnchor(tuple(fields, 2)[1]);
    default:
      throw new Failure("Unsupported");
  }
}

/** Whether an op comes as a placed entry. */
export function isPlaced(op: Op): op is PlacedOp {
  return op.op === "Accept" || op.op === "Decline" || op.op === "Leave" || op.op === "DropKey";
}

function parseDecision(item: Item | undefined): Decision {
  const fields = list(item);
  const number = integer(fields[0]);
  const decision = DECISIONS.get(number);
  if (decision === undefined) throw new Failure("Unsupported");
  return { decision, id: bytes(tuple(fields, 2)[1], 32) };
}

function parseGenesis([, nonce, algorithm, rank, key]: readonly Item[]): Genesis {
  const known = integer(algorithm);
  check(known <= 2, "Unsupported");
  return {
    op: "Genesis",
    nonce: bytes(nonce, 32),
    algorithm: known,
    rank: within(rank, 16),
    key: parseKey(key),
  };
}

function parseShare(fields: readonly Item[]): Share {
  const [, principals, keys, permissions, follows, historyFrom, readOnly, expiresAt] = fields;
  const items = list(principals);
  check(items.length <= MOST_PRINCIPALS, "TooMany");
  requireAscending(items);
  return {
    op: "Share",
    principals: items.map((item) => {
      const [kind, id] = tuple(item, 2);
      const number = integer(kind);
      check(number <= 1, "Unsupported");
      return { group: number === 1, id: bytes(id, 32) };
    }),
    keys: parseRanges(keys),
    permissions: parsePermissions(permissions),
    follows: flag(follows),
    historyFrom: nullable(historyFrom, (item) => within(item, 32)),
    readOnly: flag(readOnly),
    expiresAt: nullable(expiresAt, integer),
  };
}

function parseAnchor(item: Item | undefined): Anchor {
  const items = list(item);
  check(items.length <= MOST_ANCHORS, "TooMany");
  check(items.length > 0, "Malformed");
  const records = items.map((record) => {
    const [index, generation, hash] = tuple(record, 3);
    return { index: bytes(index, 32), generation: integer(generation), hash: bytes(hash, 32) };
  });
  for (const [at, { index }] of records.entries()) {
    const before = records[at - 1]?.index;
    check(before === undefined || compare(before, index) < 0, "NotCanonical");
  }
  return { op: "Anchor", records };
}

function parseSetPermissions([, principal, granted, withdrawn]: readonly Item[]): SetPermissions {
  const op: SetPermissions = {
    op: "SetPermissions",
    principal: bytes(principal, 32),
    granted: parsePermissions(granted),
    withdrawn: parsePermissions(withdrawn),
  };
  check((op.granted & op.withdrawn) === 0, "NotCanonical");
  check((op.granted | op.withdrawn) !== 0, "Malformed");
  return op;
}

function parsePermissions(item: Item | undefined): number {
  const permissions = integer(item);
  check(permissions <= EVERY_PERMISSION, "Unsupported");
  return permissions;
}

function parseKey(item: Item | undefined): KeyEntry {
  const [number, fingerprint, publicKey, historyCommitment, historyLink, sealedName] = tuple(item, 6);
  const name = bytes(sealedName);
  check(SEALED_NAMES.includes(name.length), "Malformed");
  return {
    number: within(number, 32),
    fingerprint: bytes(fingerprint, 32),
    publicKey: nullable(publicKey, (half) => bytes(half, WRAPPING_KEY)),
    historyCommitment: bytes(historyCommitment, 32),
    historyLink: nullable(historyLink, (link) => bytes(link, HISTORY_LINK)),
    sealedName: name,
  };
}
