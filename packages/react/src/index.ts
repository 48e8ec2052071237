/** React hooks over one client. Everything public, by name. */

export { useAudit, useSuspenseAudit } from "./audit.js";
export { useDecrypted, useSuspenseDecrypted } from "./decrypted.js";
export {
  useDeviceRequests,
  useDevices,
  useRecoveryStatus,
  useSuspenseDeviceRequests,
  useSuspenseDevices,
  useSuspenseRecoveryStatus,
} from "./devices.js";
export { useEvent } from "./event.js";
export { useSuspenseVaultFolder, useVaultFolder } from "./folder.js";
export { useGroups, useSuspenseGroups } from "./groups.js";
export { useOwners, useSuspenseOwners } from "./owners.js";
export { type ParticipantsOptions, useParticipants, useSuspenseParticipants } from "./participants.js";
export { KeyfoldProvider, type KeyfoldProviderProps, useClient } from "./provider.js";
export type { Query } from "./query.js";
export { type RecordsOptions, useRecordCount, useRecords, useSuspenseRecords } from "./records.js";
export { useOutgoingShares, useSuspenseOutgoingShares } from "./shares.js";
export {
  useClientState,
  useIdentity,
  useIncomingShares,
  useIsLocked,
  useKeychain,
  useKeychains,
  useLock,
  usePermissions,
} from "./state.js";
export {
  type Send,
  type Upload,
  type UploadPhase,
  type Uploads,
  type VaultUploads,
  useEncryptFile,
  useUpload,
  useVaultUpload,
} from "./upload.js";
