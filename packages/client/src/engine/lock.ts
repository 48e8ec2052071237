/**
 * A device's lock: a random key that seals every record of its home once more, itself sealed under what only the
 * person has: a key stretched from a PIN or a password, or what a passkey derives. Whether a secret is the right one
 * is seen by opening that key, which is one derivation and one answer.
 *
 * Spec: `docs/spec/device-lock.md`.
 */
import { decodeBase64url, encodeBase64url } from "../encoding.js";
import { KeyfoldError } from "../error.js";
import type { Bytes, DeviceLock } from "../types.js";
import { type Home, LOCK } from "./homes.js";
import type { KeyOfLock, LockOptions } from "./messages.js";
import { LockedStore } from "./store/locked.js";
import { importStorageKey, openRecord, sealRecord } from "./store/seal.js";
import type { Put, Store } from "./store/store.js";

/** Wrong tries that may follow each other at once. */
const FREE_TRIES = 3;
/** How long the next one has to wait, doubled with each. */
const FIRST_WAIT_MS = 5_000;
const LONGEST_WAIT_MS = 900_000;

/** The record, as it is stored. */
export interface LockRecord {
  readonly version: 1;
  readonly method: DeviceLock["method"];
  /** Of Argon2id, or what the passkey derives from: 32 random bytes, base64url. */
  readonly salt: string;
  /** Of the passkey, base64url. */
  readonly credentialId: string | null;
  /** The lock's key, sealed as a record is, under the person's key; base64url. */
  readonly sealed: string;
  readonly autoLockMs: number | null;
  /** Wrong tries in a row, and when the last one was, in milliseconds. */
  readonly failures: number;
  readonly failedAt: number;
}

/** The lock of a home. */
export async function loadLock(store: Store, home: Home): Promise<LockRecord> {
  const bytes = await store.load(home.id, LOCK);
  if (bytes === undefined) {
    throw new KeyfoldError("StorageLost", `the lock of ${home.userId} is gone, and with it the device`);
  }
  const record = JSON.parse(new TextDecoder().decode(bytes)) as LockRecord;
  if (record.version === 1) return record;
  throw new KeyfoldError("StorageTooNew", "a newer release wrote the lock of this device");
}

/** A put of a lock. */
export function lockPut(home: Home, record: LockRecord | undefined): Put {
  const value = record && new TextEncoder().encode(JSON.stringify(record));
  return { home: home.id, name: LOCK, value };
}

/** A new lock, and its key. Wipes the person's. */
export async function makeLock(
  home: Home,
  { method, salt, credentialId }: KeyOfLock,
  secret: Bytes,
  { autoLockMs }: LockOptions,
): Promise<{ record: LockRecord; key: CryptoKey }> {
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  const key = await importStorageKey(bytes);
  // Wipes `bytes`.
  const sealed = await sealRecord(await importSecret(secret), home.id, LOCK, bytes);
  const record: LockRecord = {
    version: 1,
    method,
    salt: encodeBase64url(salt),
    credentialId: credentialId === null ? null : encodeBase64url(credentialId),
    sealed: encodeBase64url(sealed),
    autoLockMs,
    failures: 0,
    failedAt: 0,
  };
  return { record, key };
}

/** The key of a lock. Wipes the person's. `WrongSecret` */
export async function openLock(home: Home, record: LockRecord, secret: Bytes): Promise<CryptoKey> {
  const secretKey = await importSecret(secret);
  let bytes: Bytes;
  try {
    bytes = await openRecord(secretKey, home.id, LOCK, decodeBase64url(record.sealed));
  } catch {
    throw new KeyfoldError("WrongSecret", `this does not unlock the device of ${home.userId}`, {
      hint: "Ask again. Whoever forgot it removes the device: logout({ forget: true }).",
    });
  }
  try {
    return await importStorageKey(bytes);
  } finally {
    bytes.fill(0);
  }
}

/** Puts of all records of a home, under the key of a new lock or of none. `store` opens them as they are now. */
export async function resealed(
  store: Store,
  home: Home,
  lock: { readonly record: LockRecord; readonly key: CryptoKey } | undefined,
): Promise<Put[]> {
  const records = (await store.scan(home.id, "")).filter(([name]) => name !== LOCK);
  const seal = async ([name, value]: [string, Bytes]): Promise<Put> => ({
    home: home.id,
    name,
    value: lock === undefined ? value : await sealRecord(lock.key, home.id, name, value),
  });
  return [...(await Promise.all(records.map(seal))), lockPut(home, lock?.record)];
}

/** When the next try may be made, in milliseconds; 0: at once. Whoever can set the clock has the folder to guess in. */
export function mayTryAt({ failures, failedAt }: LockRecord): number {
  if (failures < FREE_TRIES) return 0;
  const wait = Math.min(FIRST_WAIT_MS * 2 ** (failures - FREE_TRIES), LONGEST_WAIT_MS);
  const now = Date.now();
  const due = failedAt + wait;
  // A clock that was set back makes nobody wait for longer than that.
  return due > now && failedAt <= now ? due : 0;
}

/** A lock as the client's state shows it. */
export function shownLock({ userId }: Home, record: LockRecord): DeviceLock {
  const { method, autoLockMs } = record;
  const due = mayTryAt(record);
  return { userId, method, autoLockMs, tryAt: due === 0 ? null : new Date(due) };
}

/** A home's store for whoever has the key of its lock. */
export function unlocked(store: Store, home: Home, key: CryptoKey | undefined): Store {
  return key === undefined ? store : new LockedStore(store, home.id, key);
}

/** The device is locked. */
export function locked(userId: string): KeyfoldError {
  return new KeyfoldError("Locked", `the device of ${userId} is locked`, { hint: "Call unlock()." });
}

async function importSecret(secret: Bytes): Promise<CryptoKey> {
  try {
    return await importStorageKey(secret);
  } finally {
    secret.fill(0);
  }
}
