// The keys of accounts and devices, derived from a master key or a device seed (wraps.md).

import { concat, u32 } from "./bytes.ts";
import { derive } from "./derivation.ts";
import { hash } from "./hash.ts";
import { wrappingKeyOf } from "./hpke.ts";
import { signingKeyOf } from "./signature.ts";

/** What an account's ledger says of one generation. */
export interface AccountKeys {
  readonly ledgerKey: Uint8Array;
  readonly sharingKey: Uint8Array;
  readonly publicationKey: Uint8Array;
  readonly signatureKey: Uint8Array;
}

/** What an account's ledger says of a device or a recovery method. */
export interface HolderKeys {
  readonly signingKey: Uint8Array;
  readonly wrappingKey: Uint8Array;
}

const nothing = new Uint8Array(0);

/** The public keys of an account's generation. */
export function deriveAccountKeys(master: Uint8Array, nonce: Uint8Array, generation: number): AccountKeys {
  const seed = (label: string) => derive(master, nonce, label, u32(generation), 32);
  return {
    ledgerKey: signingKeyOf(seed("KF1 account ledger key")),
    sharingKey: wrappingKeyOf(seed("KF1 account sharing key")),
    publicationKey: signingKeyOf(seed("KF1 account publication key")),
    signatureKey: signingKeyOf(seed("KF1 account signature key")),
  };
}

/** The public keys of a device. */
export function deriveDeviceKeys(deviceSeed: Uint8Array): HolderKeys {
  const signingSeed = derive(deviceSeed, nothing, "KF1 device signing key", nothing, 32);
  return {
    signingKey: signingKeyOf(signingSeed),
    wrappingKey: wrappingKeyOf(deriveWrappingSeed(deviceSeed)),
  };
}

/** The seed of a device's wrapping key; secret. */
export function deriveWrappingSeed(deviceSeed: Uint8Array): Uint8Array {
  return derive(deviceSeed, nothing, "KF1 device wrapping key", nothing, 32);
}

/** `H("KF1 device id", signing key ‖ wrapping key)` */
export function deviceId({ signingKey, wrappingKey }: HolderKeys): Uint8Array {
  return hash("KF1 device id", concat(signingKey, wrappingKey));
}

/** `H("KF1 recovery id", signing key ‖ wrapping key)` */
export function recoveryId({ signingKey, wrappingKey }: HolderKeys): Uint8Array {
  return hash("KF1 recovery id", concat(signingKey, wrappingKey));
}
