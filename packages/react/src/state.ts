/** What can be shown without asking anybody: the client's snapshot, and the parts that components want of it. */

import type {
  ClientState,
  DeviceLock,
  IncomingShare,
  Keychain,
  PermissionFlags,
  PublicUserIdentity,
} from "@keyfold/client";
import { useCallback, useSyncExternalStore } from "react";
import { useClient } from "./provider.js";

/** One part of the snapshot: renders again only when `select` answers something else. */
function useSelected<T>(select: (state: ClientState) => T): T {
  const client = useClient();
  const subscribe = useCallback((changed: () => void) => client.subscribe(changed), [client]);
  return useSyncExternalStore(
    subscribe,
    () => select(client.state),
    () => select(client.serverState),
  );
}

/** The whole snapshot: the same object until something changed. */
export function useClientState(): ClientState {
  return useSelected((state) => state);
}

/** Who is logged in here; `null` while nobody is. */
export function useIdentity(): PublicUserIdentity | null {
  return useSelected((state) => state.identity);
}

/** Whether this device is locked: until `client.unlock`, nothing else is known. */
export function useIsLocked(): boolean {
  return useSelected((state) => state.status === "locked");
}

/** How this device is locked, or would be; `null` if it has no lock. */
export function useLock(): DeviceLock | null {
  return useSelected((state) => state.lock);
}

/** All keychains of whoever is logged in, by purpose. */
export function useKeychains(): readonly Keychain[] {
  return useSelected((state) => state.keychains);
}

/** One keychain by its fingerprint; `null` if this account has none such. */
export function useKeychain(keychainFingerprint: string | null): Keychain | null {
  return useSelected(
    (state) => state.keychains.find((one) => one.keychainFingerprint === keychainFingerprint) ?? null,
  );
}

/** The shares that wait for one's answer, by `client.acceptShare` or `client.declineShare`; oldest first. */
export function useIncomingShares(): readonly IncomingShare[] {
  return useSelected((state) => state.incomingShares);
}

/** What oneself may do in a keychain, live; `null` if this account has none such. */
export function usePermissions(keychainFingerprint: string | null): PermissionFlags | null {
  return useKeychain(keychainFingerprint)?.permissions ?? null;
}
