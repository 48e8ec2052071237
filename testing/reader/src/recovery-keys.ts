// The keys that a recovery method's secret comes to (recovery.md, "Keys").

import { recoveryId, type HolderKeys } from "./account-keys.ts";
import { u8 } from "./bytes.ts";
import { derive } from "./derivation.ts";
import { wrappingKeyOf } from "./hpke.ts";
import { signingKeyOf } from "./signature.ts";

/** A recovery method, as a ledger lists it. */
export interface RecoveryKeys extends HolderKeys {
  readonly id: Uint8Array;
}

/** The public keys of a recovery method and its id. */
export function deriveRecoveryKeys(secret: Uint8Array, account: Uint8Array, method: number): RecoveryKeys {
  const seed = (label: string) => derive(secret, account, label, u8(method), 32);
  const keys = {
    signingKey: signingKeyOf(seed("KF1 recovery signing key")),
    wrappingKey: wrappingKeyOf(seed("KF1 recovery wrapping key")),
  };
  return { ...keys, id: recoveryId(keys) };
}
