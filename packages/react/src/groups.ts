/** The groups that one is in: computed from verified ledgers, and live. */

import type { Group } from "@keyfold/client";
import { type Query, type Question, useQuery, useSuspendedQuery } from "./query.js";

const QUESTION: Question<readonly Group[]> = {
  key: JSON.stringify(["groups"]),
  keychain: null,
  changes: true,
  ask: (client) => client.groups.list(),
};

/** The groups that one is in, also through others, by name. */
export function useGroups(): Query<readonly Group[]> {
  return useQuery(QUESTION);
}

/** The same, suspending until they are known. */
export function useSuspenseGroups(): readonly Group[] {
  return useSuspendedQuery(QUESTION);
}
