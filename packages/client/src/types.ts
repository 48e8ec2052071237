/**
 * What calls take and answer: plain data, the same on both sides of the worker. Field names are those of the
 * command line's `--json` (`docs/spec/cli.md`); there times are milliseconds, here they are `Date`s.
 *
 * Ids, fingerprints and public keys are base64url text without padding.
 */

/** Bytes that a browser can hand over without a copy. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** `secretBox`: members encrypt and decrypt. `sealedBox`: anybody with the public key encrypts, members decrypt. */
export type Algorithm = "secretBox" | "sealedBox";

/** A person as others see them: verified by replaying their ledger, and pinned at first sight. */
export interface PublicUserIdentity {
  /** The application's name of the person. */
  readonly userId: string;
  /** The account: the id of its ledger. */
  readonly accountId: string;
  /** The generation of the keys below, from 0. */
  readonly generation: number;
  /** Verifies what the person signs with `sign()`. Ed25519, 32 bytes. */
  readonly signaturePublicKey: string;
  /** Keys are wrapped to it. X-Wing, 1,216 bytes. */
  readonly sharingPublicKey: string;
  /** Verifies entries of keychains. Ed25519, 32 bytes. */
  readonly ledgerPublicKey: string;
  /** Verifies publications. Ed25519, 32 bytes. */
  readonly publicationPublicKey: string;
  /** Whether the person at this device compared it by another way than the server (`verifyIdentity`); one's own is. */
  readonly verified: boolean;
  /** User id and account as a text to show as a QR code and to scan: what `verifyIdentity` takes. */
  readonly uri: string;
}

/** What came of `acceptIdentity`. */
export interface AcceptedIdentity {
  /** Pinned, and verified, from now on. */
  readonly identity: PublicUserIdentity;
  /** The account whose place it took; `null` if it is the one that was pinned before. */
  readonly formerAccountId: string | null;
  /** Where the former account still is a member, by fingerprint. It reads there until it is banned, by its account id. */
  readonly formerKeychains: readonly string[];
}

/** The four permissions of a member. */
export interface PermissionFlags {
  /** May share keys on. */
  readonly allowSharing: boolean;
  /** May make a new key. */
  readonly allowRotation: boolean;
  /** May ban, and end shares. */
  readonly allowDeletion: boolean;
  /** May set permissions. */
  readonly allowManagement: boolean;
}

/** A key that this account holds. */
export interface KeyMetadata {
  readonly algorithm: Algorithm;
  /** What the keychain is for. */
  readonly purpose: string;
  readonly keychainFingerprint: string;
  readonly keyFingerprint: string;
  /** From 1; a rotation makes the next. */
  readonly keyNumber: number;
  /** With `sealedBox`: what anybody may encrypt to. */
  readonly publicKey?: string;
  /** When the key was made, as its maker claims. */
  readonly createdAt: Date;
  /** When one's membership ends. */
  readonly expiresAt: Date | null;
  /** User id of who shared the keychain; `null` if it is one's own. */
  readonly sharedBy: string | null;
  /** Whether that person's identity was compared; of one's own too. Otherwise anybody may have called it that. */
  readonly sharedByVerified: boolean;
}

/** A keychain with all keys that this account holds. */
export interface Keychain {
  readonly keychainFingerprint: string;
  readonly purpose: string;
  readonly algorithm: Algorithm;
  /** One's own permissions. */
  readonly permissions: PermissionFlags;
  /** Whether others refuse what one writes. */
  readonly readOnly: boolean;
  /** Whether one gets the keys that come later. */
  readonly follows: boolean;
  /** Whether a new key is needed before anything is encrypted. */
  readonly needsRotation: boolean;
  readonly sharedBy: string | null;
  readonly sharedByVerified: boolean;
  /** Newest first. */
  readonly keys: readonly KeyMetadata[];
}

/** On which terms to share. */
export interface ShareOptions {
  /** When the membership ends. */
  readonly expiresAt?: Date;
  /** What recipients may do beyond reading and writing. What is left out is denied. */
  readonly permissions?: Partial<PermissionFlags>;
  /** Whether others refuse what recipients write. */
  readonly readOnly?: boolean;
  readonly signal?: AbortSignal;
}

/** A group, as `client.groups` answers it; its fingerprint is enough. */
export type GroupReference = Pick<Group, "groupFingerprint">;

/** One recipient of a share. */
type Recipient = Pick<PublicUserIdentity, "userId"> | GroupReference;

/** Whom to share with: an identity, as `getUserIdentity` answers it, a group that one is in, or several of them. */
export type ShareTarget = Recipient | readonly Recipient[];

/** A group of people and of groups. */
export interface Group {
  readonly groupFingerprint: string;
  /** What its members call it. */
  readonly name: string;
  /** It can stand in groups of a higher rank, and in keychains. */
  readonly rank: number;
  /** What one may do in it. */
  readonly permissions: PermissionFlags;
  readonly readOnly: boolean;
  /** Whether it needs a new key: somebody was put out of it, or of a group in it. */
  readonly needsRotation: boolean;
  /** How many people and groups stand in it. */
  readonly memberCount: number;
  /** Who added one, by user id; `null` if one founded it. */
  readonly sharedBy: string | null;
}

/** `pending` until the recipient's client answers. */
export type MemberState = "pending" | "accepted";

/** What a share did. */
export interface ShareOutcome {
  readonly keychainFingerprint: string;
  readonly purpose: string;
  /** The keys that were shared, newest first. */
  readonly keyFingerprints: readonly string[];
  readonly recipients: readonly {
    readonly userId: string;
    readonly accountId: string;
    readonly state: MemberState;
    /** They had at least this already: nothing was sent. */
    readonly already: boolean;
  }[];
}

/** A share that its recipient has not answered. */
export interface OutgoingShare {
  readonly userId: string;
  readonly accountId: string;
  readonly keychainFingerprint: string;
  readonly purpose: string;
  /** The newest key of the share: what cancelling names. */
  readonly keyFingerprint: string;
  readonly keyFingerprints: readonly string[];
  readonly permissions: PermissionFlags;
  readonly sharedAt: Date;
  readonly expiresAt: Date | null;
}

/**
 * A share that waits for one's own answer. What the keychain is for is encrypted under its key, which comes with the
 * acceptance.
 */
export interface IncomingShare {
  /** What `acceptShare` and `declineShare` name. */
  readonly keychainFingerprint: string;
  readonly algorithm: Algorithm | "group";
  /** User id of who shared it. */
  readonly sharedBy: string;
  /** Their account. */
  readonly accountId: string;
  /** Whether one knew them before: looked up, shared with, or took a share from. */
  readonly known: boolean;
  /** Whether one compared their identity. */
  readonly verified: boolean;
  /** What one would be allowed to do. */
  readonly permissions: PermissionFlags;
  /** Whether others would refuse what one writes. */
  readonly readOnly: boolean;
  /** The keys of the share, newest first. */
  readonly keyFingerprints: readonly string[];
  /** As the sharer claims. */
  readonly sharedAt: Date;
  readonly expiresAt: Date | null;
}

/** Somebody who owns a copy of a key, or to whom one is on its way. */
export interface Participant {
  readonly userId: string;
  readonly accountId: string;
  /** Whether the person at this device compared their identity; one's own is. */
  readonly verified: boolean;
  /** Whether another account took the place of this one, which has the user id no more. */
  readonly former: boolean;
  readonly permissions: PermissionFlags;
  readonly owner: boolean;
  readonly readOnly: boolean;
  readonly state: MemberState;
  /** As the sharer claims. */
  readonly since: Date;
  readonly expiresAt: Date | null;
  readonly sharedBy: string | null;
  /** The groups through which somebody is in it who is no member: `group:NAME` each, from the keychain downwards. */
  readonly through: readonly string[];
}

/** What a ban did. */
export interface BanOutcome {
  readonly keychainFingerprint: string;
  readonly userId: string;
  /** The keychain's new current key; `null` when one banned oneself: who stays makes it. */
  readonly keyFingerprint: string | null;
  /** Groups by which the banned is still reached: nobody in them gets the new key until he is out of them too. */
  readonly through: readonly string[];
}

/** A decision that waits for more owners. */
export interface OwnerProposal {
  /** What it is approved by. */
  readonly id: string;
  readonly decision: "addOwner" | "removeOwner" | "successor";
  /** Whom it concerns, by user id; for a successor its fingerprint. */
  readonly subject: string;
  /** The owners who are for it, by user id; its author first. */
  readonly approvals: readonly string[];
}

/** Who owns a keychain. */
export interface Owners {
  readonly keychainFingerprint: string;
  /** By user id, sorted. */
  readonly owners: readonly string[];
  /** How many of them must be for a decision: more than half of all. */
  readonly quorum: number;
  /** What waits for more of them, oldest first. All of it lapses when the owners change. */
  readonly proposals: readonly OwnerProposal[];
  /** The keychain that takes this one's place, by fingerprint. */
  readonly successor: string | null;
}

/** What can be encrypted as a value, and comes back as what it was. JSON is what `JSON.stringify` takes. */
export type Json =
  string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json | undefined };
/** A value for `encrypt`. `undefined`, functions, symbols and bigints are refused with `Unsupported`. */
export type Value = Json | Date | Uint8Array;

/** A decrypted value and what is known of its key. It does not say who wrote it: every member could have. */
export interface OpenedValue {
  readonly value: unknown;
  readonly keychainFingerprint: string;
  readonly keyFingerprint: string;
  readonly keyNumber: number;
  /** Whether the key is the keychain's current one. */
  readonly current: boolean;
}

/**
 * Progress of something long, in bytes of what was given: of the file when encrypting, of the envelope when
 * decrypting, of the range when decrypting a part.
 */
export interface Progress {
  /** Never goes back, and is never more than `total`. */
  readonly loaded: number;
  /** The same at each call; `null` where the length is not known. */
  readonly total: number | null;
}

/** How to encrypt a file. */
export interface EncryptFileOptions {
  /** Whoever decrypts must name the same one. */
  readonly context?: string | Uint8Array;
  /** Sign as the author. Costs a BLAKE3 of the whole. */
  readonly sign?: boolean;
  /** Hide the exact size (Padmé: at most 12 % more). */
  readonly padded?: boolean;
  readonly signal?: AbortSignal;
  /** Called at most every 50 ms, and at the end: then `loaded` is `total`. */
  readonly onProgress?: (progress: Progress) => void;
}

/** How to decrypt a file. */
export interface DecryptFileOptions {
  readonly context?: string | Uint8Array;
  readonly signal?: AbortSignal;
  /** Called at most every 50 ms, and at the end: then `loaded` is `total`. */
  readonly onProgress?: (progress: Progress) => void;
}

/** What an application keeps about an encrypted file: a JSON document, to be encrypted like a value. */
export interface FileMetadata {
  readonly name: string;
  /** Media type; empty if it is not known. */
  readonly type: string;
  /** Milliseconds since 1970. */
  readonly lastModified: number;
  /** Bytes of plaintext. */
  readonly size: number;
  /** The envelope's object id: ties this metadata to one envelope. Not a secret. */
  readonly key: string;
}

/** An encrypted file. */
export interface EncryptedFile {
  readonly metadata: FileMetadata;
  /** The envelope, with the media type `application/vnd.keyfold.envelope`. Its bytes stay on the browser's disk. */
  readonly encryptedFile: Blob;
  readonly keychainFingerprints: readonly string[];
  /** Whether the server was not reached before encrypting, so that a key may not be the newest. */
  readonly stale: boolean;
}

/** A decrypted file, and what is known of it. */
export interface DecryptedFile {
  /** Name, type and time are what whoever encrypted it says. */
  readonly file: File;
  readonly keychainFingerprint: string;
  readonly keyFingerprint: string;
  readonly keyNumber: number;
  readonly current: boolean;
  /** User id of the author, if it is signed and the signature verified; else `null`. */
  readonly signedBy: string | null;
  /** With a signature that could not be checked because the server was not reached. */
  readonly signatureUnchecked: boolean;
}

/** Whether changes arrive by themselves. */
export type SyncState = "online" | "offline";

/**
 * Whether records stay: `persistent` until somebody removes them; `best-effort`: the browser may, if the disk gets
 * full; `temporary`: they end with the client (memory) or with a private window.
 */
export type StorageState = "persistent" | "best-effort" | "temporary";

/** The lock of the device in use. */
export interface DeviceLock {
  /** Whose device it is. */
  readonly userId: string;
  /** What unlocks it. */
  readonly method: "pin" | "password" | "passkey";
  /** After how long without anybody there it locks by itself, in milliseconds; `null`: never. */
  readonly autoLockMs: number | null;
  /** After wrong tries: when the next one is taken. `null`: now. */
  readonly tryAt: Date | null;
}

/** What unlocks a device. */
export type LockSecret =
  /** 4 to 32 digits. */
  | { readonly pin: string }
  /** At least 8 characters. */
  | { readonly password: string }
  /** A passkey whose authenticator derives keys (WebAuthn's `prf`). Asks the person. In browsers only. */
  | { readonly passkey: true };

/** Everything that can be shown without asking anybody. A new object after every change, never an altered one. */
export interface ClientState {
  /**
   * `loading` until storage was read; then whether somebody is logged in here. `locked`: the device in use has to be
   * unlocked first, and nothing else is known of it.
   */
  readonly status: "loading" | "out" | "in" | "locked";
  readonly identity: PublicUserIdentity | null;
  readonly deviceId: string | null;
  /** By purpose, then fingerprint. */
  readonly keychains: readonly Keychain[];
  /** Shares that wait for one's answer, oldest first. There are none where all are taken (`acceptShares`). */
  readonly incomingShares: readonly IncomingShare[];
  readonly sync: SyncState;
  /** Whether this tab is the one that holds the connection. */
  readonly leader: boolean;
  /** The lock of the device in use, locked or not; `null` if it has none. */
  readonly lock: DeviceLock | null;
  /** Whether records stay. */
  readonly storage: StorageState;
}

/** Events, with what their callbacks are given. */
export interface ClientEvents {
  /** Somebody logged in, or out (`null`), in this tab or another. */
  readonly identityUpdated: PublicUserIdentity | null;
  /** The device was locked or unlocked, in this tab or another. `identityUpdated` comes with it. */
  readonly lockChanged: { readonly locked: boolean };
  /** A keychain has another state than before. */
  readonly keychainUpdated: { readonly keychainFingerprint: string; readonly purpose: string };
  /** A group has another state than before. */
  readonly groupUpdated: { readonly groupFingerprint: string; readonly name: string };
  /** A key arrived from somebody. `keychainUpdated` came before. */
  readonly keyReceived: KeyMetadata & { readonly sharedBy: string };
  /** Somebody has shared a keychain, and the share waits for one's answer. */
  readonly shareReceived: { readonly keychainFingerprint: string; readonly sharedBy: string };
  /** A keychain has a new current key. */
  readonly keyRotated: { readonly keychainFingerprint: string; readonly keyFingerprint: string };
  /** Somebody's permissions changed. */
  readonly permissionsUpdated: {
    readonly keychainFingerprint: string;
    readonly userId: string;
    readonly permissions: PermissionFlags;
  };
  /**
   * Who is in a keychain may be other than it was: somebody was invited, answered, or left. Told beside the events
   * about keys, permissions and bans, to whoever shows participants.
   */
  readonly participantsUpdated: { readonly keychainFingerprint: string };
  /** Somebody, maybe oneself, was banned. */
  readonly memberBanned: { readonly keychainFingerprint: string; readonly userId: string };
  /** The server shows another identity of somebody than the pinned one. Nothing is sent to them any more. */
  readonly identityChanged: { readonly userId: string };
  /** A keychain was left as it was, because what the server shows of it is not believed. */
  readonly keychainStopped: { readonly keychainFingerprint: string; readonly code: string };
  /** A device asks to be let into one's account: `devices.requests` shows its words. */
  readonly deviceRequested: { readonly deviceId: string };
  /** Which devices one has, what they are called, or which ways back there are, may be other than it was. */
  readonly devicesUpdated: { readonly accountId: string };
  /** A device of one's own is out. This one is told of itself too; what it read it still has. */
  readonly deviceRevoked: { readonly deviceId: string };
  /** Somebody came back into one's account, or changed its ways back, by this one. If it was not oneself: act. */
  readonly recoveryUsed: { readonly recoveryId: string };
  /** Somebody, maybe oneself, has written an index: what was read of it may be other now. */
  readonly indexChanged: { readonly keychainFingerprint: string; readonly indexId: string };
  /** The connection came or went. */
  readonly syncStateChanged: { readonly state: SyncState };
}

/** Where a client keeps its records. Sealed before they get there, in browsers under a key nobody can read. */
export type Storage =
  /** In browsers: an IndexedDB database of this name (default `keyfold`); in Node: a folder. */
  | string
  /** Nothing outlives the client. The default in Node. */
  | { readonly memory: true };

/** How to make a client. Making one does nothing: it is safe while rendering on a server. */
export interface ClientConfig {
  /** `https://host[:port]`; plain `http` is accepted for loopback addresses only. */
  readonly serverURL: string;
  /**
   * The server's key, or the keys that it may have, as `keyfold serve` prints it: 43 characters. One that it had before
   * will do, if it came to its key by `keyfold serve key next`: the client follows.
   */
  readonly serverSignaturePublicKey: string | readonly string[];
  readonly storage?: Storage;
  /**
   * Which shares are taken without asking the person: `auto` (the default) all, `known` those of people whom one
   * looked up, shared with or took a share from before this share came; or a function that says of each share that
   * comes whether it is taken. Those that are not taken wait in `state.incomingShares` for `acceptShare` or
   * `declineShare`. Of several tabs, the function of the one that holds the connection is called.
   */
  readonly acceptShares?: "auto" | "known" | ((share: IncomingShare) => boolean);
  /** Hold a connection and take in changes by themselves. Default `true`. */
  readonly handleNotifications?: boolean;
  /**
   * Where secrets are worked with. Default: a Web Worker in browsers, this thread in Node.
   * `false`: this thread; secrets then live in the page. A URL or a function: another worker script.
   */
  readonly worker?: boolean | string | URL | (() => Worker);
  /** Another place of the WebAssembly file, or its bytes, for bundlers that lose it. */
  readonly wasm?: string | URL | BufferSource | WebAssembly.Module;
  /** The same for the second WebAssembly file, which is loaded when a PIN or a password is used. */
  readonly recoveryWasm?: string | URL | BufferSource | WebAssembly.Module;
}
