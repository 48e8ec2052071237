/** Who owns a copy of a keychain's key: computed from the verified ledger, and live. */

import type { Participant } from "@keyfold/client";
import { type Query, type Question, useQuery, useSuspendedQuery } from "./query.js";

/** Which participants to show. */
export interface ParticipantsOptions {
  /** Of this key; default the current one. */
  readonly keyFingerprint?: string;
  /** Also those whose client has not answered yet. */
  readonly pending?: boolean;
}

function question(keychain: string, options: ParticipantsOptions): Question<readonly Participant[]> {
  const { keyFingerprint, pending = false } = options;
  return {
    key: JSON.stringify(["participants", keychain, keyFingerprint ?? null, pending]),
    keychain,
    changes: true,
    ask: (client) => client.getParticipants(keychain, keyFingerprint, { pending }),
  };
}

/** The participants of a keychain. `null` asks nothing. */
export function useParticipants(
  keychainFingerprint: string | null,
  options: ParticipantsOptions = {},
): Query<readonly Participant[]> {
  return useQuery(keychainFingerprint === null ? null : question(keychainFingerprint, options));
}

/** The same, suspending until they are known. */
export function useSuspenseParticipants(
  keychainFingerprint: string,
  options: ParticipantsOptions = {},
): readonly Participant[] {
  return useSuspendedQuery(question(keychainFingerprint, options));
}
