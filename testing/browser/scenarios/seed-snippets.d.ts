/** What the snippets need of a client: methods by name. They are as untyped as the page is. */
import type { Client, OutgoingShare, Participant } from "@keyfold/client";

export function shareMostRecent(e2esdkClient: Client, keychainFingerprint: string): Promise<void>;
export function shareComplete(e2esdkClient: Client, keychainFingerprint: string): Promise<void>;
export function shareSpecific(
  e2esdkClient: Client,
  keychainFingerprint: string,
  keyFingerprint: string,
): Promise<void>;
export function listOutgoing(e2esdkClient: Client): Promise<readonly OutgoingShare[]>;
export function cancelOutgoing(e2esdkClient: Pick<Client, "deleteOutgoingSharedKey">): Promise<void>;
export function listParticipants(
  e2esdkClient: Client,
  keychainFingerprint: string,
  keyFingerprint: string,
): Promise<readonly Participant[]>;
export function ban(e2esdkClient: Client, userId: string, keychainFingerprint: string): Promise<void>;
export function setPermissions(
  e2esdkClient: Client,
  userId: string,
  keychainFingerprint: string,
): Promise<void>;
export function react(e2esdkClient: Client): () => void;
