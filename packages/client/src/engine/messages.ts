/**
 * What the page and the engine say to each other: plain data only, so that it makes no difference whether a worker's
 * border lies between them. No secret crosses but the plaintext that a caller asked for.
 */
import type { AccountAudit, AuditComparison, Evidence, KeychainAudit } from "../audit-types.js";
import type { ErrorRecord } from "../error.js";
import type { RecoveryCalls } from "./recovery-messages.js";
import type { TypedValue } from "../value.js";
import type {
  IndexCommitted,
  IndexCount,
  IndexIsChanged,
  IndexKeyOf,
  IndexPage,
  IndexQuery,
  IndexUnsent,
  IndexValues,
  StillReadable,
  VaultSwept,
  VaultItem,
  VaultListing,
  VaultVersion,
} from "../wasm/keyfold.js";
import type {
  AcceptedIdentity,
  Algorithm,
  BanOutcome,
  Bytes,
  ClientEvents,
  ClientState,
  DecryptedFile,
  DeviceLock,
  FileMetadata,
  Group,
  IncomingShare,
  KeyMetadata,
  Keychain,
  OutgoingShare,
  OwnerProposal,
  Owners,
  Participant,
  PermissionFlags,
  Progress,
  PublicUserIdentity,
  ShareOutcome,
} from "../types.js";

/** Where the WebAssembly comes from: an address, its bytes, or itself. */
export type WasmSource = string | BufferSource | WebAssembly.Module;

/** Where records rest. */
export type StorageChoice =
  | { readonly kind: "memory" }
  | { readonly kind: "database"; readonly name: string }
  | { readonly kind: "folder"; readonly path: string };

/** What an engine is told at first. */
export interface EngineConfig {
  readonly serverURL: string;
  readonly serverKeys: readonly string[];
  readonly storage: StorageChoice;
  /** Hold a connection, or take part in electing who does. */
  readonly follow: boolean;
  /** Which shares are taken without asking. */
  readonly acceptShares: "auto" | "known" | "ask";
  /** If it is not beside this module. */
  readonly wasm: WasmSource | undefined;
  /** The second module, likewise. */
  readonly recoveryWasm: WasmSource | undefined;
  /** Who had a device here when somebody last looked: if the records are gone, that must not go unnoticed. */
  readonly knownUsers: readonly string[];
}

/** On which terms to share, times in milliseconds. */
export interface ShareTerms {
  readonly permissions?: Partial<PermissionFlags>;
  readonly readOnly?: boolean;
  readonly expiresAt?: number;
}

/** A decrypted value before it is a JavaScript value again. */
export interface OpenedTypedValue {
  readonly value: TypedValue;
  readonly keychainFingerprint: string;
  readonly keyFingerprint: string;
  readonly keyNumber: number;
  readonly current: boolean;
}

/** An encrypted file, and what its metadata needs to know. */
export interface SealedFile {
  readonly envelope: Blob;
  readonly object: string;
  readonly size: number;
  readonly keychainFingerprints: readonly string[];
  readonly stale: boolean;
}

/** A decrypted file. `object` is the envelope's id. */
export interface OpenedFile extends Omit<DecryptedFile, "file"> {
  readonly contents: Blob;
  readonly object: string;
  readonly name: string | null;
  readonly mediaType: string | null;
  /** Milliseconds since 1970. */
  readonly modified: number | null;
}

/** A whole file of a vault. */
export interface ReadContent {
  readonly item: VaultItem;
  readonly contents: Blob;
}

/** A file of a vault at a path: as it is, or as it was as a version. */
export interface WhichContent {
  readonly kc: string;
  readonly path: string;
  readonly version: number | undefined;
}

/** What unlocks a device, and what its key is made with: the salt of Argon2id, or what a passkey derives from. */
export interface KeyOfLock {
  readonly method: DeviceLock["method"];
  readonly salt: Bytes;
  /** Of the passkey. */
  readonly credentialId: Bytes | null;
}

/** How a lock behaves. */
export interface LockOptions {
  /** How long nobody may be there before it locks by itself; `null`: for ever. */
  readonly autoLockMs: number | null;
}

/** Who signs up. */
export interface SigningUp {
  readonly userId: string;
  /** Whether to go on though this user's device was here and its records are gone. */
  readonly replaceLost: boolean;
  readonly knownUsers: readonly string[];
}

/** The calls, by name: what each is given, and what it answers. */
export interface Calls extends RecoveryCalls {
  /** `passkey` answers what `askForPasskey` asked this device. */
  signup(args: SigningUp & { token: string | undefined; passkey: string | undefined }): PublicUserIdentity;
  /** To make a passkey for this user, or, with `makes` false, to show one that there is. */
  askForPasskey(args: SigningUp & { makes: boolean }): string;
  /** Forgets a device that was to come in and did not. */
  abandonSignup(args: { userId: string }): void;
  login(args: { userId: string | undefined; knownUsers: readonly string[] }): PublicUserIdentity;
  logout(args: { forget: boolean; everywhere: boolean }): void;
  start(args: object): void;
  lock(args: object): void;
  lockDetails(args: object): KeyOfLock;
  /** The secret: a PIN or password as UTF-8, or what the passkey gave. Wiped here. */
  unlock(args: { method: DeviceLock["method"]; secret: Bytes }): void;
  setLock(args: {
    lock: (Omit<KeyOfLock, "salt"> & { secret: Bytes; salt: Bytes | undefined }) | null;
    autoLockMs: number | null;
  }): void;
  sync(args: object): void;
  createKeychain(args: { purpose: string; algorithm: Algorithm }): KeyMetadata;
  rotate(args: { kc: string }): KeyMetadata;
  deleteKey(args: { kc: string; keyFingerprint: string }): void;
  identities(args: { userIds: readonly string[] }): (PublicUserIdentity | null)[];
  safetyNumbers(args: { userId: string }): Uint16Array;
  compareIdentity(args: { userId: string; told: string | Uint16Array; accept: boolean }): AcceptedIdentity;
  createGroup(args: { name: string; rank: number }): Group;
  groups(args: object): Group[];
  group(args: { name: string }): Group;
  share(args: {
    kc: string;
    userIds: readonly string[];
    keys: "latest" | "all" | { readonly key: string };
    terms: ShareTerms;
  }): ShareOutcome;
  outgoingShares(args: object): OutgoingShare[];
  incomingShares(args: object): IncomingShare[];
  acceptShare(args: { kc: string }): Keychain;
  declineShare(args: { kc: string }): void;
  cancelShare(args: { userId: string; keyFingerprint: string }): void;
  participants(args: { kc: string; keyFingerprint: string | undefined; pending: boolean }): Participant[];
  permissions(args: { kc: string; userId: string | undefined }): PermissionFlags;
  setPermissions(args: {
    kc: string;
    userId: string;
    permissions: Partial<PermissionFlags>;
  }): PermissionFlags;
  ban(args: { kc: string; userId: string }): BanOutcome;
  owners(args: { kc: string }): Owners;
  propose(args: { kc: string; decision: OwnerProposal["decision"]; subject: string }): Owners;
  approve(args: { kc: string; proposal: string }): Owners;
  auditKeychain(args: { kc: string }): KeychainAudit;
  auditAccount(args: { userId: string }): AccountAudit;
  exportAudit(args: { kc: string }): Bytes;
  compareAudit(args: { kc: string; file: Bytes }): AuditComparison;
  evidence(args: { kc: string; file: Bytes | undefined }): Bytes;
  verifyAuditFile(args: {
    file: Bytes;
    serverKey: string | undefined;
  }): KeychainAudit | AccountAudit | Evidence;
  /** `now`: whatever waits. */
  indexGet(args: { kc: string; name: string; keys: readonly IndexKeyOf[]; now: boolean }): IndexValues;
  indexRange(args: {
    kc: string;
    name: string;
    tree: number;
    query: IndexQuery;
    limit: number;
    now: boolean;
  }): IndexPage;
  indexCount(args: { kc: string; name: string; tree: number; query: IndexQuery }): IndexCount;
  indexIsChanged(args: {
    kc: string;
    name: string;
    tree: number;
    query: IndexQuery;
    since: number | undefined;
  }): IndexIsChanged;
  /** With a generation, only if that is still the newest; without, it waits where the server is not reached. */
  indexCommit(args: {
    kc: string;
    name: string;
    changes: readonly IndexKeyOf[];
    generation: number | undefined;
  }): IndexCommitted;
  indexKeep(args: {
    kc: string;
    name: string;
    changes: readonly IndexKeyOf[];
    shown: readonly IndexKeyOf[];
  }): IndexCommitted;
  indexSend(args: { kc: string; name: string }): IndexUnsent | undefined;
  indexSendDerived(args: {
    kc: string;
    name: string;
    id: string;
    changes: readonly IndexKeyOf[];
    generation: number;
  }): boolean;
  indexWaiting(args: { kc: string; name: string }): number;
  indexGiveUp(args: { kc: string; name: string }): number;
  vaultList(args: { kc: string; path: string }): VaultListing;
  vaultStat(args: { kc: string; path: string }): VaultItem;
  vaultVersions(args: { kc: string; path: string }): VaultVersion[];
  vaultRestore(args: { kc: string; path: string; version: number }): VaultItem;
  vaultCreateFolder(args: { kc: string; path: string }): VaultItem;
  vaultRename(args: { kc: string; from: string; to: string }): VaultItem;
  vaultRemove(args: { kc: string; path: string; recursive: boolean }): VaultItem;
  vaultStillReadable(args: { kc: string }): StillReadable;
  vaultSweep(args: { kc: string }): VaultSwept;
  /** Without a file, of the stream that comes with the call. With `changed`, what was interrupted is gone on with. */
  vaultPut(args: {
    kc: string;
    path: string;
    file: Blob | null;
    changed: number | null;
    mediaType: string;
    modified: number | undefined;
    keep: number | undefined;
  }): VaultItem;
  vaultGet(args: WhichContent): ReadContent;
  vaultGetRange(args: WhichContent & { start: number; end: number }): Bytes;
  /** Opens a content to be read in pieces, under a name that the caller makes. */
  vaultOpen(args: WhichContent & { reader: string }): VaultItem;
  vaultRead(args: { reader: string; start: number; end: number }): Bytes;
  /** Nothing happens if there is none. */
  vaultClose(args: { reader: string }): void;
  encryptValue(args: { kc: string; value: TypedValue; context: Bytes }): string;
  decryptValue(args: { text: string; context: Bytes }): OpenedTypedValue;
  sign(args: { items: readonly Uint8Array[] }): string;
  verifySignature(args: { signature: string; publicKey: string; items: readonly Uint8Array[] }): boolean;
  encryptFile(args: {
    file: Blob;
    kcs: readonly string[];
    context: Bytes;
    metadata: Omit<FileMetadata, "key" | "size">;
    padded: boolean;
    sign: boolean;
  }): SealedFile;
  decryptFile(args: { envelope: Blob; context: Bytes; object: string | undefined }): OpenedFile;
  decryptFileRange(args: { envelope: Blob; context: Bytes; start: number; end: number }): Bytes;
}

/** What a call is given. */
export type Arguments<M extends keyof Calls> = Parameters<Calls[M]>[0];
/** What a call answers. */
export type Answer<M extends keyof Calls> = ReturnType<Calls[M]>;

/** One event with its payload. */
export type Told = {
  [E in keyof ClientEvents]: { readonly name: E; readonly payload: ClientEvents[E] };
}[keyof ClientEvents];

/** To the engine. */
export type ToEngine =
  | { readonly type: "open"; readonly config: EngineConfig }
  | { readonly type: "call"; readonly id: number; readonly method: keyof Calls; readonly args: unknown }
  | { readonly type: "cancel"; readonly id: number }
  /** What the engine wanted of a call's stream: its next bytes, or `null` at its end. */
  | { readonly type: "piece"; readonly id: number; readonly bytes: Bytes | null }
  /** The page was shown again, or the machine is back on the network. */
  | { readonly type: "wake" }
  /** Somebody is there. */
  | { readonly type: "active" }
  /** The browser was asked to keep the records. */
  | { readonly type: "persisted" }
  | { readonly type: "close" };

/** The state after what happened, if it is another, then what happened, in order. */
export interface Announcement {
  readonly type: "told";
  readonly state: ClientState | null;
  readonly events: readonly Told[];
}

/** From the engine. */
export type FromEngine =
  /** It lives, and holds the Web Lock of this name until it dies. */
  | { readonly type: "alive"; readonly lock: string }
  | Announcement
  /** Whose device is here, or was removed on purpose. */
  | { readonly type: "device"; readonly userId: string; readonly here: boolean }
  | { readonly type: "progress"; readonly id: number; readonly progress: Progress }
  /** The next bytes of the stream that came with a call. */
  | { readonly type: "wanted"; readonly id: number }
  | { readonly type: "answer"; readonly id: number; readonly value: unknown }
  | { readonly type: "failure"; readonly id: number; readonly error: ErrorRecord }
  /** The WebAssembly trapped: nothing in this engine can be relied on. */
  | { readonly type: "broken"; readonly error: ErrorRecord }
  /** The device was locked: this engine ended, so that nothing of it stays in memory. */
  | { readonly type: "locked"; readonly error: ErrorRecord; readonly told: readonly Announcement[] };
