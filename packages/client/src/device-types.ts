/** What calls about devices and ways back take and answer. Field names are those of the command line's `--json`. */
import type { PublicUserIdentity } from "./types.js";

/** A device of one's own account. */
export interface Device {
  readonly deviceId: string;
  /** What it is called; only one's own devices read it. */
  readonly label: string | null;
  /** When it was added, as who added it claims. */
  readonly addedAt: Date;
  /** The device or way back that let it in; `null` for the first. */
  readonly addedBy: string | null;
  /** Whether it is this one. */
  readonly isCurrent: boolean;
  /** Since when it is logged in, as the server says; `null` while it is not, or nobody asked. */
  readonly loggedInSince: Date | null;
  /** When it last asked the server something, to the minute, as the server says. */
  readonly lastUsed: Date | null;
}

/** What a new device shows that asks to be let in. None of it is a secret. */
export interface DeviceRequested {
  readonly deviceId: string;
  /** To show as a QR code, or to copy: `devices.approve` takes it on a device that is in. */
  readonly code: string;
  /** Eight words. The device that is in shows the same, or somebody stands between. */
  readonly words: string;
  /** When the request is forgotten. */
  readonly expiresAt: Date;
}

/** A device that asks to be let into one's account. */
export interface DeviceRequest {
  readonly deviceId: string;
  /** What it calls itself. */
  readonly label: string | null;
  /** Eight words, which the person compares with those on the new device. */
  readonly words: string;
  readonly expiresAt: Date;
}

/** What a revocation did. */
export interface RevokedDevices {
  /** The devices that are out: those that were named, and those that they had let in. */
  readonly deviceIds: readonly string[];
  /** The account's generation since. */
  readonly generation: number;
}

/** What the secret of a way back is. */
export type RecoveryKind = "password" | "paper" | "shares" | "passkey";

/** One way back into the account. */
export interface RecoveryMethod {
  readonly recoveryId: string;
  readonly method: RecoveryKind;
  readonly label: string | null;
  readonly addedAt: Date;
  /** The device or way back that added it. */
  readonly addedBy: string | null;
}

/**
 * What should be done about one's ways back. `noRecovery`: there is none, so losing all devices is losing the account.
 * `onlyPasskeys`: their provider can lose or withhold them. `nothingOffline`: neither paper nor shares.
 */
export type RecoveryGap = "noRecovery" | "onlyPasskeys" | "nothingOffline";

/** Which ways back there are, oldest first, and what is missing. An older one can take a younger one away. */
export interface RecoveryStatus {
  readonly methods: readonly RecoveryMethod[];
  /** Empty is well. */
  readonly missing: readonly RecoveryGap[];
}

/** What somebody sees of his account who only signed in. */
export interface RecoveryStarted {
  readonly accountId: string;
  readonly methods: readonly RecoveryMethod[];
  readonly deviceIds: readonly string[];
}

/** What coming back did. */
export interface Recovered {
  readonly identity: PublicUserIdentity;
  /** The devices that are out. */
  readonly revokedDeviceIds: readonly string[];
  /** The ways back that went with them. */
  readonly removedRecoveryIds: readonly string[];
}

/** What the person kept: 24 words, shares, a password, or a passkey that derives keys. */
export type RecoverySecret =
  | { readonly paper: string }
  | { readonly shares: readonly string[] }
  | { readonly password: string }
  | { readonly passkey: true };
