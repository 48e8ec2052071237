/** `client.audit`: who did what, verified from the first entry on; and what proves it to others. */
import * as check from "./arguments.js";
import type { AccountAudit, AuditComparison, Evidence, KeychainAudit } from "./audit-types.js";
import type { Cancellable } from "./client.js";
import type { Link } from "./link.js";
import type { Bytes } from "./types.js";

/** Audits of ledgers. Files are what `docs/spec/audit.md` describes; anybody can verify them, also without an account. */
export class Audits {
  readonly #call: Link["call"];

  /** Of a client. */
  constructor(call: Link["call"]) {
    this.#call = call;
  }

  /**
   * Who did what in a keychain, when, and when it counted. The whole ledger is fetched and verified from its first
   * entry on, whatever this device knows already, and compared with that.
   *
   * @throws `UnknownKeychain`; `NotProved` if it breaks a rule, `Rollback` if it is another one than before.
   */
  async keychain(keychainFingerprint: string, options: Cancellable = {}): Promise<KeychainAudit> {
    return this.#call("auditKeychain", { kc: keychain(keychainFingerprint) }, options);
  }

  /** The same of somebody's account. `UnknownUser`, `IdentityChanged`, `NotProved` */
  async account(userId: string, options: Cancellable = {}): Promise<AccountAudit> {
    return this.#call("auditAccount", { userId: check.text(userId, "userId") }, options);
  }

  /** The same as a file. It says who is in the keychain, and holds no secret. */
  async export(keychainFingerprint: string, options: Cancellable = {}): Promise<Bytes> {
    return this.#call("exportAudit", { kc: keychain(keychainFingerprint) }, options);
  }

  /**
   * Compares one's own view of a keychain with what another member exported. If they contradict each other the server
   * showed two people two histories: `evidence` makes a proof of it.
   *
   * @throws `NotProved` if the file does not hold, `WrongServerKey` if it is about another server, `UnknownKeychain` if
   * it is about another keychain.
   */
  async compare(
    keychainFingerprint: string,
    file: Uint8Array,
    options: Cancellable = {},
  ): Promise<AuditComparison> {
    const kc = keychain(keychainFingerprint);
    return this.#call("compareAudit", { kc, file: bytes(file, "file") }, options);
  }

  /**
   * Proof that the server contradicted itself, as a file: by what it signed when this device stopped with `Rollback`,
   * and by another member's export, if that is given. `NoEvidence` if there is none.
   */
  async evidence(
    keychainFingerprint: string,
    options: Cancellable & { readonly compare?: Uint8Array } = {},
  ): Promise<Bytes> {
    const { signal, compare } = options;
    const file = compare === undefined ? undefined : bytes(compare, "compare");
    return this.#call("evidence", { kc: keychain(keychainFingerprint), file }, { signal });
  }

  /**
   * Verifies a file, without account and network. With `serverKey` it must be about that server; without, about the
   * one that it names itself, which proves nothing about any other.
   *
   * @throws `Malformed` if it is no audit file, `NotProved` if it does not hold, `WrongServerKey`.
   */
  async verify(
    file: Uint8Array,
    options: Cancellable & { readonly serverKey?: string } = {},
  ): Promise<KeychainAudit | AccountAudit | Evidence> {
    const { signal, serverKey } = options;
    if (serverKey !== undefined) check.text(serverKey, "serverKey");
    return this.#call("verifyAuditFile", { file: bytes(file, "file"), serverKey }, { signal });
  }
}

function keychain(fingerprint: unknown): string {
  return check.text(fingerprint, "keychainFingerprint");
}

/** A file's bytes. A text would be its UTF-8, which no audit file is. */
function bytes(value: unknown, name: string): Bytes {
  if (value instanceof Uint8Array) return check.bytes(value, name);
  throw check.malformed(name, "a Uint8Array", value);
}
