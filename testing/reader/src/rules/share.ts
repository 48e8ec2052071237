// The rules of `Share` (keychain-ledger.md), in the order of the page, and its effect.

import { check } from "../failure.ts";
import { stateAt } from "../cited-scopes.ts";
import { holdsAll, holdsRange } from "../key-ranges.ts";
import { permission, type Share } from "../keychain-op.ts";
import {
  currentKey,
  entitle,
  type Keychain,
  type Principal,
  principalOf,
  startsSegment,
  type Terms,
} from "../keychain-state.ts";
import { type Acting, followsNow, heldPermissions, ownTerms, readsOnly } from "./acting.ts";
import { judge } from "./clean.ts";

const MOST_MEMBERS = 16_384;
const MOST_WRAPS = 32_768;

/**
 * Applies a `Share`.
 * @throws Failure of the first rule that does not hold
 */
export function share(acting: Acting, op: Share): void {
  const principals = op.principals.map(({ id }) => principalOf(id));
  requireOffer(acting, op);
  requireRecipients(acting, op, principals);
  for (const { group, id } of op.principals) offer(acting, op, principalOf(id), group);
}

/** What concerns the op as a whole. */
function requireOffer(acting: Acting, op: Share): void {
  const { state } = acting;
  const own = ownTerms(acting);
  const held = heldPermissions(acting);
  check((held & permission.sharing) !== 0, "SharingNotAllowed");
  check(op.principals.length > 0 && op.keys.length > 0, "ShareOfNothing");
  check(holdsAll(own.keys, op.keys), "KeyNotHeld");
  check(!op.follows || followsNow(acting), "FollowingNotHeld");
  const current = currentKey(state);
  check(!op.follows || holdsRange(op.keys, [current, current]), "FollowingWithoutCurrentKey");
  if (op.historyFrom !== null) {
    check(op.follows, "HistoryWithoutFollowing");
    const within = own.historyFrom !== null && own.historyFrom <= op.historyFrom;
    const whole = startsSegment(state, op.historyFrom) && holdsRange(op.keys, [op.historyFrom, current]);
    check(within && whole, "HistoryNotHeld");
  }
  check((op.permissions & ~held) === 0, "PermissionsNotHeld");
  check(op.permissions === 0 || (held & permission.management) !== 0, "ManagementNotAllowed");
  const needsFollowing = permission.rotation | permission.deletion;
  check(op.follows || (op.permissions & needsFollowing) === 0, "RightsWithoutFollowing");
  check(op.readOnly || !readsOnly(acting), "ReadOnlyNotKept");
}

/** What concerns each principal: a rule for all of them, then the next rule. */
function requireRecipients(acting: Acting, op: Share, principals: readonly Principal[]): void {
  const { state, cites } = acting;
  const manages = (heldPermissions(acting) & permission.management) !== 0;
  const members = principals.filter((principal) => state.members.has(principal));
  const plain = op.permissions === 0 && op.expiresAt === null && (!op.readOnly || readsOnly(acting));
  check(
    principals.every((principal) => cites.has(principal)),
    "CitationMissing",
  );
  requireLowerRanks(acting, op);
  check(manages || !principals.some((principal) => state.bans.has(principal)), "PrincipalBanned");
  check(!principals.some((principal) => state.pending.has(principal)), "AlreadyPending");
  check(members.length === 0 || plain, "MemberTerms");
  const standing = state.members.size + state.pending.size + principals.length - members.length;
  check(standing <= MOST_MEMBERS, "TooManyMembers");
  check(principals.length * wrappedKeys(state, op).length <= MOST_WRAPS, "TooManyWraps");
}

/** Groups join what has a higher rank than they have, so that none can come to stand in itself. */
function requireLowerRanks({ state, cites, scopes }: Acting, { principals }: Share): void {
  for (const { group, id } of principals) {
    const cite = cites.get(principalOf(id));
    if (group && cite !== undefined) check(stateAt(cite, scopes).rank < state.rank, "RankTooHigh");
  }
}

/** A key that a share wraps, alone or with the history secret that leads to the ones before. */
export interface WrappedKey {
  readonly number: number;
  readonly history: boolean;
}

/** What a share wraps to each principal: one key for each segment of the history, and each other key. */
export function wrappedKeys(state: Keychain, { keys, historyFrom }: Share): readonly WrappedKey[] {
  const wrapped: WrappedKey[] = [];
  for (const [first, last] of keys) {
    for (let number = first; number <= last; number += 1) {
      const history = historyFrom !== null && number >= historyFrom;
      const covered = history && number < last && !startsSegment(state, number + 1);
      if (!covered) wrapped.push({ number, history });
    }
  }
  return wrapped;
}

/** Lifts a ban, and gives to a member; a group becomes one at once, and anybody else is asked. */
function offer(acting: Acting, op: Share, principal: Principal, group: boolean): void {
  const { state, author, through, entry, scopes } = acting;
  state.bans.delete(principal);
  const member = state.members.get(principal);
  if (member !== undefined) {
    entitle(member, op.keys);
    member.follows ||= op.follows;
    member.historyFrom = earlier(member, op.historyFrom);
    return;
  }
  const { permissions, readOnly, keys, follows, historyFrom, expiresAt } = op;
  const given = { permissions, readOnly, keys, follows, historyFrom, expiresAt };
  const terms: Terms = { ...given, entry, sharer: author, through };
  if (!group) {
    state.pending.set(principal, terms);
    return;
  }
  state.members.set(principal, terms);
  state.groups.set(principal, judge(state, principal, scopes));
}

function earlier({ historyFrom }: Terms, from: number | null): number | null {
  if (historyFrom === null || from === null) return historyFrom ?? from;
  return Math.min(historyFrom, from);
}
