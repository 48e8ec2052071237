// What the rules of every op look at: the state so far, who acts, and the entry that he acts by.

import type { Scopes } from "../cited-scopes.ts";
import { check, Failure } from "../failure.ts";
import type { Cite } from "../keychain-entry.ts";
import type { Op } from "../keychain-op.ts";
import { type Keychain, permissionsOf, type Principal, type Terms } from "../keychain-state.ts";
import { judge } from "./clean.ts";
import type { Step } from "./via.ts";

/** Somebody who acts by an entry that belongs here, and that he signed. */
export interface Acting {
  /** A copy of the state before the entry; ops change it in their order. */
  readonly state: Keychain;
  readonly author: Principal;
  /** The groups through which he acts, outermost first. */
  readonly via: readonly Step[];
  /** The member through which he acts: himself, or the first group. */
  readonly through: Principal;
  /** The hash of the entry, in hexadecimal. */
  readonly entry: string;
  readonly cites: ReadonlyMap<Principal, Cite>;
  readonly ops: readonly Op[];
  /** What the entry says of its time, in milliseconds since 1970. */
  readonly time: number;
  readonly scopes: Scopes;
}

/** What the member has through which the author acts: his keys and history are its. */
export function ownTerms({ state, through }: Acting): Terms {
  const terms = state.members.get(through);
  if (terms === undefined) throw new Failure("NotAMember");
  return terms;
}

/** What the author may do: what is held at every step. */
export function heldPermissions({ state, author, via, through }: Acting): number {
  return via.reduce(
    (held, step) => held & permissionsOf(step.state, step.next ?? author),
    permissionsOf(state, through),
  );
}

/** Whether the author gets new keys: whether all on the way do. */
export function followsNow(acting: Acting): boolean {
  return termsOnTheWay(acting).every(({ follows }) => follows);
}

/** Whether the author reads only: whether anybody on the way does. */
export function readsOnly(acting: Acting): boolean {
  return termsOnTheWay(acting).some(({ readOnly }) => readOnly);
}

/**
 * That keys reach the author: that each group of `via` is clean, the first by what the ops so far left.
 * @throws Failure `GroupUnclean`
 */
export function requireCleanWay({ state, via, scopes }: Acting): void {
  for (const [index, { group }] of via.entries()) {
    const outer = via[index - 1]?.state;
    const standing = outer === undefined ? freshlyJudged(state, group, scopes) : outer.groups.get(group);
    check(standing?.clean === true, "GroupUnclean");
  }
}

function freshlyJudged(state: Keychain, group: Principal, scopes: Scopes) {
  return state.groups.has(group) ? judge(state, group, scopes) : undefined;
}

function termsOnTheWay(acting: Acting): readonly Terms[] {
  const inner = acting.via.map(({ state, next }) => state.members.get(next ?? acting.author));
  return [ownTerms(acting), ...inner.filter((terms) => terms !== undefined)];
}
