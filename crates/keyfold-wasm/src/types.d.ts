/** Plain data of the module. Ids and public keys are base64url, times are milliseconds since 1970. */

type Algorithm = "secretBox" | "sealedBox";

/** The world of a session. Any rejection's message is passed on. */
export interface Host {
  /**
   * Sends a request and waits for the whole response. A rejection that says `broke` is of a connection that stood and
   * broke before anything of a response came: a signed request is then sent once more.
   */
  exchange(
    method: string,
    url: string,
    headers: [string, string][],
    body: Uint8Array,
  ): Promise<{ status: number; headers: [string, string][]; body: Uint8Array }>;
  /** One record. */
  load(name: string): Promise<Uint8Array | undefined>;
  /** All records whose name starts with `prefix`, ascending by name. */
  scan(prefix: string): Promise<[string, Uint8Array][]>;
  /** `PBKDF2-HMAC-SHA-512` of RFC 8018, 11 bytes: what safety words are made of. */
  stretch(input: Uint8Array<ArrayBuffer>, salt: Uint8Array<ArrayBuffer>, rounds: number): Promise<Uint8Array>;
  /**
   * Writes (or with `undefined` removes) all or nothing, and resolves when it would survive a power cut. Rejects
   * with an error whose `code` is `StorageFull` when there is no room.
   */
  commit(puts: [string, Uint8Array | undefined][]): Promise<void>;
  /** What is near of sealed bytes that were fetched before, in the order of their names. It never rejects. */
  findNear(names: string[]): Promise<(Uint8Array | undefined)[]>;
  /** Keeps sealed bytes near when there is time and room, or (with `undefined`) lets go of them. */
  keepNear(puts: [string, Uint8Array<ArrayBuffer> | undefined][]): void;
}

/** What is thrown. */
export interface Fault extends Error {
  code: string;
  hint: string | undefined;
  retryable: boolean;
  class: "failed" | "usage" | "notAllowed" | "notFound" | "unverified" | "network";
}

export interface WhoAmI {
  userId: string;
  accountId: string;
  deviceId: string;
  generation: number;
  loggedIn: boolean;
  acceptShares: AcceptShares;
  serverUrl: string;
  serverKey: string;
  formerServerKeys: string[];
  uri: string;
}

export interface Identity {
  userId: string;
  accountId: string;
  generation: number;
  signaturePublicKey: string;
  sharingPublicKey: string;
  ledgerPublicKey: string;
  publicationPublicKey: string;
  verified: boolean;
  uri: string;
}

export interface AcceptedIdentity {
  identity: Identity;
  formerAccountId: string | null;
  formerKeychains: string[];
}

/** What somebody told of an identity: safety words as their numbers, or a URI or an account id. */
export type Told = string | Uint16Array;

export interface PermissionFlags {
  allowSharing: boolean;
  allowRotation: boolean;
  allowDeletion: boolean;
  allowManagement: boolean;
}

export interface KeyMetadata {
  algorithm: Algorithm;
  purpose: string;
  keychainFingerprint: string;
  keyFingerprint: string;
  keyNumber: number;
  publicKey?: string;
  createdAt: number;
  expiresAt: number | null;
  sharedBy: string | null;
  sharedByVerified: boolean;
}

export interface Keychain {
  keychainFingerprint: string;
  purpose: string;
  algorithm: Algorithm;
  permissions: PermissionFlags;
  readOnly: boolean;
  follows: boolean;
  needsRotation: boolean;
  sharedBy: string | null;
  sharedByVerified: boolean;
  /** Newest first. */
  keys: KeyMetadata[];
}

export type ShareKeys = "latest" | "all" | { key: string };

export interface ShareOptions {
  permissions?: Partial<PermissionFlags> | undefined;
  readOnly?: boolean | undefined;
  expiresAt?: number | undefined;
}

type MemberState = "pending" | "accepted";

export interface ShareOutcome {
  keychainFingerprint: string;
  purpose: string;
  keyFingerprints: string[];
  recipients: { userId: string; accountId: string; state: MemberState; already: boolean }[];
}

export interface OutgoingShare {
  userId: string;
  accountId: string;
  keychainFingerprint: string;
  purpose: string;
  keyFingerprint: string;
  keyFingerprints: string[];
  permissions: PermissionFlags;
  sharedAt: number;
  expiresAt: number | null;
}

/** Which shares are taken without asking. */
export type AcceptShares = "auto" | "known" | "ask";

export interface IncomingShare {
  keychainFingerprint: string;
  algorithm: Algorithm | "group";
  sharedBy: string;
  accountId: string;
  known: boolean;
  verified: boolean;
  permissions: PermissionFlags;
  readOnly: boolean;
  keyFingerprints: string[];
  sharedAt: number;
  expiresAt: number | null;
}

export interface Participant {
  userId: string;
  accountId: string;
  verified: boolean;
  former: boolean;
  permissions: PermissionFlags;
  owner: boolean;
  readOnly: boolean;
  state: MemberState;
  since: number;
  expiresAt: number | null;
  sharedBy: string | null;
  through?: string[];
}

export interface BanOutcome {
  keychainFingerprint: string;
  userId: string;
  keyFingerprint: string | null;
  through?: string[];
}

export interface Group {
  groupFingerprint: string;
  name: string;
  rank: number;
  permissions: PermissionFlags;
  readOnly: boolean;
  needsRotation: boolean;
  memberCount: number;
  sharedBy: string | null;
}

export interface OwnerProposal {
  id: string;
  decision: "addOwner" | "removeOwner" | "successor";
  subject: string;
  approvals: string[];
}

export interface Owners {
  keychainFingerprint: string;
  owners: string[];
  quorum: number;
  proposals: OwnerProposal[];
  successor: string | null;
}

export type AuditPerson = { userId: string | null; accountId: string; groupId: null };

export type AuditGroup = { userId: null; accountId: null; groupId: string };

export type AuditPrincipal = AuditPerson | AuditGroup;

export type AuditMember = AuditPrincipal & {
  permissions: PermissionFlags;
  readOnly: boolean;
  follows: boolean;
  expiresAt: number | null;
};

export interface AuditProposal {
  decision: OwnerProposal["decision"];
  person: AuditPerson | null;
  successor: string | null;
  decided: boolean;
}

export type AuditAction =
  | { kind: "createAccount" | "addDevice"; deviceId: string }
  | { kind: "revokeDevice"; deviceId: string; kept: string[] }
  | { kind: "addRecovery"; recoveryId: string; method: "password" | "paper" | "shares" | "passkey" }
  | { kind: "removeRecovery"; recoveryId: string }
  | { kind: "rotateAccount"; generation: number }
  | { kind: "setPrivate"; version: number }
  | { kind: "genesis"; algorithm: Algorithm | "group"; keyFingerprint: string }
  | {
      kind: "share";
      to: AuditPrincipal[];
      keyNumbers: [number, number][];
      permissions: PermissionFlags;
      follows: boolean;
      readOnly: boolean;
      expiresAt: number | null;
    }
  | { kind: "accept"; sharedBy: AuditPerson | null }
  | { kind: "decline" | "leave" | "rotateDevice" | "other" }
  | { kind: "dropKey"; keyNumber: number }
  | { kind: "cancelShare" | "expire" | "ban" | "observe"; person: AuditPrincipal }
  | { kind: "setPermissions"; person: AuditPrincipal; granted: PermissionFlags; withdrawn: PermissionFlags }
  | { kind: "rotate"; keyNumber: number; keyFingerprint: string }
  | { kind: "anchor"; indexes: number }
  | { kind: "propose" | "approve"; proposal: AuditProposal };

export interface AuditEntry {
  seq: number;
  entryHash: string;
  time: number;
  author: AuditPerson;
  holderId: string | null;
  via: AuditGroup[];
  placed: boolean;
  actions: AuditAction[];
  after: { members: number; keyNumber: number; needsRotation: boolean } | null;
}

interface AuditedLedger {
  scope: string;
  serverKey: string;
  seq: number;
  entryHash: string;
  signedAt: number;
  knownSeq: number | null;
  entries: AuditEntry[];
}

export interface KeychainAudit extends AuditedLedger {
  kind: "keychain" | "group";
  state: {
    members: AuditMember[];
    pending: AuditMember[];
    owners: AuditPerson[];
    banned: AuditPrincipal[];
    keys: string[];
    needsRotation: boolean;
    successor: string | null;
  };
}

export interface AccountAudit extends AuditedLedger {
  kind: "account";
  state: { userId: string; generation: number; holders: string[] };
}

export type Audit = KeychainAudit | AccountAudit;

export interface AuditComparison {
  agrees: boolean;
  commonSeq: number | null;
  ownSeq: number;
  otherSeq: number;
}

export interface AuditReceipt {
  seq: number;
  entryHash: string;
  signedAt: number;
}

export interface Evidence {
  kind: "evidence";
  scope: string;
  serverKey: string;
  earlier: AuditReceipt;
  later: AuditReceipt;
  fork: string;
}

export type AuditedFile = Audit | Evidence;

/** A JSON value is given as its text, a date as its milliseconds. */
export type WireValue =
  | { type: "text" | "json"; value: string }
  | { type: "number" | "date"; value: number }
  | { type: "boolean"; value: boolean }
  | { type: "bytes"; value: Uint8Array<ArrayBuffer> };

export interface EncryptedValue {
  text: string;
  stale: boolean;
}

export interface DecryptedValue {
  value: WireValue;
  keychainFingerprint: string;
  keyFingerprint: string;
  keyNumber: number;
  current: boolean;
}

/** A keychain that was left as it was, because what the server shows of it is not believed. */
export interface Stopped {
  keychainFingerprint: string;
  code: string;
}

export type ClientEvent =
  | { event: "keychainUpdated"; keychainFingerprint: string; purpose: string }
  | { event: "groupUpdated"; groupFingerprint: string; name: string }
  | { event: "keyReceived"; keychainFingerprint: string; keyFingerprint: string; sharedBy: string }
  | { event: "shareReceived"; keychainFingerprint: string; sharedBy: string }
  | { event: "keyRotated"; keychainFingerprint: string; keyFingerprint: string }
  | { event: "permissionsUpdated"; keychainFingerprint: string; permissions: PermissionFlags; userId: string }
  | { event: "memberBanned"; keychainFingerprint: string; userId: string }
  | { event: "identityUpdated"; accountId: string | null }
  | { event: "deviceRequested"; deviceId: string }
  | { event: "deviceRevoked"; deviceId: string }
  | { event: "recoveryUsed"; recoveryId: string }
  | { event: "identityChanged"; userId: string };

export interface EnrolledDevice {
  deviceId: string;
  label: string | null;
  addedAt: number;
  addedBy: string | null;
  isCurrent: boolean;
  /** As the server says: `null` while it is logged out, or if the server was not asked. */
  loggedInSince: number | null;
  /** As the server says, to a minute. */
  lastUsed: number | null;
}

/** Words as numbers in their list, which JavaScript has. */
export interface DeviceRequested {
  deviceId: string;
  code: string;
  words: number[];
  expiresAt: number;
}

export interface DeviceRequest {
  deviceId: string;
  label: string | null;
  words: number[];
  expiresAt: number;
}

export interface EnrolmentPlace {
  userId: string;
  serverUrl: string;
  serverKey: string;
}

export interface RevokedDevices {
  deviceIds: string[];
  generation: number;
}

export type RecoveryKind = "password" | "paper" | "shares" | "passkey";

export interface RecoveryMethod {
  recoveryId: string;
  method: RecoveryKind;
  label: string | null;
  addedAt: number;
  addedBy: string | null;
}

export interface RecoveryStatus {
  methods: RecoveryMethod[];
  missing: ("noRecovery" | "onlyPasskeys" | "nothingOffline")[];
}

export interface RecoveryStarted {
  accountId: string;
  methods: RecoveryMethod[];
  deviceIds: string[];
}

export interface Recovered extends WhoAmI {
  revokedDeviceIds: string[];
  removedRecoveryIds: string[];
}

export interface Journal {
  events: ClientEvent[];
  next: number;
}

export interface SealFileOptions {
  context: Uint8Array;
  name?: string | undefined;
  mediaType?: string | undefined;
  modified?: number | undefined;
  padded: boolean;
  sign: boolean;
}

/** A segment of the end of a file: the length if there is one, `rest` bytes of what was left, `zeros` zeros. */
export interface TailSegment {
  nonce: Uint8Array<ArrayBuffer>;
  trueLength: Uint8Array<ArrayBuffer> | undefined;
  rest: number;
  zeros: number;
}

/** What is known of a file before its body. Name, media type and time are what its writer says. */
export interface FileAbout {
  object: string;
  keychainFingerprint: string;
  keyFingerprint: string;
  keyNumber: number;
  current: boolean;
  signed: boolean;
  padded: boolean;
  name: string | undefined;
  mediaType: string | undefined;
  modified: number | undefined;
}

/** How to open the last segment: the first `sealedBytes` of what is left; what follows is the trailer. */
export interface LastSegment {
  sealedBytes: number;
  nonce: Uint8Array<ArrayBuffer>;
  /** If it does not open: what to try the first 65,552 bytes with, to tell a cut file from an altered one. */
  cutNonce: Uint8Array<ArrayBuffer> | undefined;
}

/** Where in the last segment's content the plaintext's end lies, and the length of all of it. */
export interface FileEnd {
  start: number;
  end: number;
  size: number;
}

/** From `start` to before `end`. */
export interface Place {
  start: number;
  end: number;
}

/** A segment of a range: where it lies in the body, and which part of its content is of the range. */
export interface RangeSegment extends Place {
  sealed: Place;
  nonce: Uint8Array<ArrayBuffer>;
}

/** A signature that could not be checked because the server was not reached is by `null`. */
export interface TrailerCheck {
  signedBy: string | null;
  unchecked: boolean;
}

/** One part of an index's key. Integers beyond ±(2⁵³ − 1) come as `bigint`. */
export type IndexKeyPart = null | boolean | number | bigint | string | Date | Uint8Array;

/** A key of a tree of an index, with the value that it is to have; without one, it is read or taken away. */
export interface IndexKeyOf {
  tree: number;
  key: IndexKeyPart[];
  value?: Uint8Array | undefined;
}

/** Which entries of a tree: the keys from `from` up to `to`, without it; those that begin with `prefix`, and with a text after it; what follows `after`; of these not the first `skip`. */
export interface IndexQuery {
  from?: IndexKeyPart[] | undefined;
  to?: IndexKeyPart[] | undefined;
  after?: IndexKeyPart[] | undefined;
  prefix?: IndexKeyPart[] | undefined;
  startsWith?: string | undefined;
  reverse?: boolean | undefined;
  skip?: number | undefined;
}

/**
 * Values of keys, `null` for those that have none. `generation` is −1 while nothing was written. `offline`: as this device
 * saw the index last, because the server was not reached. `waiting`: with changes that are not sent yet.
 */
export interface IndexValues {
  indexId: string;
  generation: number;
  values: (Uint8Array<ArrayBuffer> | null)[];
  offline: boolean;
  waiting: boolean;
}

export interface IndexCount {
  count: number;
  offline: boolean;
  waiting: boolean;
}

export interface IndexPage {
  indexId: string;
  generation: number;
  entries: { key: IndexKeyPart[]; value: Uint8Array<ArrayBuffer> }[];
  offline: boolean;
  waiting: boolean;
}

/** `behind`: others were faster, or something waits that goes first. */
export interface IndexCommitted {
  keychainFingerprint: string;
  indexId: string;
  outcome: "done" | "waits" | "behind";
}

export interface IndexGivenUp {
  keychainFingerprint: string;
  indexId: string;
  count: number;
}

/** Changes of records that wait until the server is reached. */
export interface IndexUnsent {
  id: string;
  changes: IndexKeyOf[];
}

export interface IndexIsChanged {
  generation: number;
  changed: boolean;
}

/** A file or folder; what is missing, it has not. */
export interface VaultItem {
  path: string;
  name: string;
  kind: "file" | "folder";
  size?: number;
  mediaType?: string;
  modified?: number;
  stored?: number;
  version?: number;
}

export interface VaultListing {
  indexId: string;
  items: VaultItem[];
}

export interface VaultVersion {
  version: number;
  current: boolean;
  size: number;
  mediaType?: string;
  modified?: number;
  stored: number;
}

export interface StillReadable {
  contents: number;
  bytes: number;
}

export interface VaultSwept {
  contents: number;
  bytes: number;
  deleted: number;
}

/** What is said of a content that is put. An empty media type is none. */
export interface VaultAbout {
  size: number;
  mediaType: string;
  modified: number | undefined;
  keep: number | undefined;
}

/** What a content is read from, as far as that tells whether it is the same as the last time. */
export interface VaultSource {
  size: number;
  changed: number;
}
