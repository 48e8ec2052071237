/**
 * What to tell: the journal's events as those of the API, and the state that one can look at. The state is always
 * told before the events that led to it.
 */
import type {
  ClientState,
  DeviceLock,
  Keychain,
  PublicUserIdentity,
  StorageState,
  SyncState,
} from "../types.js";
import type { ClientEvent, Session, WhoAmI } from "../wasm/keyfold.js";
import { incomingShareFrom, keychainFrom } from "./documents.js";
import type { Told } from "./messages.js";

/** What a state is made of beside what a session knows. */
export interface Standing {
  readonly sync: SyncState;
  readonly leader: boolean;
  readonly lock: DeviceLock | null;
  readonly storage: StorageState;
}

/** The state of whoever is logged in. */
export async function stateOf(session: Session, who: WhoAmI, standing: Standing): Promise<ClientState> {
  const identity = session.ownIdentity();
  if (identity === undefined) return { ...nobody(standing), deviceId: who.deviceId };
  const keychains = (await session.keychains()).map(keychainFrom);
  keychains.sort(
    (one, other) =>
      order(one.purpose, other.purpose) || order(one.keychainFingerprint, other.keychainFingerprint),
  );
  const incomingShares = (await session.waitingShares()).map(incomingShareFrom);
  return { status: "in", identity, deviceId: who.deviceId, keychains, incomingShares, ...standing };
}

/** The state while nobody is logged in, or can be seen to be. */
export function nobody(standing: Standing, status: "out" | "locked" = "out"): ClientState {
  return {
    status,
    identity: null,
    deviceId: null,
    keychains: [],
    incomingShares: [],
    ...standing,
  };
}

/** Events of the journal, for whoever sees `state` by now. */
export function toldFrom(events: readonly ClientEvent[], state: ClientState): Told[] {
  return events.flatMap((event) => told(event, state) ?? []);
}

/** A change of who is logged in that no journal tells: its home was changed for another, or removed. */
export function identityChange(before: ClientState, after: ClientState, events: readonly Told[]): Told[] {
  const isSame = before.identity?.accountId === after.identity?.accountId;
  if (before.status === "loading" || isSame || events.some(({ name }) => name === "identityUpdated"))
    return [];
  return [{ name: "identityUpdated", payload: after.identity }];
}

/** The device was locked or unlocked. */
export function lockChange(before: ClientState, after: ClientState): Told[] {
  const locked = after.status === "locked";
  if (before.status === "loading" || locked === (before.status === "locked")) return [];
  return [{ name: "lockChanged", payload: { locked } }];
}

function told(document: ClientEvent, state: ClientState): Told | undefined {
  const { event: name, ...payload } = document;
  switch (document.event) {
    case "identityUpdated": {
      const isOwn = document.accountId !== null && document.accountId === state.identity?.accountId;
      const identity: PublicUserIdentity | null = isOwn ? state.identity : null;
      return { name: document.event, payload: identity };
    }
    case "keyReceived": {
      const { keychainFingerprint, keyFingerprint, sharedBy } = document;
      const keychain: Keychain | undefined = state.keychains.find(
        (kc) => kc.keychainFingerprint === keychainFingerprint,
      );
      const key = keychain?.keys.find((key) => key.keyFingerprint === keyFingerprint);
      // It was taken away again before anybody could be told.
      return key && { name: document.event, payload: { ...key, sharedBy } };
    }
    default:
      return { name, payload } as Told;
  }
}

function order(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
