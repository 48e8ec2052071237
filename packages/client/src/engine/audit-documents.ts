/** Audits of the WebAssembly module as the objects of the API: milliseconds become `Date`s, kinds are what was asked for. */
import type * as api from "../audit-types.js";
import { KeyfoldError } from "../error.js";
import type * as wasm from "../wasm/keyfold.js";

/** A keychain's audit; an account's is refused: one has another fingerprint than it has an id. */
export function keychainAuditFrom(document: wasm.Audit): api.KeychainAudit {
  if (document.kind !== "account") return keychain(document);
  throw new KeyfoldError(
    "UnknownKeychain",
    "this is the id of an account, not the fingerprint of a keychain",
  );
}

/** An account's audit. */
export function accountAuditFrom(document: wasm.Audit): api.AccountAudit {
  if (document.kind === "account") return { ...document, ...dates(document) };
  throw new KeyfoldError("Internal", "the audit of an account is one of a keychain");
}

/** What a file proved. */
export function auditedFileFrom(
  document: wasm.AuditedFile,
): api.KeychainAudit | api.AccountAudit | api.Evidence {
  switch (document.kind) {
    case "keychain":
    case "group":
      return keychain(document);
    case "account":
      return accountAuditFrom(document);
    case "evidence":
      return { ...document, earlier: receipt(document.earlier), later: receipt(document.later) };
  }
}

function keychain(document: wasm.KeychainAudit): api.KeychainAudit {
  const { members, pending, ...state } = document.state;
  return {
    ...document,
    ...dates(document),
    state: { ...state, members: members.map(member), pending: pending.map(member) },
  };
}

function dates(document: wasm.Audit): Pick<api.KeychainAudit, "signedAt" | "entries"> {
  const entry = (one: wasm.AuditEntry): api.AuditEntry => ({
    ...one,
    time: new Date(one.time),
    actions: one.actions.map(action),
  });
  return { signedAt: new Date(document.signedAt), entries: document.entries.map(entry) };
}

function action(document: wasm.AuditAction): api.AuditAction {
  if (document.kind !== "share") return document;
  return { ...document, expiresAt: date(document.expiresAt) };
}

function member(document: wasm.AuditMember): api.AuditMember {
  return { ...document, expiresAt: date(document.expiresAt) };
}

function receipt(document: wasm.AuditReceipt): api.AuditReceipt {
  return { ...document, signedAt: new Date(document.signedAt) };
}

function date(milliseconds: number | null): Date | null {
  return milliseconds === null ? null : new Date(milliseconds);
}
