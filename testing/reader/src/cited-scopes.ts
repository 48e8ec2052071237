// "The cited state" of keychain-ledger.md: a group as it stood right after the entry at a cited head.

import { equal } from "./bytes.ts";
import { check, Failure } from "./failure.ts";
import type { Cite } from "./keychain-entry.ts";
import { type Keychain, type Principal, principalOf } from "./keychain-state.ts";

/** The ledgers of keychains and groups at hand, by their ids in hexadecimal: the state after each `seq`. */
export type Scopes = Pick<ReadonlyMap<Principal, readonly Keychain[]>, "get">;

/**
 * The state of a group at a cited head.
 * @throws Failure `MissingLedger`, `CitationUnknown`
 */
export function stateAt(cite: Cite, scopes: Scopes): Keychain {
  const state = scopes.get(principalOf(cite.principal))?.[cite.seq];
  if (state === undefined) throw new Failure("MissingLedger");
  const known = equal(state.head.hash, cite.hash) && state.exclusions === cite.exclusions;
  check(known && state.kind === "group", "CitationUnknown");
  return state;
}

/** The state of a group at the newest head that a scope cites of it. */
export function citedState(scope: Keychain, group: Principal, scopes: Scopes): Keychain {
  const cite = scope.cites.get(group);
  if (cite === undefined) throw new Failure("CitationMissing");
  return stateAt(cite, scopes);
}
