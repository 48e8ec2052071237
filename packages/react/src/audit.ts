/** Who did what in a keychain: its whole ledger, verified anew whenever it changed. */

import type { KeychainAudit } from "@keyfold/client";
import { type Query, type Question, useQuery, useSuspendedQuery } from "./query.js";

function question(keychain: string): Question<KeychainAudit> {
  return {
    key: JSON.stringify(["audit", keychain]),
    keychain,
    changes: true,
    ask: (client) => client.audit.keychain(keychain),
  };
}

/** The audit of a keychain. `null` asks nothing. It fetches and replays all of the ledger: ask while it is shown. */
export function useAudit(keychainFingerprint: string | null): Query<KeychainAudit> {
  return useQuery(keychainFingerprint === null ? null : question(keychainFingerprint));
}

/** The same, suspending until it is known. */
export function useSuspenseAudit(keychainFingerprint: string): KeychainAudit {
  return useSuspendedQuery(question(keychainFingerprint));
}
