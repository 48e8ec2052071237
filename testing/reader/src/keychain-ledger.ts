// "Replay" of keychain-ledger.md: whether an entry belongs here, whose it is, and what it changes.

import { equal, hex } from "./bytes.ts";
import {
  type Accounts,
  citedLedgerKey,
  type Citing,
  type Ledgers,
  madeUnclean,
  takeCites,
} from "./citation.ts";
import type { Scopes } from "./cited-scopes.ts";
import { type Entry, entryHash, NOTHING_BEFORE, parseEntry } from "./entry.ts";
import { check, Failure } from "./failure.ts";
import { type Cite, type OrdinaryEntry, parseKeychainEntry, type PlacedEntry } from "./keychain-entry.ts";
import { isPlaced, type Op, type PlacedOp } from "./keychain-op.ts";
import { type Keychain, type Principal, principalOf } from "./keychain-state.ts";
import { type Acting, readsOnly } from "./rules/acting.ts";
import { cleanGroups, judgeAll } from "./rules/clean.ts";
import { accept, ban, cancelShare, decline, expire, leave, setPermissions } from "./rules/membership.ts";
import { vote } from "./rules/owners.ts";
import { dropKey, found, requireGenesis, rotate } from "./rules/rotate.ts";
import { share } from "./rules/share.ts";
import { wayTo } from "./rules/via.ts";
import { verify } from "./signature.ts";

const ENTRY_LABEL = "KF1 entry";
const PLACED_LABEL = "KF1 placed entry";

/**
 * Replays one more entry on what came before; on nothing for the first one. What came before stays as it was.
 * @param accounts the ledgers of people at hand
 * @param scopes the ledgers of groups at hand
 * @throws Failure with the codes of keychain-ledger.md
 */
export function appendToKeychain(
  before: Keychain | null,
  encoded: Uint8Array,
  accounts: Accounts,
  scopes: Scopes = new Map(),
): Keychain {
  const ledgers = { accounts, scopes };
  const entry = parseEntry(encoded);
  const parsed = parseKeychainEntry(entry.signed);
  if (before === null) return first(entry, parsed, ledgers);
  const state = structuredClone(before);
  if (parsed.form === "ordinary") ordinary(state, entry, parsed, ledgers);
  else placed(state, entry, parsed, ledgers);
  return state;
}

function first(entry: Entry, parsed: OrdinaryEntry | PlacedEntry, ledgers: Ledgers): Keychain {
  check(parsed.form === "ordinary" && parsed.ops.length === 1, "GenesisMisplaced");
  const [genesis] = parsed.ops;
  check(genesis?.op === "Genesis", "GenesisMisplaced");
  check(parsed.scope === null, "WrongScope");
  check(parsed.seq === 0, "WrongSeq");
  check(parsed.prev === null, "WrongPrev");
  const citing = citingOf(parsed);
  requireSigned(entry, ENTRY_LABEL, citeOf(citing), ledgers.accounts);
  const state = found(genesis, parsed, entryHash(NOTHING_BEFORE, 0, entry.signed));
  takeCites(state, citing, ledgers);
  requireGenesis(genesis, parsed);
  return state;
}

function ordinary(state: Keychain, entry: Entry, parsed: OrdinaryEntry, ledgers: Ledgers): void {
  check(!parsed.ops.some(({ op }) => op === "Genesis"), "GenesisMisplaced");
  requireScope(state, parsed);
  check(parsed.seq === state.head.seq + 1, "WrongSeq");
  check(parsed.prev !== null && equal(parsed.prev, state.head.hash), "WrongPrev");
  check(parsed.time >= state.latestTime, "TimeGoesBack");

  const citing = citingOf(parsed);
  const { author, via, cites, ops } = citing;
  const way = wayTo(author, state, via, cites, ledgers.scopes);
  requireSigned(entry, ENTRY_LABEL, citeOf(citing), ledgers.accounts);

  observing(state, citing, ledgers, () => {
    const head = stand(state, entry, parsed.time);
    const through = via[0] ?? author;
    const { scopes } = ledgers;
    const acting = { state, author, via: way, through, entry: head, cites, ops, time: parsed.time, scopes };
    for (const op of ops) applyOrdinary(acting, op);
  });
  state.latestTime = parsed.time;
}

function placed(state: Keychain, entry: Entry, parsed: PlacedEntry, ledgers: Ledgers): void {
  requireScope(state, parsed);
  const { op, cite, time } = parsed;
  const author = principalOf(cite.principal);
  check(!state.bans.has(author), "AuthorBanned");
  check(isPlaced(op), "PlacedMisplaced");
  requireAnswered(state, parsed, author);
  requireSigned(entry, PLACED_LABEL, cite, ledgers.accounts);
  const cites = new Map([[author, cite]]);
  observing(state, { author, via: [], cites, ops: [op] }, ledgers, () => {
    const head = stand(state, entry, time);
    const { scopes } = ledgers;
    applyPlaced({ state, author, via: [], through: author, entry: head, cites, ops: [op], time, scopes }, op);
  });
}

/** Takes in the cites of an entry, then its ops; what becomes known of exclusions is counted, once. */
function observing(state: Keychain, citing: Citing, ledgers: Ledgers, applyOps: () => void): void {
  const clean = cleanGroups(state);
  let news = takeCites(state, citing, ledgers);
  judgeAll(state, ledgers.scopes);
  news ||= madeUnclean(clean, state);
  state.needsRotation ||= news;

  applyOps();
  judgeAll(state, ledgers.scopes);
  news ||= madeUnclean(clean, state);
  if (!news) return;
  state.exclusions += 1;
  if (!citing.ops.some(({ op }) => op === "Rotate")) state.needsRotation = true;
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
    case "Observe":
      return;
    case "Anchor":
      return check(!readsOnly(acting), "AnchorReadOnly");
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

function citingOf({ author, via, cites, ops }: OrdinaryEntry): Citing {
  return {
    author: principalOf(author),
    via: via.map(principalOf),
    cites: new Map(cites.map((cite) => [principalOf(cite.principal), cite])),
    ops,
  };
}

function citeOf({ author, cites }: Citing): Cite {
  const cite = cites.get(author);
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
