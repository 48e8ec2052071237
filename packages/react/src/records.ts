/** Records of an index, live: asked again whenever somebody has written it. */

import type { RangeOptions, VaultIndex } from "@keyfold/client";
import { type Query, type Question, useQuery, useSuspendedQuery } from "./query.js";

/** Which records. */
export interface RecordsOptions extends Omit<RangeOptions, "signal"> {
  /** The secondary key by which they are found and ordered; the records' own key unless said. */
  readonly by?: string;
}

function question<T, A>(
  index: VaultIndex<T>,
  { by, ...options }: RecordsOptions,
  name: string,
  ask: (found: Pick<VaultIndex<T>, "list" | "count">, options: RangeOptions) => Promise<A>,
): Question<A> {
  return {
    key: JSON.stringify([name, index.id, by, options], exactly),
    keychain: null,
    index: index.id,
    changes: true,
    ask: () => ask(by === undefined ? index : index.by(by), options),
  };
}

/** What JSON has no word for, or one for two, by a name of its own. */
function exactly(this: Record<string, unknown>, name: string, value: unknown): unknown {
  const part = this[name];
  if (part instanceof Date) return { date: part.getTime() };
  if (part instanceof Uint8Array) return { bytes: [...part] };
  if (typeof part === "bigint" || (typeof part === "number" && !Number.isFinite(part)))
    return { number: String(part) };
  return value;
}

/** The records of a query, in its order. `null` asks nothing. */
export function useRecords<T>(
  index: VaultIndex<T> | null,
  options: RecordsOptions = {},
): Query<readonly T[]> {
  return useQuery(index && question(index, options, "records", (found, options) => found.list(options)));
}

/** The same, suspending until they are known. */
export function useSuspenseRecords<T>(index: VaultIndex<T>, options: RecordsOptions = {}): readonly T[] {
  return useSuspendedQuery(question(index, options, "records", (found, options) => found.list(options)));
}

/** How many records a query finds. `null` asks nothing. */
export function useRecordCount<T>(index: VaultIndex<T> | null, options: RecordsOptions = {}): Query<number> {
  return useQuery(index && question(index, options, "count", (found, options) => found.count(options)));
}
