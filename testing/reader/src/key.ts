// The keys that slots and values are sealed to: what a reader holds of a keychain key or of a device.

import { deriveWrappingSeed } from "./account-keys.ts";
import { concat, u32 } from "./bytes.ts";
import { wrappingKeyFingerprint, wrappingKeyOf } from "./hpke.ts";

/** A key that opens slots: a `secretBox` key, a `sealedBox` key's seed, or a device's wrapping seed. */
export interface HeldKey {
  readonly kind: "symmetric" | "pair";
  /** What a slot or value names it by; 32 bytes. */
  readonly fingerprint: Uint8Array;
  /** The key or the seed; 32 bytes. */
  readonly secret: Uint8Array;
  /** The keychain, or for a device the account; 32 bytes. */
  readonly scope: Uint8Array;
  /** The key number; 0 for a device. */
  readonly number: number;
}

/** The key of an account's device, of whose device seed it derives: named by the public half, number 0. */
export function deviceKey(deviceSeed: Uint8Array, account: Uint8Array): HeldKey {
  const secret = deriveWrappingSeed(deviceSeed);
  const fingerprint = wrappingKeyFingerprint(wrappingKeyOf(secret));
  return { kind: "pair", fingerprint, secret, scope: account, number: 0 };
}

/** `scope id ‖ u32 key number`: where the key belongs, part of every place. */
export function whereOf(key: HeldKey): Uint8Array {
  return concat(key.scope, u32(key.number));
}
