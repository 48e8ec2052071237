// The rules of who is in (keychain-ledger.md): `Accept`, `Decline`, `Leave`, `CancelShare`, `Expire`,
// `SetPermissions`, `Ban`.

import { hex } from "../bytes.ts";
import { check, Failure } from "../failure.ts";
import { type Ban, type CancelShare, type Expire, permission, type SetPermissions } from "../keychain-op.ts";
import { exclude, permissionsOf, principalOf, putOutBy } from "../keychain-state.ts";
import { type Acting, heldPermissions } from "./acting.ts";

/** Applies an `Accept`, whose pending share stands. */
export function accept({ state, author }: Acting): void {
  const share = state.pending.get(author);
  if (share === undefined) throw new Failure("NotPending");
  state.pending.delete(author);
  state.members.set(author, share);
}

/** Applies a `Decline`, whose pending share stands. */
export function decline({ state, author }: Acting): void {
  state.pending.delete(author);
}

/**
 * Applies a `Leave`, whose membership stands.
 * @throws Failure `LastOwner`
 */
export function leave({ state, author }: Acting): void {
  check(!state.owners.has(author) || state.owners.size > 1, "LastOwner");
  exclude(state, author);
  state.needsRotation = true;
}

/**
 * Applies a `CancelShare`.
 * @throws Failure `NotPending`, `CancelNotAllowed`
 */
export function cancelShare(acting: Acting, op: CancelShare): void {
  const { state, author } = acting;
  const principal = principalOf(op.principal);
  const share = state.pending.get(principal);
  if (share === undefined || share.entry !== hex(op.share)) throw new Failure("NotPending");
  const manages = (heldPermissions(acting) & permission.management) !== 0;
  check(share.sharer === author || manages, "CancelNotAllowed");
  state.pending.delete(principal);
}

/**
 * Applies an `Expire`.
 * @throws Failure of the first rule that does not hold
 */
export function expire(acting: Acting, op: Expire): void {
  const { state, author, ops, time } = acting;
  const principal = principalOf(op.principal);
  const terms = state.pending.get(principal) ?? state.members.get(principal);
  if (terms === undefined || terms.entry !== hex(op.share)) throw new Failure("NoSuchShare");
  check(terms.expiresAt !== null, "ShareWithoutEnd");
  check(principal !== author, "ExpireOfOneself");
  const may = permission.deletion | permission.management;
  check(terms.sharer === author || (heldPermissions(acting) & may) !== 0, "ExpireNotAllowed");
  check(time >= terms.expiresAt, "ExpireTooEarly");
  check(!ops.slice(0, ops.indexOf(op)).some((other) => other.op === "Rotate"), "ExpireAfterRotation");

  if (state.pending.delete(principal)) return;
  exclude(state, principal);
  state.needsRotation = true;
}

/**
 * Applies a `SetPermissions`.
 * @throws Failure of the first rule that does not hold
 */
export function setPermissions(acting: Acting, op: SetPermissions): void {
  const { state } = acting;
  const principal = principalOf(op.principal);
  const held = heldPermissions(acting);
  check((held & permission.management) !== 0, "ManagementNotAllowed");
  const member = state.members.get(principal);
  if (member === undefined) throw new Failure("NoSuchMember");
  check(!state.owners.has(principal), "OwnerProtected");
  check((op.granted & ~held) === 0, "PermissionsNotHeld");
  const needsFollowing = permission.rotation | permission.deletion;
  check(member.follows || (op.granted & needsFollowing) === 0, "RightsWithoutFollowing");
  member.permissions = (member.permissions | op.granted) & ~op.withdrawn;
}

/**
 * Applies a `Ban`.
 * @throws Failure of the first rule that does not hold
 */
export function ban(acting: Acting, op: Ban): void {
  const { state, author, through, ops } = acting;
  const principal = principalOf(op.principal);
  const held = heldPermissions(acting);
  check((held & permission.deletion) !== 0, "DeletionNotAllowed");
  check(principal !== author, "BanOfOneself");
  check(principal !== through, "BanOfOwnGroup");
  check(!state.owners.has(principal), "OwnerProtected");
  const manager = (permissionsOf(state, principal) & permission.management) !== 0;
  check(!manager || (held & permission.management) !== 0, "ManagerProtected");
  check(ops.at(-1)?.op === "Rotate", "BanWithoutRotation");

  for (const out of putOutBy(state, principal)) state.pending.delete(out);
  exclude(state, principal);
  state.bans.add(principal);
}
