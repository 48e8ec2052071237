/**
 * Passkeys that derive keys: WebAuthn's extension `prf` (Web Authentication Level 3, section 10.1.4). Asked from the
 * page, because workers have no WebAuthn.
 */
import { KeyfoldError } from "../error.js";
import type { Passkeys } from "../lock.js";
import type { Bytes } from "../types.js";

const KEY_BYTES = 32;
const ED25519 = -8;
const P256 = -7;
const RSA = -257;

/** The passkeys of this browser. */
export const passkeys: Passkeys = {
  async create(userId, salt, signal, residentKey = "preferred") {
    const credential = await asked(() =>
      navigator.credentials.create({
        publicKey: {
          challenge: random(),
          rp: { name: document.title || location.host },
          // Random: with the id of an account, it would take the place of the passkey with which one signs in.
          user: { id: random(), name: userId, displayName: userId },
          pubKeyCredParams: [ED25519, P256, RSA].map((alg) => ({ type: "public-key" as const, alg })),
          authenticatorSelection: { residentKey, userVerification: "required" },
          extensions: { prf: { eval: { first: salt } } },
        },
        ...(signal && { signal }),
      }),
    );
    const { prf } = credential.getClientExtensionResults();
    if (prf?.enabled !== true && prf?.results === undefined) throw underivable();
    const credentialId = new Uint8Array(credential.rawId);
    // Some authenticators derive when they make a passkey, the others have to be asked again.
    const key = prf.results?.first;
    const secret = key === undefined ? await passkeys.ask(credentialId, salt, signal) : keyOf(key);
    return { credentialId, secret };
  },

  ask: (credentialId, salt, signal) => keyOfAny([{ type: "public-key", id: credentialId }], salt, signal),

  find: (salt, signal) => keyOfAny([], salt, signal),
};

/** The key of one of these, or of whichever the person chooses. */
async function keyOfAny(
  allowCredentials: PublicKeyCredentialDescriptor[],
  salt: Bytes,
  signal: AbortSignal | undefined,
): Promise<Bytes> {
  const credential = await asked(() =>
    navigator.credentials.get({
      publicKey: {
        challenge: random(),
        allowCredentials,
        userVerification: "required",
        extensions: { prf: { eval: { first: salt } } },
      },
      ...(signal && { signal }),
    }),
  );
  const key = credential.getClientExtensionResults().prf?.results?.first;
  if (key === undefined) throw underivable();
  return keyOf(key);
}

async function asked(ask: () => Promise<Credential | null>): Promise<PublicKeyCredential> {
  let credential: Credential | null;
  try {
    credential = await ask();
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new KeyfoldError("PasskeyUnavailable", `no passkey was given: ${message}`, {
      hint: "Ask again, or offer a PIN or a password.",
      retryable: true,
      cause,
    });
  }
  if (credential instanceof PublicKeyCredential) return credential;
  throw new KeyfoldError("PasskeyUnavailable", "no passkey was given");
}

function keyOf(derived: BufferSource): Bytes {
  const view = ArrayBuffer.isView(derived)
    ? new Uint8Array(derived.buffer, derived.byteOffset, derived.byteLength)
    : new Uint8Array(derived);
  if (view.length !== KEY_BYTES) throw underivable();
  const key = view.slice();
  view.fill(0);
  return key as Bytes;
}

function underivable(): KeyfoldError {
  return new KeyfoldError("PasskeyUnavailable", "this passkey derives no keys", {
    hint: "Take one of another authenticator, a PIN or a password.",
  });
}

function random(): Bytes {
  return crypto.getRandomValues(new Uint8Array(32));
}
