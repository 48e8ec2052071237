// "Acting through groups" of keychain-ledger.md: the way from a scope inwards to an author.

import { type Scopes, stateAt } from "../cited-scopes.ts";
import { check, Failure } from "../failure.ts";
import type { Cite } from "../keychain-entry.ts";
import { type Keychain, type Principal } from "../keychain-state.ts";

/** A group on the way. */
export interface Step {
  readonly group: Principal;
  /** Where the entry cites it. */
  readonly state: Keychain;
  /** The member of it through which the way goes on: the next group, or nobody but the author. */
  readonly next: Principal | null;
}

/**
 * Follows `via` from a scope to its author, each group in its cited state.
 * @throws Failure `AuthorBanned`, `NotAMember`, `ViaBroken`, `CitationMissing`, `MissingLedger`,
 * `CitationUnknown`
 */
export function wayTo(
  author: Principal,
  scope: Keychain,
  via: readonly Principal[],
  cites: ReadonlyMap<Principal, Cite>,
  scopes: Scopes,
): readonly Step[] {
  check(!scope.bans.has(author), "AuthorBanned");
  let last = scope;
  const steps = via.map((group, index): Step => {
    check(last.groups.has(group), "ViaBroken");
    const cite = cites.get(group);
    if (cite === undefined) throw new Failure("CitationMissing");
    last = stateAt(cite, scopes);
    check(!last.bans.has(author), "AuthorBanned");
    return { group, state: last, next: via[index + 1] ?? null };
  });
  check(last.members.has(author), via.length === 0 ? "NotAMember" : "ViaBroken");
  return steps;
}
