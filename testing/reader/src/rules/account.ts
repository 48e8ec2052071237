// The rules of an account's ops (account-ledger.md): who becomes and who stays a holder, and generations.

import type { AccountKeys } from "../account-keys.ts";
import {
  addHolder,
  below,
  type Holder,
  type HolderId,
  type Holders,
  isOlder,
  removeHolder,
  renewHolder,
} from "../account-holders.ts";
import type {
  AccountOp,
  Genesis,
  RemoveRecovery,
  RevokeDevice,
  RotateAccount,
  SetPrivate,
} from "../account-op.ts";
import { equal, hex } from "../bytes.ts";
import { check, Failure } from "../failure.ts";

/** What the ops of an entry change. */
export interface Changing {
  readonly holders: Holders;
  readonly generations: AccountKeys[];
  /** Version of the private state; 0 while there is none. */
  privateVersion: number;
}

/** Somebody who acts by an entry that belongs here, and that all have signed who must. */
export interface AccountActing {
  /** A copy of the state before the entry; ops change it in their order. */
  readonly state: Changing;
  readonly author: HolderId;
  readonly kind: Holder["kind"];
  readonly ops: readonly AccountOp[];
}

/**
 * Applies an op.
 * @throws Failure of the first rule that does not hold
 */
export function applyAccountOp(acting: AccountActing, op: Exclude<AccountOp, Genesis>): void {
  const { state, author, kind } = acting;
  switch (op.op) {
    case "AddDevice":
      return addHolder(state.holders, "device", op.keys, author);
    case "AddRecovery":
      return addHolder(state.holders, "recovery", op.keys, author);
    case "RotateDevice":
      check(kind === "device", "NotADevice");
      return renewHolder(state.holders, author, op.keys);
    case "RevokeDevice":
      return revokeDevice(acting, op);
    case "RemoveRecovery":
      return removeRecovery(acting, op);
    case "RotateAccount":
      return rotateAccount(acting, op);
    case "SetPrivate":
      return setPrivate(acting, op);
  }
}

function revokeDevice(acting: AccountActing, op: RevokeDevice): void {
  const { author, state } = acting;
  const { current } = state.holders;
  const device = hex(op.device);
  check(current.get(device)?.kind === "device", "NoSuchHolder");
  check(device !== author, "RevocationOfOneself");
  const kept = op.kept.map(hex);
  check(
    kept.every((id) => current.has(id) && id !== device),
    "NoSuchHolder",
  );
  requireRotation(acting);
  const gone = [device, ...below(state.holders, device)].filter(
    (id) => id !== author && !kept.includes(id) && !isSpared(acting, id),
  );
  for (const id of gone) removeHolder(state.holders, id);
}

function removeRecovery(acting: AccountActing, op: RemoveRecovery): void {
  const { author, state } = acting;
  const recovery = hex(op.recovery);
  check(state.holders.current.get(recovery)?.kind === "recovery", "NoSuchHolder");
  check(recovery === author || !isSpared(acting, recovery), "RecoveryProtected");
  requireRotation(acting);
  removeHolder(state.holders, recovery);
}

/** A recovery method, unless the author is an older one. */
function isSpared({ author, kind, state }: AccountActing, id: HolderId): boolean {
  const outranks = kind === "recovery" && isOlder(state.holders, author, id);
  return state.holders.current.get(id)?.kind === "recovery" && !outranks;
}

function requireRotation({ ops }: AccountActing): void {
  check(
    ops.some(({ op }) => op === "RotateAccount"),
    "RevocationWithoutRotation",
  );
}

function rotateAccount({ ops, state }: AccountActing, op: RotateAccount): void {
  check(ops.filter((other) => other.op === "RotateAccount").length === 1, "RotatedTwice");
  check(op.generation === state.generations.length, "WrongGeneration");
  const names = ["ledgerKey", "sharingKey", "publicationKey", "signatureKey"] as const;
  const meets = (former: AccountKeys) => names.some((name) => equal(former[name], op.accountKeys[name]));
  check(!state.generations.some(meets), "KeyRepeated");
  state.generations.push(op.accountKeys);
}

function setPrivate({ state }: AccountActing, op: SetPrivate): void {
  check(op.version === state.privateVersion + 1, "WrongPrivateVersion");
  state.privateVersion = op.version;
}

/**
 * Last: somebody holds the account.
 * @throws Failure `LastHolder`
 */
export function requireHolder({ current }: Holders): void {
  if (current.size === 0) throw new Failure("LastHolder");
}
