/**
 * Advice that fits a program: the WebAssembly module shares its errors with the command line, whose advice names
 * verbs that nobody can type in a browser.
 */
import type { ErrorCode } from "../error-codes.js";
import { KeyfoldError } from "../error.js";

const HINTS: { readonly [code in ErrorCode]?: string } = {
  AmbiguousPurpose: "Name the keychain by its fingerprint; `keychains` of the client's state shows them.",
  BadCode: "Copy it whole, or make a new one.",
  EnrolmentExpired: "Make another one on a device that is in, with devices.enroll().",
  GateMismatch:
    "With an identity provider: sign in there, and give what it gave you as `token` of signup(). With passkeys: sign up in a page.",
  HomeExists: "Log out first, or give this client another storage.",
  IdentityChanged:
    "Ask the person by another way. If they made a new account, acceptIdentity() takes it, with the safety words that they read out.",
  Locked: "Call unlock().",
  LoggedOut: "Call login().",
  NoRecovery: "recovery.status() lists the ways back that there are.",
  NeedsRotation: "Call rotateKey(), or wait until a member's client has.",
  NoHome: "Call signup(), or login() with the user id of somebody who has a device here.",
  UnknownEnrolment: "Call devices.request() on the new device again.",
  UnknownHolder: "devices.list() and recovery.status() list what there is.",
  NotPending: "getIncomingSharedKeys() and getOutgoingSharedKeys() list what waits.",
};

/** An error with advice for a program. */
export function advised(thrown: unknown): KeyfoldError {
  const error = KeyfoldError.from(thrown);
  const hint = HINTS[error.code];
  if (hint === undefined) return error;
  const { code, message, retryable, cause } = error;
  return new KeyfoldError(code, message, { hint, retryable, cause });
}
