/** Who owns a keychain, and what waits for more of its owners: computed from the verified ledger, and live. */

import type { Owners } from "@keyfold/client";
import { type Query, type Question, useQuery, useSuspendedQuery } from "./query.js";

function question(keychain: string): Question<Owners> {
  return {
    key: JSON.stringify(["owners", keychain]),
    keychain,
    changes: true,
    ask: (client) => client.getOwners(keychain),
  };
}

/** The owners of a keychain. `null` asks nothing. */
export function useOwners(keychainFingerprint: string | null): Query<Owners> {
  return useQuery(keychainFingerprint === null ? null : question(keychainFingerprint));
}

/** The same, suspending until they are known. */
export function useSuspenseOwners(keychainFingerprint: string): Owners {
  return useSuspendedQuery(question(keychainFingerprint));
}
