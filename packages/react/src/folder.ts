/** What is in a folder of a vault, live: asked again whenever somebody has changed it. */

import type { VaultItem } from "@keyfold/client";
import { type Query, type Question, useQuery, useSuspendedQuery } from "./query.js";

function question(keychain: string, path: string): Question<VaultItem[]> {
  return {
    key: JSON.stringify(["folder", keychain, path]),
    keychain: null,
    index: `${keychain}/`,
    changes: true,
    ask: (client) => client.vault(keychain).list(path),
  };
}

/**
 * What is in a folder of a keychain's vault, by name; the root is `""`.
 *
 * @param keychainFingerprint - `null` asks nothing.
 */
export function useVaultFolder(keychainFingerprint: string | null, path = ""): Query<readonly VaultItem[]> {
  return useQuery(keychainFingerprint === null ? null : question(keychainFingerprint, path));
}

/** The same, suspending until it is known. */
export function useSuspenseVaultFolder(keychainFingerprint: string, path = ""): readonly VaultItem[] {
  return useSuspendedQuery(question(keychainFingerprint, path));
}
