// The rules of who is in (keychain-ledger.md): `Accept`, `Leave`, `CancelShare`, `SetPermissions`, `Ban`.

import { hex } from "../bytes.ts";
import { check, Failure } from "../failure.ts";
import { type Ban, type CancelShare, permission, type SetPermissions } from "../keychain-op.ts";
import { permissionsOf, principalOf, putOutBy } from "../keychain-state.ts";
import type { Acting } from "./acting.ts";

/** Applies an `Accept`, whose pending share stands. */
export function accept({ state, author }: Acting): void {
  const share = state.pending.get(author);
  if (share === undefined) throw new Failure("NotPending");
  const { sharer: _, ...terms } = share;
  state.pending.delete(author);
  state.members.set(author, terms);
}

/**
 * Applies a `Leave`, whose membership stands.
 * @throws Failure `LastOwner`
 */
export function leave({ state, author }: Acting): void {
  check(!state.owners.has(author) || state.owners.size > 1, "LastOwner");
  state.owners.delete(author);
  state.members.delete(author);
  state.needsRotation = true;
}

/**
 * Applies a `CancelShare`.
 * @throws Failure `NotPending`, `CancelNotAllowed`
 */
export function cancelShare({ state, author }: Acting, op: CancelShare): void {
  const principal = principalOf(op.principal);
  const share = state.pending.get(principal);
  if (share === undefined || share.entry !== hex(op.share)) throw new Failure("NotPending");
  const manages = (permissionsOf(state, author) & permission.management) !== 0;
  check(share.sharer === author || manages, "CancelNotAllowed");
  state.pending.delete(principal);
}

/**
 * Applies a `SetPermissions`.
 * @throws Failure of the first rule that does not hold
 */
export function setPermissions({ state, author }: Acting, op: SetPermissions): void {
  const principal = principalOf(op.principal);
  const held = permissionsOf(state, author);
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
export function ban({ state, author, ops }: Acting, op: Ban): void {
  const principal = principalOf(op.principal);
  const held = permissionsOf(state, author);
  check((held & permission.deletion) !== 0, "DeletionNotAllowed");
  check(principal !== author, "BanOfOneself");
  check(!state.owners.has(principal), "OwnerProtected");
  const manager = (permissionsOf(state, principal) & permission.management) !== 0;
  check(!manager || (held & permission.management) !== 0, "ManagerProtected");
  check(ops.at(-1)?.op === "Rotate", "BanWithoutRotation");

  for (const out of putOutBy(state, principal)) state.pending.delete(out);
  state.members.delete(principal);
  state.bans.add(principal);
}
