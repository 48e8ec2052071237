// "Replay" of keychain-ledger.md: what is known of a keychain or group after its entries so far.

import { hex } from "./bytes.ts";
import type { Head } from "./entry.ts";
import type { KeyRanges } from "./key-ranges.ts";
import { union } from "./key-ranges.ts";
import type { Cite, Kind } from "./keychain-entry.ts";
import { type Decision, EVERY_PERMISSION, type KeyEntry } from "./keychain-op.ts";

/** The id of an account or a group in hexadecimal. */
export type Principal = string;

/** What somebody has, or will have once he accepts. */
export interface Terms {
  permissions: number;
  readOnly: boolean;
  keys: KeyRanges;
  follows: boolean;
  historyFrom: number | null;
  /** The hash of the entry that made him a member, or offers him to be one. */
  readonly entry: string;
  /** Who shared by that entry; nobody, if it is the genesis. */
  readonly sharer: Principal | null;
  /** The member through which he shared: himself, or a group. */
  readonly through: Principal | null;
  /** Milliseconds since 1970. */
  expiresAt: number | null;
}

/** A decision that is not made yet. */
export interface Proposal {
  readonly decision: Decision;
  readonly proposer: Principal;
  /** The owners who are for it, the one who proposed it among them. */
  readonly approvers: Set<Principal>;
}

/** What a scope knows of a group that is its member, by the state that it cites. */
export interface MemberGroup {
  /** The number of the group's current key. */
  readonly key: number;
  /** Whether keys are wrapped to it. */
  readonly clean: boolean;
  /** How many groups stand in each other from it inwards, itself among them. */
  readonly depth: number;
}

/** A keychain or group after its entries so far; a replay changes a copy. */
export interface Keychain {
  readonly id: Uint8Array;
  readonly kind: Kind;
  readonly algorithm: number;
  readonly rank: number;
  readonly owners: Set<Principal>;
  readonly members: Map<Principal, Terms>;
  /** Those of the members that are groups. */
  readonly groups: Map<Principal, MemberGroup>;
  readonly pending: Map<Principal, Terms>;
  readonly bans: Set<Principal>;
  /** Key `n` stands at `n - 1`; the last is the current one. */
  readonly keys: KeyEntry[];
  /** The newest of each principal. */
  readonly cites: Map<Principal, Cite>;
  /** How many there were so far: memberships that ended, and entries that brought news of one. */
  exclusions: number;
  needsRotation: boolean;
  /** The open ones, by `proposalOf` their decision. */
  readonly proposals: Map<string, Proposal>;
  /** The scope that the owners named. */
  successor: Uint8Array | null;
  head: Head;
  /** That of the newest ordinary entry; milliseconds since 1970. */
  latestTime: number;
  /** When each entry says that it was made, by its hash. */
  readonly times: Map<string, number>;
}

/** The map key of an account or a group. */
export function principalOf(id: Uint8Array): Principal {
  return hex(id);
}

/** The map key of a decision: two that decide the same have the same. */
export function proposalOf({ decision, id }: Decision): string {
  return `${decision} ${hex(id)}`;
}

/** What somebody may do: owners everything, members what they were given, others nothing. */
export function permissionsOf(state: Keychain, principal: Principal): number {
  return state.owners.has(principal) ? EVERY_PERMISSION : (state.members.get(principal)?.permissions ?? 0);
}

/** The number of the current key. */
export function currentKey(state: Keychain): number {
  return state.keys.length;
}

/** Whether a segment starts at a key: whether no link leads from it to the one before. */
export function startsSegment(state: Keychain, number: number): boolean {
  return state.keys[number - 1]?.historyLink === null;
}

/** Those who get each new key: who follows, and who will once he accepts. */
export function followers(state: Keychain): ReadonlyMap<Principal, Terms> {
  return new Map([...state.pending, ...state.members].filter(([, terms]) => terms.follows));
}

/** Who is out once somebody is banned: he, and those whose pending shares he made, or others through him. */
export function putOutBy(state: Keychain, banned: Principal): readonly Principal[] {
  const invited = [...state.pending].filter(
    ([, terms]) => terms.sharer === banned || terms.through === banned,
  );
  return [banned, ...invited.map(([recipient]) => recipient)];
}

/** Puts somebody out: ends a membership, if there is one, and what was proposed while it lasted. */
export function exclude(state: Keychain, principal: Principal): void {
  state.exclusions += 1;
  state.members.delete(principal);
  state.groups.delete(principal);
  if (state.owners.delete(principal)) {
    state.proposals.clear();
    return;
  }
  for (const [name, { decision }] of state.proposals) {
    const about = decision.decision === "AddOwner" && principalOf(decision.id) === principal;
    if (about) state.proposals.delete(name);
  }
}

/** Gives keys to somebody, beside those that he has. */
export function entitle(terms: Terms, keys: KeyRanges): void {
  terms.keys = union(terms.keys, keys);
}
