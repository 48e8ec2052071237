// The rules of `Share` (keychain-ledger.md), in the order of the page, and its effect.

import { check } from "../failure.ts";
import { holdsAll, holdsRange } from "../key-ranges.ts";
import { permission, type Share } from "../keychain-op.ts";
import {
  currentKey,
  entitle,
  type Keychain,
  permissionsOf,
  principalOf,
  startsSegment,
  type Terms,
} from "../keychain-state.ts";
import { type Acting, ownTerms } from "./acting.ts";

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
  for (const principal of principals) offer(acting, op, principal);
}

/** What concerns the op as a whole. */
function requireOffer(acting: Acting, op: Share): void {
  const { state, author } = acting;
  const own = ownTerms(acting);
  const held = permissionsOf(state, author);
  check((held & permission.sharing) !== 0, "SharingNotAllowed");
  check(op.principals.length > 0 && op.keys.length > 0, "ShareOfNothing");
  check(
    op.principals.every(({ group }) => !group),
    "GroupsUnsupported",
  );
  check(holdsAll(own.keys, op.keys), "KeyNotHeld");
  check(!op.follows || own.follows, "FollowingNotHeld");
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
  check(op.readOnly || !own.readOnly, "ReadOnlyNotKept");
}

/** What concerns each principal: a rule for all of them, then the next rule. */
function requireRecipients(acting: Acting, op: Share, principals: readonly string[]): void {
  const { state, author, cites } = acting;
  const manages = (permissionsOf(state, author) & permission.management) !== 0;
  const members = principals.filter((principal) => state.members.has(principal));
  const plain = op.permissions === 0 && op.expiresAt === null && (!op.readOnly || ownTerms(acting).readOnly);
  check(
    principals.every((principal) => cites.has(principal)),
    "CitationMissing",
  );
  check(manages || !principals.some((principal) => state.bans.has(principal)), "PrincipalBanned");
  check(!principals.some((principal) => state.pending.has(principal)), "AlreadyPending");
  check(members.length === 0 || plain, "MemberTerms");
  const standing = state.members.size + state.pending.size + principals.length - members.length;
  check(standing <= MOST_MEMBERS, "TooManyMembers");
  check(principals.length * wrapsOf(state, op) <= MOST_WRAPS, "TooManyWraps");
}

/** How many wraps one principal needs: one for each segment of the history, and one for each other key. */
function wrapsOf(state: Keychain, { keys, historyFrom }: Share): number {
  let wraps = 0;
  for (const [first, last] of keys) {
    for (let number = first; number <= last; number += 1) {
      const covered =
        historyFrom !== null &&
        number >= historyFrom &&
        number < currentKey(state) &&
        !startsSegment(state, number + 1);
      wraps += covered ? 0 : 1;
    }
  }
  return wraps;
}

function offer({ state, author, entry }: Acting, op: Share, principal: string): void {
  state.bans.delete(principal);
  const member = state.members.get(principal);
  if (member === undefined) {
    const { permissions, readOnly, keys, follows, historyFrom, expiresAt } = op;
    state.pending.set(principal, {
      permissions,
      readOnly,
      keys,
      follows,
      historyFrom,
      entry,
      sharer: author,
      expiresAt,
    });
    return;
  }
  entitle(member, op.keys);
  member.follows ||= op.follows;
  member.historyFrom = earlier(member, op.historyFrom);
}

function earlier({ historyFrom }: Terms, from: number | null): number | null {
  if (historyFrom === null || from === null) return historyFrom ?? from;
  return Math.min(historyFrom, from);
}
