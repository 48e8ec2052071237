/**
 * The client that applications use: every call checks what it is given, and asks the engine.
 */
import * as check from "./arguments.js";
import { Audits } from "./audit.js";
import { ClientCore } from "./client-core.js";
import { decodeBase64url, encodeBase64url } from "./encoding.js";
import type { OpenedFile } from "./engine/messages.js";
import type { Device } from "./device-types.js";
import { Devices } from "./devices.js";
import { KeyfoldError } from "./error.js";
import { atGate } from "./gate.js";
import { Groups } from "./groups.js";
import { Vault } from "./vault.js";
import { Locking } from "./lock.js";
import { Recovery } from "./recovery.js";
import { spelled, told } from "./safety-words.js";
import type * as api from "./types.js";
import { plainValue, typedValue } from "./value.js";

/** What may cancel a call. */
export interface Cancellable {
  /** Ends it with `Cancelled`. What was sent already may have been done. */
  readonly signal?: AbortSignal;
}

/**
 * One person's client. Making one does nothing; the first call, `on` or `subscribe` reads what is stored and
 * connects. Every call may fail with a `KeyfoldError`.
 */
export class BaseClient extends ClientCore {
  /** Who did what, verified; and what proves it to others. */
  readonly audit = new Audits(this.call);
  readonly #locking = new Locking(this.call, this.passkeys);
  /** Groups, which stand in keychains and in each other. */
  readonly groups = new Groups(this.call);
  /** One's own devices: how one comes in, and how one goes. */
  readonly devices = new Devices(this.call, this.page);
  /** Ways back, for when every device is lost. */
  readonly recovery = new Recovery(this.call, this.page, this.passkeys);

  /** What is stored under a keychain. */
  vault(keychain: string | { readonly keychainFingerprint: string }): Vault {
    const of = typeof keychain === "object" && keychain !== null ? keychain.keychainFingerprint : keychain;
    const client = {
      call: this.call,
      on: this.on.bind(this),
      fingerprint: (kc: string) => this.#fingerprint(kc),
    };
    return new Vault(client, check.text(of, "keychain"));
  }

  /** The fingerprint of the keychain that is meant, as far as that is known without asking. */
  #fingerprint(kc: string): string | undefined {
    if (this.findKeyByKeychainFingerprint(kc) !== undefined) return kc;
    try {
      return this.findKeyByPurpose(kc)?.keychainFingerprint;
    } catch {
      // Whoever reads is told that several may be meant.
      return undefined;
    }
  }

  // What is known without asking.

  /** Whoever is logged in; `null` if nobody is. */
  get publicIdentity(): api.PublicUserIdentity | null {
    return this.state.identity;
  }

  /** This device; `null` if there is none. */
  get currentDeviceId(): string | null {
    return this.state.deviceId;
  }

  /** The keys that one holds, by keychain, newest first. */
  get keys(): Record<string, readonly api.KeyMetadata[]> {
    return Object.fromEntries(
      this.state.keychains.map(({ keychainFingerprint, keys }) => [keychainFingerprint, keys]),
    );
  }

  /**
   * The newest key of the keychain that is for this purpose; one's own keychains win over those that others shared.
   * `AmbiguousPurpose` if several may be meant.
   */
  findKeyByPurpose(purpose: string): api.KeyMetadata | undefined {
    const named = this.state.keychains.filter(
      (keychain) => keychain.purpose === purpose && keychain.keys.length > 0,
    );
    const own = named.filter((keychain) => keychain.sharedBy === null);
    const meant = own.length > 0 ? own : named;
    if (meant.length < 2) return meant[0]?.keys[0];
    throw new KeyfoldError("AmbiguousPurpose", `several keychains are for ${purpose}`, {
      hint: "Name the keychain by its fingerprint; `state.keychains` shows who shared each.",
    });
  }

  /** The newest key of a keychain. */
  findKeyByKeychainFingerprint(keychainFingerprint: string): api.KeyMetadata | undefined {
    return this.state.keychains.find((keychain) => keychain.keychainFingerprint === keychainFingerprint)
      ?.keys[0];
  }

  // The account.

  /**
   * Founds an account with this device, and logs in. Where the server lets people in by an OpenID provider, `token` is
   * what that gave for this user: the ID token, or the access token if it is a JWT. Where it asks for a passkey, a page
   * has the browser make one.
   *
   * `startOver` gives up the account that has this user id, because every way into it is lost: the new one starts empty,
   * and others take it only after they compared it (`acceptIdentity`). Refused where the server lets in anybody.
   *
   * @throws `UserTaken`, `HomeExists` if somebody is logged in here, `StorageLost` if this user's device was here and
   * its records are gone: `replaceLost` says to go on with a new account anyway. `SignInRefused`, `SignInExpired`,
   * `NotAllowed` if the token is somebody else's, `GateMismatch` if the server asks for something else,
   * `GateUnavailable`; `Cancelled` if the person shows no passkey.
   */
  async signup(
    userId: string,
    options: Cancellable & {
      readonly replaceLost?: boolean;
      readonly startOver?: boolean;
      readonly token?: string;
    } = {},
  ): Promise<api.PublicUserIdentity> {
    check.text(userId, "userId");
    const { signal, startOver = false, replaceLost = startOver, token } = options;
    if (token !== undefined) check.text(token, "token");
    if (startOver) await this.recovery.release(userId, options);
    const who = { userId, replaceLost, knownUsers: this.knownUsers() };
    const identity = await atGate(this.call, who, { token, makes: true, signal }, (shown) =>
      this.call("signup", { ...who, ...shown }, { signal }),
    );
    this.persist();
    return identity;
  }

  /** Logs in on this device: as whoever was here last, or as this user. `NoHome`, `HomeExists`, `StorageLost` */
  async login(userId?: string, options: Cancellable = {}): Promise<api.PublicUserIdentity> {
    if (userId !== undefined) check.text(userId, "userId");
    return this.call("login", { userId, knownUsers: this.knownUsers() }, options);
  }

  /**
   * Wipes all keys from this device, in all tabs. With `forget` the device itself too: then the account is lost, if
   * it has no other. With `everywhere` all devices of the account are logged out; they can log in again. If the server
   * is not reached the keys are wiped here nevertheless, and it is an error.
   */
  async logout(
    options: Cancellable & { readonly forget?: boolean; readonly everywhere?: boolean } = {},
  ): Promise<void> {
    const { signal, forget = false, everywhere = false } = options;
    return this.call("logout", { forget, everywhere }, { signal });
  }

  /** Takes in everything that happened. It happens by itself, while there is a connection. */
  async sync(options: Cancellable = {}): Promise<void> {
    return this.call("sync", {}, options);
  }

  // Devices, as e2esdk names what `devices` does.

  /**
   * A text that brings another device in by itself, once, and within an hour: a secret, for whoever has it is in.
   * `devices.request` needs none.
   */
  async enrollNewDevice(label?: string, options: Cancellable = {}): Promise<string> {
    return this.devices.enroll({ ...options, ...(label !== undefined && { label }) });
  }

  /** Brings this device in by such a text. `BadCode`, `EnrolmentExpired`, `HomeExists` */
  async registerEnrolledDevice(uri: string, options: Cancellable = {}): Promise<api.PublicUserIdentity> {
    return this.devices.register(uri, options);
  }

  /** One's own devices, oldest first. */
  async getEnrolledDevices(options: Cancellable = {}): Promise<Device[]> {
    return this.devices.list(options);
  }

  // The lock of this device.

  /**
   * Locks this device with what only the person has, or with `null` takes the lock away. Its keys then lie in storage
   * sealed under that too, and stay in memory only while it is unlocked. With `autoLockMs`, it locks by itself when
   * nobody was there for that long (`null`, the default: never). Wherever one tab is unlocked, all are; when the last
   * one is closed, it is locked.
   *
   * @throws `Locked`, `NoHome`, `PasskeyUnavailable`, `Unsupported` where nothing is stored
   */
  async setLock(
    secret: api.LockSecret | null,
    options: Cancellable & { readonly autoLockMs?: number | null } = {},
  ): Promise<void> {
    const { signal, autoLockMs = null } = options;
    return this.#locking.set(secret, this.publicIdentity?.userId, autoLockMs, { signal });
  }

  /**
   * Locks this device, in all tabs: no secret stays in memory, calls under way end with `Locked`, and so does every
   * call until it is unlocked. `NoLock`
   */
  async lock(): Promise<void> {
    return this.#locking.lock();
  }

  /**
   * Unlocks this device, in all tabs. After three wrong tries, each further one has to wait longer.
   *
   * @throws `WrongSecret`, `TooManyTries`, `PasskeyUnavailable`, `NoLock`
   */
  async unlock(secret: api.LockSecret, options: Cancellable = {}): Promise<void> {
    return this.#locking.unlock(secret, options);
  }

  // Keychains.

  /** Founds a keychain; answers its first key. `expiresAt` is refused with `Unsupported` by this release. */
  async createNewKeychain(
    purpose: string,
    algorithm: api.Algorithm = "secretBox",
    expiresAt?: Date | null,
    options: Cancellable = {},
  ): Promise<api.KeyMetadata> {
    check.text(purpose, "purpose");
    refuseExpiry(expiresAt);
    return this.call("createKeychain", { purpose, algorithm }, options);
  }

  /** Makes the next key of a keychain, for everybody who follows it. Older ones still decrypt. */
  async rotateKey(
    keychainFingerprint: string,
    expiresAt?: Date | null,
    options: Cancellable = {},
  ): Promise<api.KeyMetadata> {
    refuseExpiry(expiresAt);
    return this.call("rotate", { kc: keychain(keychainFingerprint) }, options);
  }

  /**
   * Gives up one's own copy of a key, on all one's devices, until somebody shares it again. The membership goes on, and
   * so do later keys. `UnknownKey`
   */
  async deleteKey(
    keychainFingerprint: string,
    keyFingerprint: string,
    options: Cancellable = {},
  ): Promise<void> {
    check.text(keyFingerprint, "keyFingerprint");
    return this.call("deleteKey", { kc: keychain(keychainFingerprint), keyFingerprint }, options);
  }

  // People.

  /** Somebody's identity, pinned at first sight; `null` if nobody has the user id. `IdentityChanged` */
  async getUserIdentity(userId: string, options: Cancellable = {}): Promise<api.PublicUserIdentity | null> {
    check.text(userId, "userId");
    const [identity] = await this.call("identities", { userIds: [userId] }, options);
    return identity ?? null;
  }

  /** The identities of those who exist, in the order of the user ids. */
  async getUsersIdentities(
    userIds: readonly string[],
    options: Cancellable = {},
  ): Promise<api.PublicUserIdentity[]> {
    if (!Array.isArray(userIds)) throw check.malformed("userIds", "an array of user ids", userIds);
    for (const userId of userIds) check.text(userId, "userIds");
    const identities = await this.call("identities", { userIds: [...userIds] }, options);
    return identities.filter((identity) => identity !== null);
  }

  /**
   * The eight words that one has in common with somebody. Both see the same, if nobody stands between them: have them
   * read out in a call or face to face, and give what was heard to `verifyIdentity`. Takes a moment, on purpose.
   *
   * @throws `UnknownUser`, `IdentityChanged`; `Malformed` for oneself
   */
  async safetyWords(userId: string, options: Cancellable = {}): Promise<string> {
    return spelled(await this.call("safetyNumbers", { userId: check.text(userId, "userId") }, options));
  }

  /**
   * Remembers that the person compared somebody's identity by another way than the server: by safety words, or by
   * their identity's `uri`, scanned as a QR code, or by their account id.
   *
   * @throws `NotVerified` if it does not fit, and nothing changes; `UnknownUser`, `IdentityChanged`
   */
  async verifyIdentity(
    userId: string,
    wordsOrUri: string,
    options: Cancellable = {},
  ): Promise<api.PublicUserIdentity> {
    return (await this.#compare(userId, wordsOrUri, false, options)).identity;
  }

  /**
   * After `IdentityChanged`: takes the identity that the server shows now, because the person was told of it by another
   * way than the server. Somebody who lost every device has another one; so has somebody whom the server lies about.
   *
   * @throws `NotVerified` if it does not fit, and nothing changes; `UnknownUser`; `IdentityChanged` if what the server
   * shows is a contradiction of the known account and not another one
   */
  async acceptIdentity(
    userId: string,
    wordsOrUri: string,
    options: Cancellable = {},
  ): Promise<api.AcceptedIdentity> {
    return this.#compare(userId, wordsOrUri, true, options);
  }

  // Sharing.

  /** Shares a keychain's newest key, and those that come later. */
  async shareMostRecentKey(
    keychainFingerprint: string,
    to: api.ShareTarget,
    options: api.ShareOptions = {},
  ): Promise<api.ShareOutcome> {
    return this.#share(keychainFingerprint, "latest", to, options);
  }

  /** Shares all keys of a keychain that one holds, and those that come later. */
  async shareCompleteKeychain(
    keychainFingerprint: string,
    to: api.ShareTarget,
    options: api.ShareOptions = {},
  ): Promise<api.ShareOutcome> {
    return this.#share(keychainFingerprint, "all", to, options);
  }

  /** Shares one key, and none that comes later. */
  async shareKey(
    keychainFingerprint: string,
    keyFingerprint: string,
    to: api.ShareTarget,
    options: api.ShareOptions = {},
  ): Promise<api.ShareOutcome> {
    return this.#share(
      keychainFingerprint,
      { key: check.text(keyFingerprint, "keyFingerprint") },
      to,
      options,
    );
  }

  /** The shares of one's own that wait for an answer. */
  async getOutgoingSharedKeys(options: Cancellable = {}): Promise<api.OutgoingShare[]> {
    return this.call("outgoingShares", {}, options);
  }

  /** Withdraws a share. `NotPending` if its recipient was faster. */
  async deleteOutgoingSharedKey(
    userId: string,
    keyFingerprint: string,
    options: Cancellable = {},
  ): Promise<void> {
    check.text(userId, "userId");
    check.text(keyFingerprint, "keyFingerprint");
    return this.call("cancelShare", { userId, keyFingerprint }, options);
  }

  /** The shares that wait for one's own answer, where not all are taken (`acceptShares`). */
  async getIncomingSharedKeys(options: Cancellable = {}): Promise<api.IncomingShare[]> {
    return this.call("incomingShares", {}, options);
  }

  /** Takes a share that waits. `NotPending` if none does: it was withdrawn, or answered before. */
  async acceptShare(keychainFingerprint: string, options: Cancellable = {}): Promise<api.Keychain> {
    return this.call("acceptShare", { kc: keychain(keychainFingerprint) }, options);
  }

  /** Refuses a share that waits. Nothing of its keys was handed out; it can be shared again. `NotPending` */
  async declineShare(keychainFingerprint: string, options: Cancellable = {}): Promise<void> {
    return this.call("declineShare", { kc: keychain(keychainFingerprint) }, options);
  }

  /** Who owns a copy of a key, or of any key of the keychain; with `pending` also to whom one is on its way. */
  async getParticipants(
    keychainFingerprint: string,
    keyFingerprint?: string | null,
    options: Cancellable & { readonly pending?: boolean } = {},
  ): Promise<api.Participant[]> {
    const kc = keychain(keychainFingerprint);
    if (keyFingerprint !== undefined && keyFingerprint !== null) check.text(keyFingerprint, "keyFingerprint");
    const { signal, pending = false } = options;
    return this.call(
      "participants",
      { kc, keyFingerprint: keyFingerprint ?? undefined, pending },
      { signal },
    );
  }

  /** What somebody may do in a keychain; without a user id, what oneself may. */
  async getPermissions(
    keychainFingerprint: string,
    userId?: string,
    options: Cancellable = {},
  ): Promise<api.PermissionFlags> {
    if (userId !== undefined) check.text(userId, "userId");
    return this.call("permissions", { kc: keychain(keychainFingerprint), userId }, options);
  }

  /** Changes what somebody may do in a keychain; what is omitted stays. Answers what they may do now. */
  async setPermissions(
    userId: string,
    keychainFingerprint: string,
    permissions: Partial<api.PermissionFlags>,
    options: Cancellable = {},
  ): Promise<api.PermissionFlags> {
    check.text(userId, "userId");
    const flags = check.permissions(permissions, "permissions");
    return this.call(
      "setPermissions",
      { kc: keychain(keychainFingerprint), userId, permissions: flags },
      options,
    );
  }

  /** Bans somebody from a keychain and makes a new key that they do not get; oneself: leaves it. */
  async banUser(
    userId: string,
    keychainFingerprint: string,
    options: Cancellable = {},
  ): Promise<api.BanOutcome> {
    check.text(userId, "userId");
    return this.call("ban", { kc: keychain(keychainFingerprint), userId }, options);
  }

  /** Who owns a keychain, how many of them decide, and what waits for more of them. */
  async getOwners(keychainFingerprint: string, options: Cancellable = {}): Promise<api.Owners> {
    return this.call("owners", { kc: keychain(keychainFingerprint) }, options);
  }

  /**
   * Wants a member to become an owner. Done when more than half of the owners want it; until then it is among the
   * proposals of what this answers. `NotAnOwner`
   */
  async addOwner(
    userId: string,
    keychainFingerprint: string,
    options: Cancellable = {},
  ): Promise<api.Owners> {
    return this.#propose("addOwner", check.text(userId, "userId"), keychainFingerprint, options);
  }

  /** Wants an owner to become a member without permissions, in the same way. He himself does not count. */
  async removeOwner(
    userId: string,
    keychainFingerprint: string,
    options: Cancellable = {},
  ): Promise<api.Owners> {
    return this.#propose("removeOwner", check.text(userId, "userId"), keychainFingerprint, options);
  }

  /** Wants another keychain to take the place of one, in the same way: a link, which nobody follows by itself. */
  async nameSuccessor(
    successorFingerprint: string,
    keychainFingerprint: string,
    options: Cancellable = {},
  ): Promise<api.Owners> {
    return this.#propose("successor", keychain(successorFingerprint), keychainFingerprint, options);
  }

  /** Joins the owners who are for a proposal, by its `id`. `NoSuchProposal`, also when it has lapsed. */
  async approveProposal(
    proposalId: string,
    keychainFingerprint: string,
    options: Cancellable = {},
  ): Promise<api.Owners> {
    check.text(proposalId, "proposalId");
    return this.call("approve", { kc: keychain(keychainFingerprint), proposal: proposalId }, options);
  }

  #propose(
    decision: api.OwnerProposal["decision"],
    subject: string,
    keychainFingerprint: string,
    options: Cancellable,
  ): Promise<api.Owners> {
    return this.call("propose", { kc: keychain(keychainFingerprint), decision, subject }, options);
  }

  // Values and signatures.

  /** Encrypts a value, as a text that begins with `kf1.`. Whoever decrypts it must name the same `aad`. */
  async encrypt(
    input: api.Value,
    keychainFingerprint: string,
    aad?: string | Uint8Array | null,
    options: Cancellable = {},
  ): Promise<string> {
    const value = typedValue(input);
    const context = check.context(aad, "aad");
    return this.call("encryptValue", { kc: keychain(keychainFingerprint), value, context }, options);
  }

  /** Decrypts a value to what it was. With a keychain: `Unauthentic` if the value belongs to another. */
  async decrypt<T = unknown>(
    text: string,
    keychainFingerprint?: string | null,
    aad?: string | Uint8Array | null,
    options: Cancellable = {},
  ): Promise<T> {
    const opened = await this.open(text, aad, options);
    const named = keychainFingerprint ?? opened.keychainFingerprint;
    if (
      named !== opened.keychainFingerprint &&
      this.findKeyByPurpose(named)?.keychainFingerprint !== opened.keychainFingerprint
    ) {
      throw new KeyfoldError(
        "Unauthentic",
        "the value belongs to another keychain than the one that was named",
      );
    }
    return opened.value as T;
  }

  /** Decrypts a value, and says what is known of its key. */
  async open(
    text: string,
    aad?: string | Uint8Array | null,
    options: Cancellable = {},
  ): Promise<api.OpenedValue> {
    const args = { text: check.text(text, "text"), context: check.context(aad, "aad") };
    const { value, ...rest } = await this.call("decryptValue", args, options);
    return { value: plainValue(value), ...rest };
  }

  /** Signs items together and in order. Each one's end counts: `"ab", "c"` is not `"a", "bc"`. Base64url. */
  async sign(...items: readonly (string | Uint8Array)[]): Promise<string> {
    return this.call("sign", { items: signed(items) });
  }

  /** Whether the owner of this `signaturePublicKey` signed exactly these items. */
  async verifySignature(
    signature: string,
    publicKey: string | Uint8Array,
    ...items: readonly (string | Uint8Array)[]
  ): Promise<boolean> {
    check.text(signature, "signature");
    const key =
      publicKey instanceof Uint8Array ? encodeBase64url(publicKey) : check.text(publicKey, "publicKey");
    return this.call("verifySignature", { signature, publicKey: key, items: signed(items) });
  }

  // Files.

  /**
   * Encrypts a file for one keychain or several, in segments: it is never in memory as a whole. The metadata is for
   * the application to keep, encrypted like a value; the envelope holds an encrypted copy.
   */
  async encryptFile(
    file: Blob,
    keychainFingerprints: string | readonly string[],
    options: api.EncryptFileOptions = {},
  ): Promise<api.EncryptedFile> {
    check.blob(file, "file");
    const kcs = typeof keychainFingerprints === "string" ? [keychainFingerprints] : keychainFingerprints;
    if (!Array.isArray(kcs) || kcs.length === 0)
      throw check.malformed("keychainFingerprints", "a text or several", kcs);
    const { context, padded = false, sign = false, signal, onProgress } = options;
    const isFile = typeof File === "function" && file instanceof File;
    const metadata = {
      name: isFile ? file.name : "",
      type: file.type,
      lastModified: isFile ? file.lastModified : Date.now(),
    };
    const args = {
      file,
      kcs: kcs.map(keychain),
      context: check.context(context, "context"),
      metadata,
      padded,
      sign,
    };
    const { envelope, object, size, ...rest } = await this.call("encryptFile", args, { signal, onProgress });
    return { metadata: { ...metadata, size, key: object }, encryptedFile: envelope, ...rest };
  }

  /** Decrypts what `encryptFile` made. `Unauthentic` if the metadata belongs to another envelope. */
  async decryptFileContents(
    encryptedFile: Blob,
    metadata: api.FileMetadata,
    options: api.DecryptFileOptions = {},
  ): Promise<File> {
    const object = check.text(metadata?.key, "metadata.key");
    const { contents } = await this.#openFile(encryptedFile, object, options);
    const { name, type, lastModified } = metadata;
    return new File([contents], name, { type, lastModified });
  }

  /** Decrypts an envelope whoever made it, and says what is known of it. */
  async decryptFile(encryptedFile: Blob, options: api.DecryptFileOptions = {}): Promise<api.DecryptedFile> {
    const opened = await this.#openFile(encryptedFile, undefined, options);
    const { contents, object: _, name, mediaType, modified, ...known } = opened;
    const about = { type: mediaType ?? "", ...(modified !== null && { lastModified: modified }) };
    return { file: new File([contents], name ?? "", about), ...known };
  }

  /** Decrypts a part: bytes from `start` to before `end` of the plaintext. Reads only the segments that hold them. */
  async decryptFileRange(
    encryptedFile: Blob,
    range: { readonly start: number; readonly end: number },
    options: api.DecryptFileOptions = {},
  ): Promise<api.Bytes> {
    const envelope = check.blob(encryptedFile, "encryptedFile");
    const [start, end] = [check.count(range?.start, "range.start"), check.count(range?.end, "range.end")];
    if (end < start) throw check.malformed("range.end", "at least range.start", range.end);
    const { context, signal, onProgress } = options;
    const args = { envelope, context: check.context(context, "context"), start, end };
    return this.call("decryptFileRange", args, { signal, onProgress });
  }

  /** Bytes as base64url. */
  encode(bytes: Uint8Array): string {
    return encodeBase64url(bytes);
  }

  /** Base64url as bytes. `Malformed` */
  decode(text: string): api.Bytes {
    return decodeBase64url(text);
  }

  async #compare(
    userId: string,
    wordsOrUri: string,
    accept: boolean,
    options: Cancellable,
  ): Promise<api.AcceptedIdentity> {
    check.text(userId, "userId");
    const args = { userId, told: await told(check.text(wordsOrUri, "wordsOrUri")), accept };
    return this.call("compareIdentity", args, options);
  }

  async #openFile(
    encryptedFile: Blob,
    object: string | undefined,
    { context, signal, onProgress }: api.DecryptFileOptions,
  ): Promise<OpenedFile> {
    const envelope = check.blob(encryptedFile, "encryptedFile");
    const args = { envelope, context: check.context(context, "context"), object };
    return this.call("decryptFile", args, { signal, onProgress });
  }

  async #share(
    keychainFingerprint: string,
    keys: "latest" | "all" | { readonly key: string },
    to: api.ShareTarget,
    options: api.ShareOptions,
  ): Promise<api.ShareOutcome> {
    const kc = keychain(keychainFingerprint);
    const userIds = check.recipients(to);
    const { signal } = options;
    return this.call("share", { kc, userIds, keys, terms: check.terms(options) }, { signal });
  }
}

function keychain(value: unknown): string {
  return check.text(value, "keychainFingerprint");
}

function signed(items: readonly (string | Uint8Array)[]): Uint8Array[] {
  return items.map((item) => check.bytes(item, "items"));
}

function refuseExpiry(expiresAt: Date | null | undefined): void {
  if (expiresAt === undefined || expiresAt === null) return;
  throw new KeyfoldError("Unsupported", "keys that expire come with a later release", {
    hint: "Let memberships expire: share with `expiresAt`.",
  });
}
