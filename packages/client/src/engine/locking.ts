/**
 * What the calls about a device's lock do. Separate from the other operations, because these work while the device is
 * locked, and take more than one turn: nobody waits for a key that is being stretched.
 */
import { KeyfoldError } from "../error.js";
import type { Bytes } from "../types.js";
import type { Engine, Turn } from "./engine.js";
import { type Home, nextPeriod } from "./homes.js";
import { decodeBase64url } from "../encoding.js";
import {
  type LockRecord,
  loadLock,
  lockPut,
  locked,
  makeLock,
  mayTryAt,
  openLock,
  resealed,
} from "./lock.js";
import type { Arguments, KeyOfLock } from "./messages.js";

const SALT_BYTES = 32;

/** How the device in use is unlocked. `NoLock` */
export async function lockDetails({ home, store }: Turn): Promise<KeyOfLock> {
  const { record } = await lockOf(home, store);
  const { method, salt, credentialId } = record;
  return {
    method,
    salt: decodeBase64url(salt),
    credentialId: credentialId === null ? null : decodeBase64url(credentialId),
  };
}

/** Sets another lock, or takes it away. */
export async function setLock(
  engine: Engine,
  { lock, autoLockMs }: Arguments<"setLock">,
  signal: AbortSignal,
): Promise<void> {
  if (engine.config.storage.kind === "memory") {
    if (lock === null) return;
    throw new KeyfoldError("Unsupported", "what is kept in memory alone cannot be locked: it would be gone");
  }
  const salt = lock?.salt ?? crypto.getRandomValues(new Uint8Array(SALT_BYTES));
  const secret = lock && (await keyFrom(engine, lock.method, lock.secret, salt));
  await engine.turn(async (turn) => {
    const { device, home, store, register } = turn;
    if (home === undefined) throw engine.noDevice(undefined, register);
    if (device === undefined) throw locked(home.userId);
    if (lock === null && home.period === undefined) return;
    const next = nextPeriod(register, home, lock !== null);
    const made = lock && secret ? await makeLock(home, { ...lock, salt }, secret, { autoLockMs }) : undefined;
    await store.commit([next.put, ...(await resealed(engine.opened(store, home), home, made))]);
    // What was sealed without the lock is not to be found any more, as far as it is in the store's hands.
    await store.tidy?.();
    await engine.lockIs(turn, next.home, made?.key);
  }, signal);
}

/** Locks the device in use, in all tabs. `NoLock` */
export async function lock(engine: Engine): Promise<void> {
  engine.hurry();
  await engine.turn(async (turn) => {
    const { home, store, register, device } = turn;
    await lockOf(home, store);
    if (home === undefined || device === undefined) return;
    await engine.lockIs(turn, await engine.lockOut(store, register, home), undefined);
  });
}

/** Unlocks the device in use, in all tabs. `WrongSecret`, `TooManyTries`, `NoLock` */
export async function unlock(
  engine: Engine,
  { method, secret: given }: Arguments<"unlock">,
  signal: AbortSignal,
): Promise<void> {
  const tried = await engine.turn((turn) => countTry(engine, turn, method), signal);
  if (tried === undefined) return;
  const secret = await keyFrom(engine, method, given, decodeBase64url(tried.salt));
  try {
    await engine.turn(async (turn) => {
      const { home, record } = await lockOf(turn.home, turn.store);
      // Another tab was faster, or it is another lock by now.
      if (turn.device !== undefined || record.sealed !== tried.sealed) return;
      const key = await openLock(home, record, secret);
      await turn.store.commit([lockPut(home, { ...record, failures: 0 })]);
      await engine.lockIs(turn, home, key);
    }, signal);
  } finally {
    secret.fill(0);
  }
}

/**
 * Counts a try before it is made, so that ending the tab in the middle of one does not save it. `undefined`: there is
 * nothing to unlock.
 */
async function countTry(
  engine: Engine,
  turn: Turn,
  method: KeyOfLock["method"],
): Promise<LockRecord | undefined> {
  const { home, record } = await lockOf(turn.home, turn.store);
  if (turn.device !== undefined) return undefined;
  if (record.method !== method) {
    throw new KeyfoldError("Malformed", `this device is unlocked by a ${record.method}, not by a ${method}`);
  }
  const due = mayTryAt(record);
  if (due > 0) {
    const seconds = Math.ceil((due - Date.now()) / 1000);
    throw new KeyfoldError("TooManyTries", "there were too many wrong tries", {
      hint: `Try again in ${seconds} s.`,
      retryable: true,
    });
  }
  const counted = { ...record, failures: record.failures + 1, failedAt: Date.now() };
  await turn.store.commit([lockPut(home, counted)]);
  engine.tried(home, counted);
  return counted;
}

async function lockOf(
  home: Home | undefined,
  store: Turn["store"],
): Promise<{ home: Home; record: LockRecord }> {
  if (home?.period !== undefined) return { home, record: await loadLock(store, home) };
  throw new KeyfoldError("NoLock", "this device has no lock", { hint: "Call setLock() first." });
}

/** The person's key: what a passkey gave as it is, a PIN or a password stretched. Wipes what was given. */
async function keyFrom(
  engine: Engine,
  method: KeyOfLock["method"],
  given: Bytes,
  salt: Bytes,
): Promise<Bytes> {
  if (method === "passkey") return given;
  try {
    return await engine.recovery((recovery) => recovery.stretchPassword(given, salt));
  } finally {
    given.fill(0);
  }
}
