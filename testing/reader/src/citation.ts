// Cites (keychain-ledger.md): compared with the one before, with the ledger that they name, and with what
// groups cite. Every citation observes: here is where a scope learns of exclusions.

import { equal } from "./bytes.ts";
import { type Scopes, stateAt } from "./cited-scopes.ts";
import { check, Failure } from "./failure.ts";
import type { Account } from "./account-ledger.ts";
import type { Cite } from "./keychain-entry.ts";
import { followers, type Keychain, type Principal, principalOf, putOutBy } from "./keychain-state.ts";
import type { Op } from "./keychain-op.ts";
import { lastOf, newestOf, type Path, pathsFrom } from "./rules/clean.ts";

/** The account ledgers at hand, by their ids in hexadecimal. */
export type Accounts = ReadonlyMap<Principal, Account>;

/** The ledgers at hand. */
export interface Ledgers {
  readonly accounts: Accounts;
  readonly scopes: Scopes;
}

/** What an entry says of itself that decides whom it may cite. */
export interface Citing {
  readonly author: Principal;
  readonly via: readonly Principal[];
  readonly cites: ReadonlyMap<Principal, Cite>;
  readonly ops: readonly Op[];
}

/**
 * The ledger key by which an author signs: of the generation that he cites for himself.
 * @throws Failure `MissingLedger`, `CitationUnknown`
 */
export function citedLedgerKey(cite: Cite, accounts: Accounts): Uint8Array {
  requireAccountKnown(cite, accounts);
  const keys = accounts.get(principalOf(cite.principal))?.generations[cite.exclusions];
  if (keys === undefined) throw new Failure("CitationUnknown");
  return keys.ledgerKey;
}

/**
 * Step 4: takes the cites of an entry into the state.
 * @returns whether one of them brings news of an exclusion
 * @throws Failure `CitationMissing`, `ObserveUnreached`, `RankTooHigh`, `CitationUnneeded`,
 * `CitationGoesBack`, `CitationFork`, `CitationUnknown`, `MissingLedger`
 */
export function takeCites(state: Keychain, citing: Citing, ledgers: Ledgers): boolean {
  const paths = [...pathsFrom(state, ledgers.scopes)];
  requireReached(state, citing, paths);
  requireOthers(state, citing);
  const concerned = concernedBy(state, citing);
  const groups = groupsAmong(state, citing, paths);
  for (const [principal, cite] of citing.cites) {
    check(concerned.has(principal), "CitationUnneeded");
    const before = state.cites.get(principal);
    if (before !== undefined) requireSuccession(before, cite);
    if (groups.has(principal)) stateAt(cite, ledgers.scopes);
    else requireAccount(before, cite, ledgers.accounts);
  }
  const entered = paths.map(lastOf);
  const cited = [...citing.cites].filter(([principal]) => groups.has(principal));
  const cover = [...entered, ...cited.map(([, cite]) => stateAt(cite, ledgers.scopes))];
  for (const cite of citing.cites.values()) requireNotBehind(cite, cover);

  const news = [...citing.cites.values()].some((cite) => bringsNews(state, cite, paths));
  for (const [principal, cite] of citing.cites) state.cites.set(principal, cite);
  return news;
}

/** Whether a group is not clean any more that was before. */
export function madeUnclean(before: readonly Principal[], { groups }: Keychain): boolean {
  return before.some((group) => groups.get(group)?.clean === false);
}

/** Whom an `Observe` names is cited, and reached before this entry. */
function requireReached(state: Keychain, { ops, cites }: Citing, paths: readonly Path[]): void {
  for (const op of ops) {
    if (op.op !== "Observe") continue;
    const principal = principalOf(op.principal);
    check(cites.has(principal), "CitationMissing");
    const reached = [state, ...paths.map(lastOf)].some(({ members }) => members.has(principal));
    check(reached, "ObserveUnreached");
  }
}

/** A scope does not cite itself. */
function requireOthers({ id }: Keychain, { cites, via, ops }: Citing): void {
  const self = principalOf(id);
  if (!cites.has(self)) return;
  const joins = ops.some((op) => op.op === "Share" && op.principals.some((other) => equal(other.id, id)));
  throw new Failure(joins || via.includes(self) ? "RankTooHigh" : "CitationUnneeded");
}

/**
 * The author, groups of `via`, principals of a `Share`, those of an `Observe`, recipients of a `Rotate`: not
 * whom a `Ban` or `Expire` puts out.
 */
function concernedBy(state: Keychain, { author, via, ops }: Citing): ReadonlySet<Principal> {
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
    if (op.op === "Observe") concerned.add(principalOf(op.principal));
  }
  for (const group of via) concerned.add(group);
  return concerned.add(author);
}

/** Who of all that an entry may cite is a group; the others are people. */
function groupsAmong(state: Keychain, { via, ops }: Citing, paths: readonly Path[]): ReadonlySet<Principal> {
  const reached = [state, ...paths.map(lastOf)].flatMap(({ groups }) => [...groups.keys()]);
  const shared = ops.flatMap((op) => (op.op === "Share" ? op.principals : [])).filter(({ group }) => group);
  return new Set([...reached, ...via, ...shared.map(({ id }) => principalOf(id))]);
}

function requireSuccession(before: Cite, cite: Cite): void {
  if (cite.seq === before.seq) {
    check(equal(cite.hash, before.hash) && cite.exclusions === before.exclusions, "CitationFork");
  }
  check(cite.seq >= before.seq && cite.exclusions >= before.exclusions, "CitationGoesBack");
}

/** "Going back": not older than what any of the groups cites of the same principal. */
function requireNotBehind(cite: Cite, groups: readonly Keychain[]): void {
  for (const { cites } of groups) {
    const theirs = cites.get(principalOf(cite.principal));
    if (theirs !== undefined) requireSuccession(theirs, cite);
  }
}

/** "Exclusions": more than the scope cited before, or than is known on a way by which he gets the keys. */
function bringsNews(state: Keychain, cite: Cite, paths: readonly Path[]): boolean {
  const principal = principalOf(cite.principal);
  const before = state.cites.get(principal);
  if (before !== undefined && cite.exclusions > before.exclusions) return true;
  const ways = paths.filter((path) => lastOf(path).members.has(principal));
  return ways.some((path) => cite.exclusions > newestOf(principal, [state, ...path]));
}

/** Only the first cite of somebody goes uncompared, where his ledger is not at hand. */
function requireAccount(before: Cite | undefined, cite: Cite, accounts: Accounts): void {
  if (before !== undefined) requireAccountKnown(before, accounts);
  else if (!reaches(cite, accounts)) return;
  requireAccountKnown(cite, accounts);
}

function reaches(cite: Cite, accounts: Accounts): boolean {
  const account = accounts.get(principalOf(cite.principal));
  return account !== undefined && cite.seq <= account.head.seq;
}

function requireAccountKnown(cite: Cite, accounts: Accounts): void {
  const entry = accounts.get(principalOf(cite.principal))?.entries[cite.seq];
  if (entry === undefined) throw new Failure("MissingLedger");
  check(equal(entry.hash, cite.hash) && entry.generation === cite.exclusions, "CitationUnknown");
}
