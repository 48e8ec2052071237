/** The client for Node: the engine in this thread, records in memory or in a folder. */
import { BaseClient } from "./client.js";
import { node } from "./platform/node.js";
import type { ClientConfig } from "./types.js";

/** One person's client. An open connection keeps the process alive: `close()` ends it. */
export class Client extends BaseClient {
  constructor(config: ClientConfig) {
    super(config, node);
  }
}

export { KeyfoldError } from "./error.js";
export type { ErrorCode } from "./error-codes.js";
export type { Cancellable } from "./client.js";
export type {
  Algorithm,
  BanOutcome,
  Bytes,
  ClientConfig,
  ClientEvents,
  ClientState,
  DecryptFileOptions,
  DecryptedFile,
  EncryptFileOptions,
  EncryptedFile,
  FileMetadata,
  Json,
  KeyMetadata,
  Keychain,
  MemberState,
  OpenedValue,
  OutgoingShare,
  Participant,
  PermissionFlags,
  Progress,
  PublicUserIdentity,
  ShareOptions,
  ShareOutcome,
  ShareTarget,
  Storage,
  SyncState,
  Value,
} from "./types.js";
export { VERSION } from "./version.js";
