/**
 * The page's side of a device's lock: what the person typed becomes bytes, a passkey is asked, and the engine does
 * the rest. Nothing of it stays here.
 */
import * as check from "./arguments.js";
import type { KeyOfLock } from "./engine/messages.js";
import { KeyfoldError } from "./error.js";
import type { CallOptions, Link } from "./link.js";
import type { Bytes, LockSecret } from "./types.js";

/** Passkeys of a browser, as far as locks use them. */
export interface Passkeys {
  /**
   * Makes one, and asks it for its key of this salt. `find` comes upon one that is resident. `PasskeyUnavailable`
   */
  create(
    userId: string,
    salt: Bytes,
    signal?: AbortSignal,
    resident?: "preferred" | "required",
  ): Promise<{ credentialId: Bytes; secret: Bytes }>;
  /** Asks one for its key of this salt. `PasskeyUnavailable` */
  ask(credentialId: Bytes, salt: Bytes, signal?: AbortSignal): Promise<Bytes>;
  /** Lets the person choose one, and asks it for its key of this salt. `PasskeyUnavailable` */
  find(salt: Bytes, signal?: AbortSignal): Promise<Bytes>;
}

const SALT_BYTES = 32;
/** Shorter than this, a device locks while it is looked at. */
const SHORTEST_AUTO_LOCK_MS = 1_000;

/** The calls about a device's lock. */
export class Locking {
  readonly #call: Link["call"];
  readonly #passkeys: Passkeys | undefined;

  /** Of a client; without passkeys in Node. */
  constructor(call: Link["call"], passkeys: Passkeys | undefined) {
    this.#call = call;
    this.#passkeys = passkeys;
  }

  /** Sets a lock, or takes it away. */
  async set(
    secret: LockSecret | null,
    userId: string | undefined,
    autoLock: number | null,
    { signal }: CallOptions,
  ): Promise<void> {
    const autoLockMs = autoLock === null ? null : check.count(autoLock, "autoLockMs");
    if (autoLockMs !== null && autoLockMs < SHORTEST_AUTO_LOCK_MS) {
      throw check.malformed("autoLockMs", "a second or more, in milliseconds", autoLock);
    }
    if (secret === null) return this.#call("setLock", { lock: null, autoLockMs }, { signal });
    const typed = typedSecret(secret);
    if (typed !== undefined) {
      const lock = { ...typed, salt: undefined, credentialId: null };
      return this.#call("setLock", { lock, autoLockMs }, { signal });
    }
    // Before anybody is asked: who is not logged in, or locked, needs no passkey.
    if (userId === undefined) return this.#call("sync", {}, { signal });
    const salt = crypto.getRandomValues(new Uint8Array(SALT_BYTES));
    const { credentialId, secret: key } = await this.#available().create(userId, salt, signal ?? undefined);
    const lock = { method: "passkey" as const, secret: key, salt, credentialId };
    return this.#wiping(key, this.#call("setLock", { lock, autoLockMs }, { signal }));
  }

  /** Locks. It is done when the engine has ended, so that being told so is no failure. */
  async lock(): Promise<void> {
    try {
      await this.#call("lock", {});
    } catch (thrown) {
      if (!(thrown instanceof KeyfoldError) || thrown.code !== "Locked") throw thrown;
    }
  }

  /** Unlocks. */
  async unlock(secret: LockSecret, { signal }: CallOptions): Promise<void> {
    const typed = typedSecret(secret);
    if (typed !== undefined) return this.#wiping(typed.secret, this.#call("unlock", typed, { signal }));
    const { method, salt, credentialId } = await this.#call("lockDetails", {}, { signal });
    if (credentialId === null) {
      throw new KeyfoldError("Malformed", `this device is unlocked by a ${method}, not by a passkey`);
    }
    const key = await this.#available().ask(credentialId, salt, signal ?? undefined);
    return this.#wiping(key, this.#call("unlock", { method: "passkey", secret: key }, { signal }));
  }

  #available(): Passkeys {
    if (this.#passkeys !== undefined) return this.#passkeys;
    throw new KeyfoldError("Unsupported", "there are no passkeys here", {
      hint: "Use a PIN or a password.",
    });
  }

  async #wiping(key: Bytes, call: Promise<void>): Promise<void> {
    try {
      await call;
    } finally {
      key.fill(0);
    }
  }
}

/** A PIN or a password as bytes, composed in one way (NFKC) on every keyboard; `undefined` for a passkey. */
function typedSecret(secret: LockSecret): { method: KeyOfLock["method"]; secret: Bytes } | undefined {
  if (typeof secret === "object" && secret !== null) {
    if ("pin" in secret) {
      if (typeof secret.pin === "string" && /^[0-9]{4,32}$/.test(secret.pin)) return bytes("pin", secret.pin);
      throw new KeyfoldError("Malformed", "pin: a PIN has 4 to 32 digits");
    }
    if ("password" in secret) {
      const text = typeof secret.password === "string" ? secret.password.normalize("NFKC") : "";
      if ([...text].length >= 8 && text.length <= 1_024) return bytes("password", text);
      throw new KeyfoldError("Malformed", "password: a password has 8 to 1,024 characters");
    }
    if ("passkey" in secret && secret.passkey === true) return undefined;
  }
  // Not repeated in the message: it may be one.
  throw new KeyfoldError("Malformed", "expected { pin }, { password } or { passkey: true }");
}

function bytes(method: KeyOfLock["method"], text: string): { method: KeyOfLock["method"]; secret: Bytes } {
  return { method, secret: new TextEncoder().encode(text) };
}
