/**
 * Whose devices a store holds. Each person's device has a home: a name under which its records lie. One record, the
 * register, says which there are and whose is in use; it lies under no home.
 */
import type { Bytes } from "../types.js";
import type { Put, Store } from "./store/store.js";

/** The home of what belongs to no device. */
const NOBODY = "";
const REGISTER = "register";
/** Record of a home: the device's seed, 32 bytes. */
const SEED = "device";
/** Record of a home: how its lock opens. */
export const LOCK = "lock";

/** One person's device. */
export interface Home {
  readonly userId: string;
  /** Random, so that a device that was removed and its successor share nothing. */
  readonly id: string;
  /**
   * If the device has a lock: which time of being unlocked this is. Locking begins the next one, and whoever holds the
   * key of another one is locked out, however long it slept.
   */
  readonly period?: string;
}

/** Which devices there are. */
export interface Register {
  /** In the order in which they came. */
  readonly homes: readonly Home[];
  /** Id of the home in use, or last in use. */
  readonly current: string | null;
}

const EMPTY: Register = { homes: [], current: null };

/** Reads the register. */
export async function loadRegister(store: Store): Promise<Register> {
  const bytes = await store.load(NOBODY, REGISTER);
  return bytes === undefined ? EMPTY : (JSON.parse(new TextDecoder().decode(bytes)) as Register);
}

/** The home in use. */
export function currentHome(register: Register): Home | undefined {
  return register.homes.find((home) => home.id === register.current);
}

/** The home of a person's device. */
export function homeOf(register: Register, userId: string): Home | undefined {
  return register.homes.find((home) => home.userId === userId);
}

/** Puts that make a home, with its device's seed, and use it. */
export function newHome(register: Register, userId: string, seed: Bytes): { home: Home; puts: Put[] } {
  const home = { userId, id: crypto.randomUUID() };
  const next = { homes: [...register.homes, home], current: register.current };
  return { home, puts: [registerPut(next), { home: home.id, name: SEED, value: seed }] };
}

/** A put that says whose device is in use. */
export function useHome(register: Register, home: Home): Put {
  return registerPut({ ...register, current: home.id });
}

/** A put that begins the next time of being unlocked, and the home as it is then; without a lock there is none. */
export function nextPeriod(
  register: Register,
  { userId, id }: Home,
  isLocked: boolean,
): { home: Home; put: Put } {
  const home = isLocked ? { userId, id, period: crypto.randomUUID() } : { userId, id };
  const homes = register.homes.map((one) => (one.id === id ? home : one));
  return { home, put: registerPut({ ...register, homes }) };
}

/** Puts that remove a device, records and all. What is kept near of it is gone already. */
export async function removeHome(store: Store, register: Register, home: Home): Promise<Put[]> {
  const homes = register.homes.filter(({ id }) => id !== home.id);
  const current = register.current === home.id ? null : register.current;
  await store.forgetNear?.(home.id);
  const records = await store.scan(home.id, "");
  const removed = records.map(([name]): Put => ({ home: home.id, name, value: undefined }));
  return [registerPut({ homes, current }), ...removed];
}

/** The seed of a home's device. */
export function loadSeed(store: Store, home: Home): Promise<Bytes | undefined> {
  return store.load(home.id, SEED);
}

/** Whether nothing but the device itself and its counters are in a home: no account, and no sign-up under way. */
export async function isBlank(store: Store, home: Home): Promise<boolean> {
  const records = await store.scan(home.id, "");
  return records.every(([name]) => name === SEED || name === LOCK || name === "marks");
}

function registerPut(register: Register): Put {
  return { home: NOBODY, name: REGISTER, value: new TextEncoder().encode(JSON.stringify(register)) };
}
