// The rules of keys (keychain-ledger.md): of the first one, which `Genesis` brings, `Rotate` and `DropKey`.

import { equal, hex } from "../bytes.ts";
import { check } from "../failure.ts";
import { holdsRange, without } from "../key-ranges.ts";
import {
  type DropKey,
  EVERY_PERMISSION,
  type Genesis,
  type KeyEntry,
  permission,
  type Rotate,
} from "../keychain-op.ts";
import { currentKey, entitle, followers, type Keychain, permissionsOf } from "../keychain-state.ts";
import type { Kind, OrdinaryEntry } from "../keychain-entry.ts";
import { type Acting, ownTerms } from "./acting.ts";

const MOST_KEYS = 65_536;
const KEYCHAIN_RANK = 65_535;
const SECRET_BOX = 0;
const GROUP = 2;

/**
 * Checks the rules of a `Genesis` that belongs here.
 * @throws Failure of the first rule that does not hold
 */
export function requireGenesis({ algorithm, rank, key }: Genesis, kind: Kind): void {
  check(kind === "keychain" && algorithm !== GROUP, "GroupsUnsupported");
  check(rank === KEYCHAIN_RANK, "Unsupported");
  check(key.number === 1, "WrongKeyNumber");
  requireKind(key, algorithm);
  check(key.historyLink === null, "WrongHistoryLink");
}

/** The state that a `Genesis` founds: its creator owns it, and has all of it. */
export function found(op: Genesis, { kind, author, time }: OrdinaryEntry, id: Uint8Array): Keychain {
  const [creator, entry] = [hex(author), hex(id)];
  const terms = {
    permissions: EVERY_PERMISSION,
    readOnly: false,
    keys: [[1, 1]] as const,
    follows: true,
    historyFrom: 1,
    entry,
    sharer: null,
    expiresAt: null,
  };
  return {
    id,
    kind,
    algorithm: op.algorithm,
    owners: new Set([creator]),
    members: new Map([[creator, terms]]),
    pending: new Map(),
    bans: new Set(),
    keys: [op.key],
    cites: new Map(),
    needsRotation: false,
    proposals: new Map(),
    successor: null,
    head: { seq: 0, hash: id },
    latestTime: time,
    times: new Map([[entry, time]]),
  };
}

/**
 * Applies a `Rotate`.
 * @throws Failure of the first rule that does not hold
 */
export function rotate(acting: Acting, { key }: Rotate): void {
  const { state, author, ops } = acting;
  const own = ownTerms(acting);
  const allowed = (permissionsOf(state, author) & permission.rotation) !== 0;
  const bans = ops.some(({ op }) => op === "Ban");
  check(allowed || bans || (state.needsRotation && own.follows), "RotationNotAllowed");
  check(ops.filter(({ op }) => op === "Rotate").length === 1, "RotatedTwice");
  check(key.number === currentKey(state) + 1, "WrongKeyNumber");
  requireKind(key, state.algorithm);
  check((key.historyLink !== null) === (own.historyFrom !== null), "WrongHistoryLink");
  const known = state.keys.some(({ fingerprint }) => equal(fingerprint, key.fingerprint));
  check(!known, "KeyRepeated");
  check(state.keys.length < MOST_KEYS, "TooManyKeys");

  state.keys.push(key);
  own.follows = true;
  own.historyFrom ??= key.number;
  for (const terms of followers(state).values()) entitle(terms, [[key.number, key.number]]);
  state.needsRotation = false;
}

/**
 * Applies a `DropKey`, whose membership stands. Following and history go on.
 * @throws Failure `KeyNotHeld`
 */
export function dropKey(acting: Acting, { number }: DropKey): void {
  const own = ownTerms(acting);
  check(holdsRange(own.keys, [number, number]), "KeyNotHeld");
  own.keys = without(own.keys, number);
}

/** A public key exactly for key pairs. */
function requireKind({ publicKey }: KeyEntry, algorithm: number): void {
  check((publicKey !== null) === (algorithm !== SECRET_BOX), "WrongKeyKind");
}
