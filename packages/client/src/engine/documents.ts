/**
 * Documents of the WebAssembly module as the objects of the API: milliseconds become `Date`s. Separate, because it is
 * all that is converted on the way, and so all that can be converted wrongly.
 */
import type { Device, RecoveryMethod } from "../device-types.js";
import type * as api from "../types.js";
import type * as wasm from "../wasm/keyfold.js";

/** A key. */
export function keyFrom(document: wasm.KeyMetadata): api.KeyMetadata {
  const { publicKey, ...rest } = document;
  const dates = { createdAt: new Date(document.createdAt), expiresAt: date(document.expiresAt) };
  return publicKey === undefined ? { ...rest, ...dates } : { ...rest, ...dates, publicKey };
}

/** A keychain. */
export function keychainFrom(document: wasm.Keychain): api.Keychain {
  return { ...document, keys: document.keys.map(keyFrom) };
}

/** A share that waits. */
export function outgoingShareFrom(document: wasm.OutgoingShare): api.OutgoingShare {
  return { ...document, sharedAt: new Date(document.sharedAt), expiresAt: date(document.expiresAt) };
}

/** A share that waits for one's own answer. */
export function incomingShareFrom(document: wasm.IncomingShare): api.IncomingShare {
  return { ...document, sharedAt: new Date(document.sharedAt), expiresAt: date(document.expiresAt) };
}

/** A participant. */
export function participantFrom(document: wasm.Participant): api.Participant {
  const { since, expiresAt, through = [] } = document;
  return { ...document, since: new Date(since), expiresAt: date(expiresAt), through };
}

/** What a ban did. */
export function banOutcomeFrom(document: wasm.BanOutcome): api.BanOutcome {
  return { ...document, through: document.through ?? [] };
}

/** A device. */
export function deviceFrom(document: wasm.EnrolledDevice): Device {
  const { addedAt, loggedInSince, lastUsed } = document;
  return {
    ...document,
    addedAt: new Date(addedAt),
    loggedInSince: date(loggedInSince),
    lastUsed: date(lastUsed),
  };
}

/** A way back. */
export function recoveryFrom(document: wasm.RecoveryMethod): RecoveryMethod {
  return { ...document, addedAt: new Date(document.addedAt) };
}

function date(milliseconds: number | null): Date | null {
  return milliseconds === null ? null : new Date(milliseconds);
}
