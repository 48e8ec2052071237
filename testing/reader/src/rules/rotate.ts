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
import { currentKey, entitle, followers, type Keychain } from "../keychain-state.ts";
import type { OrdinaryEntry } from "../keychain-entry.ts";
import { type Acting, followsNow, heldPermissions, ownTerms, requireCleanWay } from "./acting.ts";

const MOST_KEYS = 65_536;
const KEYCHAIN_RANK = 65_535;
const SECRET_BOX = 0;
const GROUP = 2;

/**
 * Checks the rules of a `Genesis` that belongs here.
 * @throws Failure of the first rule that does not hold
 */
export function requireGenesis({ algorithm, rank, key }: Genesis, { kind, via }: OrdinaryEntry): void {
  check((kind === "group") === (algorithm === GROUP), "Unsupported");
  check((kind === "keychain") === (rank === KEYCHAIN_RANK), "Unsupported");
  check(via.length === 0, "ViaBroken");
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
    through: null,
    expiresAt: null,
  };
  return {
    id,
    kind,
    algorithm: op.algorithm,
    rank: op.rank,
    owners: new Set([creator]),
    members: new Map([[creator, terms]]),
    groups: new Map(),
    pending: new Map(),
    bans: new Set(),
    keys: [op.key],
    cites: new Map(),
    exclusions: 0,
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
  const { state, ops } = acting;
  const allowed = (heldPermissions(acting) & permission.rotation) !== 0;
  const bans = ops.some(({ op }) => op === "Ban");
  check(allowed || bans || (state.needsRotation && followsNow(acting)), "RotationNotAllowed");
  check(ops.filter(({ op }) => op === "Rotate").length === 1, "RotatedTwice");
  requireCleanWay(acting);
  const own = ownTerms(acting);
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
