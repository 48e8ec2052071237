/** Shares that nobody has answered yet: what "waiting for bob" is shown from, and what can still be cancelled. */

import type { OutgoingShare } from "@keyfold/client";
import { type Query, type Question, useQuery, useSuspendedQuery } from "./query.js";

const QUESTION: Question<readonly OutgoingShare[]> = {
  key: JSON.stringify(["outgoing shares"]),
  keychain: null,
  changes: true,
  ask: (client) => client.getOutgoingSharedKeys(),
};

/** One's own shares that their recipients have not answered. */
export function useOutgoingShares(): Query<readonly OutgoingShare[]> {
  return useQuery(QUESTION);
}

/** The same, suspending until they are known. */
export function useSuspenseOutgoingShares(): readonly OutgoingShare[] {
  return useSuspendedQuery(QUESTION);
}
