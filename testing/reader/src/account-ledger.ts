// account-ledger.md: an account as a ledger of its devices, recovery methods and keys, read and replayed.

import type { AccountKeys } from "./account-keys.ts";
import { addHolder, copyOf, type Holders, idOf } from "./account-holders.ts";
import { type AccountOp, type Genesis, parseAccountOp } from "./account-op.ts";
import { requireSignatures } from "./account-signatures.ts";
import { equal, hex } from "./bytes.ts";
import { decode, type Item } from "./cbor.ts";
import { type Entry, entryHash, type Head, NOTHING_BEFORE, parseEntry, requireVersion } from "./entry.ts";
import { check, Failure } from "./failure.ts";
import { applyAccountOp, type Changing, requireHolder } from "./rules/account.ts";
import { bytes, integer, list, nullable, tuple } from "./shape.ts";

/** What others need of an account: its keys by generation, and its history to compare citations with. */
export interface Account {
  readonly id: Uint8Array;
  readonly userId: string;
  readonly nonce: Uint8Array;
  readonly head: Head;
  /** When the newest entry says that it was made; ms since 1970. */
  readonly time: number;
  readonly holders: Holders;
  readonly generations: readonly AccountKeys[];
  /** Version of the private state; 0 while there is none. */
  readonly privateVersion: number;
  /** For every `seq`. */
  readonly entries: readonly { readonly hash: Uint8Array; readonly generation: number }[];
}

interface AccountEntry {
  readonly scope: Uint8Array | null;
  readonly seq: number;
  readonly prev: Uint8Array | null;
  readonly author: Uint8Array;
  readonly time: number;
  readonly ops: readonly AccountOp[];
}

const FORM = 0;
const MOST_OPS = 16;

/**
 * Replays one more entry on what came before; on nothing for the first one.
 * @throws Failure with the codes of account-ledger.md
 */
export function appendToAccount(account: Account | null, encoded: Uint8Array): Account {
  const entry = parseEntry(encoded);
  requireVersion(entry.signed);
  const parsed = decode(entry.signed, parseAccountEntry);
  return account === null ? found(entry, parsed) : extend(account, entry, parsed);
}

function found(entry: Entry, parsed: AccountEntry): Account {
  const [genesis, ...others] = parsed.ops;
  if (genesis?.op !== "Genesis" || others.length > 0) throw new Failure("GenesisMisplaced");
  const { keys, accountKeys } = genesis;
  const { author } = parsed;
  check(parsed.scope === null, "WrongScope");
  check(parsed.seq === 0, "WrongSeq");
  check(parsed.prev === null, "WrongPrev");
  check(equal(author, idOf("device", keys)), "NotAHolder");
  requireSignatures(entry, parsed.ops, {
    account: null,
    author,
    authorKey: keys.signingKey,
    formerKey: null,
  });
  const id = entryHash(NOTHING_BEFORE, 0, entry.signed);
  const holders: Holders = { current: new Map(), used: new Set() };
  addHolder(holders, "device", keys, null);
  return {
    id,
    userId: genesis.userId,
    nonce: genesis.nonce,
    head: { seq: 0, hash: id },
    time: parsed.time,
    holders,
    generations: [accountKeys],
    privateVersion: 0,
    entries: [{ hash: id, generation: 0 }],
  };
}

function extend(account: Account, entry: Entry, parsed: AccountEntry): Account {
  const { author, ops, seq, time } = parsed;
  check(parsed.scope !== null && equal(parsed.scope, account.id), "WrongScope");
  check(seq === account.head.seq + 1, "WrongSeq");
  check(parsed.prev !== null && equal(parsed.prev, account.head.hash), "WrongPrev");
  const holder = account.holders.current.get(hex(author));
  if (holder === undefined) throw new Failure("NotAHolder");
  check(time >= account.time, "TimeGoesBack");
  check(ops.length > 0, "GenesisMisplaced");
  const further = ops.map(requireNoGenesis);
  const newest = account.generations.at(-1);
  if (newest === undefined) throw new Failure("WrongGeneration");
  const formerKey = holder.kind === "device" ? newest.ledgerKey : null;
  requireSignatures(entry, ops, { account: account.id, author, authorKey: holder.signingKey, formerKey });

  const state: Changing = {
    holders: copyOf(account.holders),
    generations: [...account.generations],
    privateVersion: account.privateVersion,
  };
  for (const op of further) applyAccountOp({ state, author: hex(author), kind: holder.kind, ops }, op);
  requireHolder(state.holders);
  const hash = entryHash(account.head.hash, seq, entry.signed);
  const generation = state.generations.length - 1;
  return {
    ...account,
    ...state,
    head: { seq, hash },
    time,
    entries: [...account.entries, { hash, generation }],
  };
}

function requireNoGenesis(op: AccountOp): Exclude<AccountOp, Genesis> {
  if (op.op === "Genesis") throw new Failure("GenesisMisplaced");
  return op;
}

function parseAccountEntry(item: Item): AccountEntry {
  const fields = list(item);
  check(fields.length > 1 && integer(fields[1]) === FORM, "Unsupported");
  const [, , scope, seq, prev, author, time, ops] = tuple(fields, 8);
  const items = list(ops);
  check(items.length <= MOST_OPS, "TooMany");
  return {
    scope: nullable(scope, (item) => bytes(item, 32)),
    seq: integer(seq),
    prev: nullable(prev, (item) => bytes(item, 32)),
    author: bytes(author, 32),
    time: integer(time),
    ops: items.map(parseAccountOp),
  };
}
