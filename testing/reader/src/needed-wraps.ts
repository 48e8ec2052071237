// "Wraps that an entry needs" of keychain-ledger.md: what a server takes beside an entry, no more and no less.

import { parseEntry } from "./entry.ts";
import { parseKeychainEntry } from "./keychain-entry.ts";
import type { KeyEntry, Op, Share } from "./keychain-op.ts";
import { followers, type Keychain, type Principal, principalOf } from "./keychain-state.ts";
import { wrappedKeys } from "./rules/share.ts";

/** A wrap that has to come along. */
export interface NeededWrap {
  /** The number of the key in it. */
  readonly key: number;
  readonly recipient: Principal;
  /** The recipient's number: an account's generation, or that of a group's key. */
  readonly number: number;
  /** Whether the key's history secret is in it too. */
  readonly history: boolean;
}

/**
 * The wraps that an entry needs.
 * @param after the state that the entry led to
 */
export function neededWraps(after: Keychain, encoded: Uint8Array): readonly NeededWrap[] {
  const parsed = parseKeychainEntry(parseEntry(encoded).signed);
  const ops = parsed.form === "ordinary" ? parsed.ops : [];
  const wraps = ops.flatMap((op) => wrapsOf(after, op));
  const distinct = new Map(wraps.map((wrap) => [JSON.stringify(wrap), wrap]));
  return [...distinct.values()];
}

function wrapsOf(after: Keychain, op: Op): readonly NeededWrap[] {
  switch (op.op) {
    case "Genesis":
    case "Rotate":
      return wrapsOfKey(after, op.key);
    case "Share":
      return wrapsOfShare(after, op);
    default:
      return [];
  }
}

function wrapsOfKey(after: Keychain, { number }: KeyEntry): readonly NeededWrap[] {
  return [...followers(after)].flatMap(([recipient, { historyFrom }]) =>
    wrapTo(after, recipient, number, historyFrom !== null && historyFrom <= number),
  );
}

function wrapsOfShare(after: Keychain, op: Share): readonly NeededWrap[] {
  const recipients = op.principals.map(({ id }) => principalOf(id));
  const standing = recipients.filter(
    (recipient) => after.members.has(recipient) || after.pending.has(recipient),
  );
  return standing.flatMap((recipient) =>
    wrappedKeys(after, op).flatMap(({ number, history }) => wrapTo(after, recipient, number, history)),
  );
}

/** One wrap, at the number that the scope cites for its recipient; none to a group that is not clean. */
function wrapTo(after: Keychain, recipient: Principal, key: number, history: boolean): readonly NeededWrap[] {
  const group = after.groups.get(recipient);
  if (group !== undefined) return group.clean ? [{ key, recipient, number: group.key, history }] : [];
  return [{ key, recipient, number: after.cites.get(recipient)?.exclusions ?? 0, history }];
}
