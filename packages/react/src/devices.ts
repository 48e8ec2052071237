/** One's own devices, those that ask to be one, and the ways back for when all are lost: verified, and live. */

import type { Client, Device, DeviceRequest, RecoveryStatus } from "@keyfold/client";
import { type Query, type Question, useQuery, useSuspendedQuery } from "./query.js";

function own<T>(name: string, ask: (client: Client) => Promise<T>): Question<T> {
  return { key: JSON.stringify([name]), keychain: null, own: true, changes: true, ask };
}

const DEVICES = own<readonly Device[]>("devices", (client) => client.devices.list());
const REQUESTS = own<readonly DeviceRequest[]>("device requests", (client) => client.devices.requests());
const RECOVERY = own<RecoveryStatus>("recovery", (client) => client.recovery.status());

/** One's own devices, oldest first. */
export function useDevices(): Query<readonly Device[]> {
  return useQuery(DEVICES);
}

/** The same, suspending until they are known. */
export function useSuspenseDevices(): readonly Device[] {
  return useSuspendedQuery(DEVICES);
}

/** The devices that ask to be let in, each with the words to compare. Answer by `client.devices.approve` or `decline`. */
export function useDeviceRequests(): Query<readonly DeviceRequest[]> {
  return useQuery(REQUESTS);
}

/** The same, suspending until they are known. */
export function useSuspenseDeviceRequests(): readonly DeviceRequest[] {
  return useSuspendedQuery(REQUESTS);
}

/** Which ways back there are, and what is missing. */
export function useRecoveryStatus(): Query<RecoveryStatus> {
  return useQuery(RECOVERY);
}

/** The same, suspending until it is known. */
export function useSuspenseRecoveryStatus(): RecoveryStatus {
  return useSuspendedQuery(RECOVERY);
}
