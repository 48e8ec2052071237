// "Replay" of keychain-ledger.md: whether an entry belongs here, whose it is, and what it changes.

import { equal, hex } from "./bytes.ts";
import { type Accounts, citedLedgerKey, takeCites } from "./citation.ts";
import { type Entry, entryHash, NOTHING_BEFORE, parseEntry } from "./entry.ts";
import { check, Failure } from "./failure.ts";
import { type Cite, type OrdinaryEntry, parseKeychainEntry, type PlacedEntry } from "./keychain-entry.ts";
import { isPlaced, type Op, type PlacedOp } from "./keychain-op.ts";
import { type Keychain, type Principal, principalOf } from "./keychain-state.ts";
import type { Acting } from "./rules/acting.ts";
import { accept, ban, cancelShare, decline, expire, leave, setPermissions } from "./rules/membership.ts";
import { vote } from "./rules/owners.ts";
import { dropKey, found, requireGenesis, rotate } from "./rules/rotate.ts";
import { share } from "./rules/share.ts";
import { verify } from "./signature.ts";

const ENTRY_LABEL = "KF1 entry";
const PLACED_LABEL = "KF1 placed entry";

/**
 * Replays one more entry on what came before; on nothing for the first one. What came before stays as it was.
 * @param accounts the ledgers at hand
 * @throws Failure with the codes of keychain-ledger.md
 */
export function appendToKeychain(before: Keychain | null, encoded: Uint8Array, accounts: Accounts): Keychain {
  const entry = parseEntry(encoded);
  const parsed = parseKeychainEntry(entry.signed);
  if (before === null) return first(entry, parsed, accounts);
  const state = structuredClone(before);
  if (parsed.form === "ordinary") ordinary(state, entry, parsed, accounts);
  else placed(state, entry, parsed, accounts);
  return state;
}

function first(entry: Entry, parsed: OrdinaryEntry | PlacedEntry, accounts: Accounts): Keychain {
  check(parsed.form === "ordinary" && parsed.ops.length === 1, "GenesisMisplaced");
  const [genesis] = parsed.ops;
  check(genesis?.op === "Genesis", "GenesisMisplaced");
  check(parsed.scope === null, "WrongScope");
  check(parsed.seq === 0, "WrongSeq");
  check(parsed.prev === null, "WrongPrev");
  check(parsed.via.length === 0, "GroupsUnsupported");
  const author = principalOf(parsed.author);
  requireSigned(entry, ENTRY_LABEL, citeOf(parsed, author), accounts);
  const state = found(genesis, parsed, entryHash(NOTHING_BEFORE, 0, entry.signed));
  takeCites(state, parsed.cites, author, parsed.ops, accounts);
  requireGenesis(genesis, parsed.kind);
  return state;
}

function ordinary(state: Keychain, entry: Entry, parsed: OrdinaryEntry, accounts: Accounts): void {
  check(!parsed.ops.some(({ op }) => op === "Genesis"), "GenesisMisplaced");
  requireScope(state, parsed);
  check(parsed.seq === state.head.seq + 1, "WrongSeq");
  check(parsed.prev !== null && equal(parsed.prev, state.head.hash), "WrongPrev");
  check(parsed.time >= state.latestTime, "TimeGoesBack");
  check(parsed.via.length === 0, "GroupsUnsupported");

  const author = principalOf(parsed.author);
  check(!state.bans.has(author), "AuthorBanned");
  check(state.members.has(author), "NotAMember");
  requireSigned(entry, ENTRY_LABEL, citeOf(parsed, author), accounts);
  takeCites(state, parsed.cites, author, parsed.ops, accounts);

  const cites = new Map(parsed.cites.map((cite) => [principalOf(cite.principal), cite]));
  const head = stand(state, entry, parsed.time);
  for (const op of parsed.ops) {
    applyOrdinary({ state, author, entry: head, cites, ops: parsed.ops, time: parsed.time }, op);
  }
  state.latestTime = parsed.time;
}

function placed(state: Keychain, entry: Entry, parsed: PlacedEntry, accounts: Accounts): void {
  requireScope(state, parsed);
  const { op, cite, time } = parsed;
  const author = principalOf(cite.principal);
  check(!state.bans.has(author), "AuthorBanned");
  check(isPlaced(op), "PlacedMisplaced");
  requireAnswered(state, parsed, author);
  requireSigned(entry, PLACED_LABEL, cite, accounts);
  takeCites(state, [cite], author, [op], accounts);

  const head = stand(state, entry, time);
  applyPlaced({ state, author, entry: head, cites: new Map([[author, cite]]), ops: [op], time }, op);
}

/** That what a placed entry answers stands, and is not later than the answer. */
function requireAnswered(state: Keychain, { op, answers, time }: PlacedEntry, author: Principal): void {
  const ofShare = op.op === "Accept" || op.op === "Decline";
  const standing = (ofShare ? state.pending : state.members).get(author)?.entry;
  check(standing === hex(answers), ofShare ? "NotPending" : "NotAMember");
  check((state.times.get(standing) ?? 0) <= time, "TimeGoesBack");
}

function applyPlaced(acting: Acting, op: PlacedOp): void {
  switch (op.op) {
    case "Accept":
      return accept(acting);
    case "Decline":
      return decline(acting);
    case "Leave":
      return leave(acting);
    case "DropKey":
      return dropKey(acting, op);
  }
}

function applyOrdinary(acting: Acting, op: Op): void {
  switch (op.op) {
    case "Share":
      return share(acting, op);
    case "CancelShare":
      return cancelShare(acting, op);
    case "Expire":
      return expire(acting, op);
    case "SetPermissions":
      return setPermissions(acting, op);
    case "Rotate":
      return rotate(acting, op);
    case "Ban":
      return ban(acting, op);
    case "Propose":
    case "Approve":
      return vote(acting, op);
    case "Accept":
    case "Decline":
    case "Leave":
    case "DropKey":
      throw new Failure("PlacedMisplaced");
    case "Genesis":
      throw new Failure("GenesisMisplaced");
  }
}

function requireScope(state: Keychain, { scope, kind }: OrdinaryEntry | PlacedEntry): void {
  check(scope !== null && equal(scope, state.id) && kind === state.kind, "WrongScope");
}

function citeOf(parsed: OrdinaryEntry, author: Principal): Cite {
  const cite = parsed.cites.find(({ principal }) => principalOf(principal) === author);
  if (cite === undefined) throw new Failure("CitationMissing");
  return cite;
}

/** One signature, by the ledger key of the generation that the author cites for himself. */
function requireSigned(entry: Entry, label: string, cite: Cite, accounts: Accounts): void {
  const key = citedLedgerKey(cite, accounts);
  const [signature, ...others] = entry.signatures;
  const signed = signature !== undefined && others.length === 0;
  check(signed && verify(key, label, entry.signed, signature), "BadSignature");
}

/** Puts an entry behind the head, and names it. */
function stand(state: Keychain, entry: Entry, time: number): string {
  const seq = state.head.seq + 1;
  const hash = entryHash(state.head.hash, seq, entry.signed);
  state.head = { seq, hash };
  state.times.set(hex(hash), time);
  return hex(hash);
}
