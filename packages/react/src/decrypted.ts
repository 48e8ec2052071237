/**
 * A decrypted value. What could not be opened is tried again when its keychain changes: text often arrives a moment
 * before the key that it is sealed under.
 */

import type { OpenedValue } from "@keyfold/client";
import { type Query, type Question, useQuery, useSuspendedQuery } from "./query.js";

function question(text: string, keychain: string, context: string | undefined): Question<OpenedValue> {
  return {
    key: JSON.stringify(["opened", keychain, context ?? null, text]),
    keychain,
    changes: false,
    ask: async (client) => {
      const opened = await client.open(text, context);
      if (opened.keychainFingerprint !== keychain) {
        // The same code as that of `decrypt` with a keychain.
        throw Object.assign(new Error("The value belongs to another keychain"), { code: "Unauthentic" });
      }
      return opened;
    },
  };
}

/**
 * A `kf1.` text, opened, with the number of the key that it was sealed under.
 *
 * @param text - `null` while there is none: nothing is asked.
 * @param keychainFingerprint - The keychain that it must be sealed under; another one fails.
 * @param context - What it was encrypted with as associated data, if anything.
 */
export function useDecrypted(
  text: string | null,
  keychainFingerprint: string,
  context?: string,
): Query<OpenedValue> {
  return useQuery(text === null ? null : question(text, keychainFingerprint, context));
}

/** The same, suspending until it is open, and throwing if it does not open. */
export function useSuspenseDecrypted(
  text: string,
  keychainFingerprint: string,
  context?: string,
): OpenedValue {
  return useSuspendedQuery(question(text, keychainFingerprint, context));
}
