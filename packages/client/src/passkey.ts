/**
 * Passkeys at a server's gate: what only the page can do, because the browser asks its person there. It is loaded when
 * a server asks for one. What the browser answers is no secret of Keyfold's: it lets somebody in, and opens nothing.
 */
import { KeyfoldError, cancelled } from "./error.js";
import type { ErrorCode } from "./error-codes.js";

/** A passkey that was just made. */
export interface MadePasskey {
  /** What shows it at the gate: a `PublicKeyCredential`, in JSON. */
  readonly answer: string;
  /** Tells the authenticator that the server did not take it, where the browser has a way to. */
  forget(): Promise<void>;
}

/** Whether there may be passkeys here: in a page, and not in Node. */
export function hasPasskeys(): boolean {
  return typeof PublicKeyCredential === "function" && globalThis.navigator?.credentials !== undefined;
}

/**
 * Has the browser make a passkey, by the options that the server gave.
 *
 * @throws `Cancelled` if the person declined, `NotAllowed` if the page is none of those that the server names
 */
export async function makePasskey(options: string, signal?: AbortSignal): Promise<MadePasskey> {
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(JSON.parse(options));
  const made = await ceremony(signal, () =>
    navigator.credentials.create({ publicKey, ...(signal && { signal }) }),
  );
  const forget = async (): Promise<void> => {
    const authenticators = PublicKeyCredential as {
      signalUnknownCredential?: (which: object) => Promise<void>;
    };
    const which = { rpId: publicKey.rp.id, credentialId: made.id };
    await authenticators.signalUnknownCredential?.(which).catch(() => undefined);
  };
  return { answer: JSON.stringify(made.toJSON()), forget };
}

/**
 * Has the browser show one of the person's passkeys, by the options that the server gave; answers what shows it at the
 * gate, in JSON.
 *
 * @throws `Cancelled` if the person declined, `NotAllowed` if the page is none of those that the server names
 */
export async function showPasskey(options: string, signal?: AbortSignal): Promise<string> {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(JSON.parse(options));
  const shown = await ceremony(signal, () =>
    navigator.credentials.get({ publicKey, ...(signal && { signal }) }),
  );
  return JSON.stringify(shown.toJSON());
}

async function ceremony(
  signal: AbortSignal | undefined,
  ask: () => Promise<Credential | null>,
): Promise<PublicKeyCredential> {
  try {
    const credential = await ask();
    if (credential !== null) return credential as PublicKeyCredential;
  } catch (thrown) {
    if (signal?.aborted === true) throw cancelled(signal.reason);
    throw failure(thrown);
  }
  throw failure(undefined);
}

/** What the browser says, in our words. Browsers do not tell a person who declines from one who takes too long. */
function failure(cause: unknown): KeyfoldError {
  const name = cause instanceof DOMException ? cause.name : "";
  const say = (code: ErrorCode, message: string, hint: string): KeyfoldError =>
    new KeyfoldError(code, message, { hint, cause });
  switch (name) {
    case "SecurityError":
      return say(
        "NotAllowed",
        "this page may not ask for this server's passkeys",
        "The server is started with `--passkey-origin`, which must be this page's origin.",
      );
    case "NotSupportedError":
    case "ConstraintError":
      return say(
        "Unsupported",
        "no authenticator here makes passkeys that it finds by itself and verifies its person for",
        "Use the phone, a password manager, or another device.",
      );
    default:
      return say("Cancelled", "no passkey was shown: it was declined, or took too long", "Try again.");
  }
}
