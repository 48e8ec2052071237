// Cites (keychain-ledger.md): compared with the one before and with the ledger that they name.

import { equal } from "./bytes.ts";
import { check, Failure } from "./failure.ts";
import type { Account } from "./account-ledger.ts";
import type { Cite } from "./keychain-entry.ts";
import { followers, type Keychain, type Principal, principalOf, putOutBy } from "./keychain-state.ts";
import type { Op } from "./keychain-op.ts";

/** The account ledgers at hand, by their ids in hexadecimal. */
export type Accounts = ReadonlyMap<Principal, Account>;

/**
 * The ledger key by which an author signs: of the generation that he cites for himself.
 * @throws Failure `MissingLedger`, `CitationUnknown`
 */
export function citedLedgerKey(cite: Cite, accounts: Accounts): Uint8Array {
  requireKnown(cite, accounts);
  const keys = accounts.get(principalOf(cite.principal))?.generations[cite.exclusions];
  if (keys === undefined) throw new Failure("CitationUnknown");
  return keys.ledgerKey;
}

/**
 * Step 4: takes the cites of an entry into the state.
 * @throws Failure `CitationUnneeded`, `CitationGoesBack`, `CitationFork`, `CitationUnknown`, `MissingLedger`
 */
export function takeCites(
  state: Keychain,
  cites: readonly Cite[],
  author: Principal,
  ops: readonly Op[],
  accounts: Accounts,
): void {
  const concerned = concernedBy(state, author, ops);
  for (const cite of cites) {
    const principal = principalOf(cite.principal);
    check(concerned.has(principal), "CitationUnneeded");
    const before = state.cites.get(principal);
    if (before !== undefined) {
      requireSuccession(before, cite);
      requireKnown(before, accounts);
      requireKnown(cite, accounts);
      if (cite.exclusions > before.exclusions) state.needsRotation = true;
    } else if (reaches(cite, accounts)) {
      requireKnown(cite, accounts);
    }
    state.cites.set(principal, cite);
  }
}

/** The author, principals of a `Share`, recipients of a `Rotate`: not whom a `Ban` or `Expire` puts out. */
function concernedBy(state: Keychain, author: Principal, ops: readonly Op[]): ReadonlySet<Principal> {
  const rotates = ops.some(({ op }) => op === "Rotate");
  const concerned = new Set(rotates ? followers(state).keys() : []);
  for (const op of ops) {
    if (op.op === "Ban") {
      for (const principal of putOutBy(state, principalOf(op.principal))) concerned.delete(principal);
    }
    if (op.op === "Expire") concerned.delete(principalOf(op.principal));
  }
  for (const op of ops) {
    if (op.op === "Share") for (const { id } of op.principals) concerned.add(principalOf(id));
  }
  return concerned.add(author);
}

function requireSuccession(before: Cite, cite: Cite): void {
  if (cite.seq === before.seq) {
    check(equal(cite.hash, before.hash) && cite.exclusions === before.exclusions, "CitationFork");
  }
  check(cite.seq >= before.seq && cite.exclusions >= before.exclusions, "CitationGoesBack");
}

function reaches(cite: Cite, accounts: Accounts): boolean {
  const account = accounts.get(principalOf(cite.principal));
  return account !== undefined && cite.seq <= account.head.seq;
}

function requireKnown(cite: Cite, accounts: Accounts): void {
  const entry = accounts.get(principalOf(cite.principal))?.entries[cite.seq];
  if (entry === undefined) throw new Failure("MissingLedger");
  check(equal(entry.hash, cite.hash) && entry.generation === cite.exclusions, "CitationUnknown");
}
