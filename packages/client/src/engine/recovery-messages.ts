/** What the page and the engine say to each other about devices and ways back. */
import type {
  Device,
  DeviceRequest,
  DeviceRequested,
  Recovered,
  RecoveryMethod,
  RecoveryStarted,
  RecoveryStatus,
  RevokedDevices,
} from "../device-types.js";
import type { Bytes, PublicUserIdentity } from "../types.js";

/** Who comes in by the server's gate, and what is shown there. */
export interface ComingIn {
  readonly userId: string;
  readonly knownUsers: readonly string[];
  readonly token: string | undefined;
  /** Answers what `askForPasskey` asked this device. */
  readonly passkey: string | undefined;
}

/** With words as their numbers: only the page has the list. */
export type Spelled<T extends { readonly words: string }> = Omit<T, "words"> & {
  readonly words: readonly number[];
};

/** The secret of a way back, as the person gave it. Bytes are wiped by who takes them. */
export type GivenSecret =
  | { readonly method: "paper"; readonly numbers: Uint16Array<ArrayBuffer> }
  | { readonly method: "shares"; readonly texts: readonly string[] }
  | { readonly method: "password"; readonly password: string }
  | { readonly method: "passkey"; readonly secret: Bytes };

/** How a new way back is made. */
export type NewSecret =
  | { readonly method: "paper" }
  | { readonly method: "shares"; readonly needed: number; readonly count: number }
  | { readonly method: "password"; readonly password: string }
  | { readonly method: "passkey"; readonly secret: Bytes };

/** A new way back, and what its owner is to keep of it. */
export interface MadeRecovery {
  readonly recovery: RecoveryMethod;
  /** Of a paper key. */
  readonly numbers: Uint16Array<ArrayBuffer> | undefined;
  /** Of shares. */
  readonly texts: readonly string[] | undefined;
}

/** The calls, by name. */
export interface RecoveryCalls {
  /** Who is logged in. */
  whoAmI(args: object): { readonly userId: string; readonly accountId: string };
  devices(args: object): Device[];
  requestEnrolment(args: ComingIn & { label: string }): Spelled<DeviceRequested>;
  /** Waits some seconds; `null` if there is no answer yet. */
  awaitEnrolment(args: object): PublicUserIdentity | null;
  enrolmentRequests(args: object): Spelled<DeviceRequest>[];
  approveDevice(args: { code: string; label: string | undefined }): Device;
  declineDevice(args: { code: string }): void;
  enrollNewDevice(args: { label: string | undefined; lastsMs: number | undefined }): string;
  registerEnrolledDevice(args: { uri: string }): PublicUserIdentity;
  rotateDevice(args: { label: string | undefined }): Device;
  revokeDevices(args: { deviceIds: readonly string[]; keep: readonly string[] }): RevokedDevices;
  recoveryStatus(args: object): RecoveryStatus;
  addRecovery(args: {
    made: NewSecret;
    label: string | undefined;
    replaces: GivenSecret | undefined;
  }): MadeRecovery;
  removeRecovery(args: { recoveryId: string; by: GivenSecret }): void;
  startRecovery(args: ComingIn): RecoveryStarted;
  /** Lets go of the user id of an account that is lost, so that a new one may take it. */
  releaseName(args: object): void;
  recover(args: {
    started: RecoveryStarted;
    secret: GivenSecret;
    label: string | undefined;
    revoke: "all" | readonly string[];
  }): Recovered;
}
