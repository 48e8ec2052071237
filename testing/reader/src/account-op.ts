// "Ops" of account-ledger.md: what an entry of an account does, read and not yet judged.

import type { AccountKeys, HolderKeys } from "./account-keys.ts";
import { utf8 } from "./bytes.ts";
import { type Item, requireAscending } from "./cbor.ts";
import { check, Failure } from "./failure.ts";
import { WRAPPING_KEY } from "./hpke.ts";
import { bytes, integer, list, nullable, text, tuple, within } from "./shape.ts";

/** Founds an account. */
export interface Genesis {
  readonly op: "Genesis";
  readonly nonce: Uint8Array;
  readonly userId: string;
  readonly keys: HolderKeys;
  readonly accountKeys: AccountKeys;
}

/** Adds a device, or a recovery method; or gives the author, a device, new keys. */
export interface Listing {
  readonly op: "AddDevice" | "RotateDevice" | "AddRecovery";
  readonly keys: HolderKeys;
}

/** Takes a device away, and what came through it but for those kept. */
export interface RevokeDevice {
  readonly op: "RevokeDevice";
  readonly device: Uint8Array;
  readonly kept: readonly Uint8Array[];
}

/** Takes a recovery method away. */
export interface RemoveRecovery {
  readonly op: "RemoveRecovery";
  readonly recovery: Uint8Array;
}

/** Brings a generation. */
export interface RotateAccount {
  readonly op: "RotateAccount";
  readonly generation: number;
  readonly accountKeys: AccountKeys;
}

/** Names the private state. */
export interface SetPrivate {
  readonly op: "SetPrivate";
  readonly version: number;
  readonly hash: Uint8Array;
}

/** What an entry of an account does. */
export type AccountOp = Genesis | Listing | RevokeDevice | RemoveRecovery | RotateAccount | SetPrivate;

/** Devices and recovery methods of an account. */
export const MOST_HOLDERS = 256;

const LONGEST_USER_ID = 128;
const LONGEST_LABEL = 384;
/** Password, paper, shares, passkey. */
const METHODS = 4;

/**
 * Reads an op.
 * @throws Failure `Unsupported`, `Malformed`, `NotCanonical`, `TooLarge`, `TooMany`, `BadText`
 */
export function parseAccountOp(item: Item): AccountOp {
  const fields = list(item);
  switch (integer(fields[0])) {
    case 0: {
      const [, nonce, userId, keys, accountKeys] = tuple(fields, 5);
      return {
        op: "Genesis",
        nonce: bytes(nonce, 32),
        userId: parseUserId(userId),
        keys: parseKeys(keys),
        accountKeys: parseAccountKeys(accountKeys),
      };
    }
    case 1:
      return { op: "AddDevice", keys: parseKeys(tuple(fields, 2)[1]) };
    case 2: {
      const [, device, kept] = tuple(fields, 3);
      return { op: "RevokeDevice", device: bytes(device, 32), kept: parseKept(kept) };
    }
    case 3:
      return { op: "RotateDevice", keys: parseKeys(tuple(fields, 2)[1]) };
    case 4: {
      const [, method, keys] = tuple(fields, 3);
      check(integer(method) < METHODS, "Unsupported");
      return { op: "AddRecovery", keys: parseKeys(keys) };
    }
    case 5:
      return { op: "RemoveRecovery", recovery: bytes(tuple(fields, 2)[1], 32) };
    case 6: {
      const [, generation, accountKeys] = tuple(fields, 3);
      return {
        op: "RotateAccount",
        generation: within(generation, 32),
        accountKeys: parseAccountKeys(accountKeys),
      };
    }
    case 7: {
      const [, version, hash] = tuple(fields, 3);
      return { op: "SetPrivate", version: integer(version), hash: bytes(hash, 32) };
    }
    default:
      throw new Failure("Unsupported");
  }
}

function parseKept(item: Item | undefined): readonly Uint8Array[] {
  const items = list(item);
  check(items.length <= MOST_HOLDERS, "TooMany");
  const kept = items.map((id) => bytes(id, 32));
  requireAscending(kept);
  return kept;
}

function parseKeys(item: Item | undefined): HolderKeys {
  const [signingKey, wrappingKey, label] = tuple(item, 3);
  const keys = { signingKey: bytes(signingKey, 32), wrappingKey: bytes(wrappingKey, WRAPPING_KEY) };
  const sealedLabel = nullable(label, (sealed) => bytes(sealed));
  check(sealedLabel === null || sealedLabel.length <= LONGEST_LABEL, "TooLarge");
  return keys;
}

function parseAccountKeys(item: Item | undefined): AccountKeys {
  const [ledgerKey, sharingKey, publicationKey, signatureKey] = tuple(item, 4);
  return {
    ledgerKey: bytes(ledgerKey, 32),
    sharingKey: bytes(sharingKey, WRAPPING_KEY),
    publicationKey: bytes(publicationKey, 32),
    signatureKey: bytes(signatureKey, 32),
  };
}

/**
 * A user id.
 * @throws Failure `Malformed`, `TooLarge`, `BadText`
 */
export function parseUserId(item: Item | undefined): string {
  const userId = text(item);
  check(utf8(userId).length <= LONGEST_USER_ID, "TooLarge");
  check(userId !== "" && userId.normalize("NFC") === userId && !/\p{Cc}/u.test(userId), "BadText");
  return userId;
}
