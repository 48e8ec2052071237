/** What every entry exports beside its `Client`, listed once: the entries differ in how they start an engine only. */
export { KeyfoldError } from "./error.js";
export type { ErrorCode } from "./error-codes.js";
export type { Audits } from "./audit.js";
export type {
  AccountAudit,
  AuditAction,
  AuditComparison,
  AuditEntry,
  AuditGroup,
  AuditMember,
  AuditPerson,
  AuditPrincipal,
  AuditProposal,
  AuditReceipt,
  Evidence,
  KeychainAudit,
} from "./audit-types.js";
export type { Cancellable } from "./client.js";
export type {
  Device,
  DeviceRequest,
  DeviceRequested,
  Recovered,
  RecoveryGap,
  RecoveryKind,
  RecoveryMethod,
  RecoverySecret,
  RecoveryStarted,
  RecoveryStatus,
  RevokedDevices,
} from "./device-types.js";
export type { Devices } from "./devices.js";
export type { Groups } from "./groups.js";
export type { Vault } from "./vault.js";
export type { FoundRecord, Readable, VaultIndex } from "./vault-index.js";
export type { IndexKey, IndexSchema, KeyPart, RangeOptions, Secondary } from "./vault-records.js";
export type {
  FileVersion,
  GetOptions,
  PutOptions,
  StillReadable,
  VaultSwept,
  StreamOptions,
  VaultContent,
  VaultFile,
  VaultFolder,
  VaultItem,
  VaultSource,
} from "./vault-types.js";
export type { PaperKey, Recovery, RecoveryShares } from "./recovery.js";
export type {
  AcceptedIdentity,
  Algorithm,
  BanOutcome,
  Bytes,
  ClientConfig,
  ClientEvents,
  ClientState,
  DecryptFileOptions,
  DecryptedFile,
  DeviceLock,
  EncryptFileOptions,
  EncryptedFile,
  FileMetadata,
  Group,
  GroupReference,
  IncomingShare,
  Json,
  KeyMetadata,
  Keychain,
  LockSecret,
  MemberState,
  OpenedValue,
  OutgoingShare,
  OwnerProposal,
  Owners,
  Participant,
  PermissionFlags,
  Progress,
  PublicUserIdentity,
  ShareOptions,
  ShareOutcome,
  ShareTarget,
  Storage,
  StorageState,
  SyncState,
  Value,
} from "./types.js";
export { VERSION } from "./version.js";
