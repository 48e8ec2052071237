// "Holders" of account-ledger.md: devices and recovery methods, in the order in which they were added, and under
// whom each of them is.

import { deviceId, type HolderKeys, recoveryId } from "./account-keys.ts";
import { hex } from "./bytes.ts";
import { MOST_HOLDERS } from "./account-op.ts";
import { check, Failure } from "./failure.ts";

/** The id of a holder, in hexadecimal. */
export type HolderId = string;

/** A device or a recovery method. */
export interface Holder {
  readonly kind: "device" | "recovery";
  readonly signingKey: Uint8Array;
  /** Of the first device: nobody. */
  readonly under: HolderId | null;
}

/** Who holds an account's master key. */
export interface Holders {
  /** In their order: older ones first. */
  readonly current: Map<HolderId, Holder>;
  /** The ids of all keys that holders have or had, in the order in which they came. */
  readonly used: Set<HolderId>;
}

/** The id that keys give to whom they are added as. */
export function idOf(kind: Holder["kind"], keys: HolderKeys): Uint8Array {
  return kind === "device" ? deviceId(keys) : recoveryId(keys);
}

/** The same holders, to try ops on. */
export function copyOf({ current, used }: Holders): Holders {
  return { current: new Map(current), used: new Set(used) };
}

/**
 * Adds a holder, younger than all others.
 * @throws Failure `HolderRepeated`, `TooManyHolders`
 */
export function addHolder(
  holders: Holders,
  kind: Holder["kind"],
  keys: HolderKeys,
  under: HolderId | null,
): void {
  const id = hex(idOf(kind, keys));
  check(!holders.used.has(id), "HolderRepeated");
  check(holders.current.size < MOST_HOLDERS, "TooManyHolders");
  holders.used.add(id);
  holders.current.set(id, { kind, signingKey: keys.signingKey, under });
}

/**
 * Gives a device new keys; it stays in its place.
 * @throws Failure `HolderRepeated`
 */
export function renewHolder(holders: Holders, device: HolderId, keys: HolderKeys): void {
  const id = hex(deviceId(keys));
  check(!holders.used.has(id), "HolderRepeated");
  const holder = holders.current.get(device);
  if (holder === undefined) throw new Failure("NoSuchHolder");
  holders.used.add(id);
  holders.current.set(device, { ...holder, signingKey: keys.signingKey });
}

/** Those under a holder, and those under them. */
export function below({ current }: Holders, root: HolderId): readonly HolderId[] {
  const above = (id: HolderId): readonly HolderId[] => {
    const under = current.get(id)?.under ?? null;
    return under === null ? [] : [under, ...above(under)];
  };
  return [...current.keys()].filter((id) => above(id).includes(root));
}

/** Takes a holder away: those under him are under whom he was under. */
export function removeHolder({ current }: Holders, gone: HolderId): void {
  const under = current.get(gone)?.under ?? null;
  current.delete(gone);
  for (const [id, holder] of current) {
    if (holder.under === gone) current.set(id, { ...holder, under });
  }
}

/** Whether one came before another, whoever of them is a holder still. */
export function isOlder({ used }: Holders, one: HolderId, other: HolderId): boolean {
  const order = [...used];
  return order.indexOf(one) < order.indexOf(other);
}
