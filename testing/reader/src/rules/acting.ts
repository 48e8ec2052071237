// What the rules of every op look at: the state so far, who acts, and the entry that he acts by.

import type { Cite } from "../keychain-entry.ts";
import type { Keychain, Principal, Terms } from "../keychain-state.ts";
import type { Op } from "../keychain-op.ts";
import { Failure } from "../failure.ts";

/** Somebody who acts by an entry that belongs here, and that he signed. */
export interface Acting {
  /** A copy of the state before the entry; ops change it in their order. */
  readonly state: Keychain;
  readonly author: Principal;
  /** The hash of the entry, in hexadecimal. */
  readonly entry: string;
  readonly cites: ReadonlyMap<Principal, Cite>;
  readonly ops: readonly Op[];
  /** What the entry says of its time, in milliseconds since 1970. */
  readonly time: number;
}

/** What the author himself has. */
export function ownTerms({ state, author }: Acting): Terms {
  const terms = state.members.get(author);
  if (terms === undefined) throw new Failure("NotAMember");
  return terms;
}
