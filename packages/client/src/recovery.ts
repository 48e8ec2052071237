/** `client.recovery`: ways back into one's account, for when every device is lost or a thief has one. */
import * as check from "./arguments.js";
import type { Cancellable } from "./client.js";
import type {
  Recovered,
  RecoveryMethod,
  RecoverySecret,
  RecoveryStarted,
  RecoveryStatus,
} from "./device-types.js";
import { thisDevice } from "./devices.js";
import { decodeBase64url } from "./encoding.js";
import type { GivenSecret, MadeRecovery, NewSecret } from "./engine/recovery-messages.js";
import { KeyfoldError } from "./error.js";
import { type Page, atGate } from "./gate.js";
import type { Link } from "./link.js";
import type { Passkeys } from "./lock.js";
import { paperNumbers, spelled } from "./safety-words.js";
import type { Bytes, Progress } from "./types.js";

/** How a way back is added. */
interface Adding extends Cancellable {
  /** What it is called. */
  readonly label?: string;
  /** The way back that it takes the place of. */
  readonly replaces?: RecoverySecret;
}

/** A new paper key. */
export interface PaperKey {
  readonly recovery: RecoveryMethod;
  /** 24 words, to be printed or written down: nobody can show them again. */
  readonly words: string;
}

/** New shares. */
export interface RecoveryShares {
  readonly recovery: RecoveryMethod;
  /** A text for each, to be given to different people: nobody can show them again. */
  readonly shares: readonly string[];
}

/** The most shares of a set. */
const MOST_SHARES = 16;

/** Ways back into one's account. */
export class Recovery {
  readonly #call: Link["call"];
  readonly #page: Page;
  readonly #passkeys: Passkeys | undefined;
  /** Where the person signed in to come back. */
  #started: RecoveryStarted | undefined;

  /** Of a client; without passkeys in Node. */
  constructor(call: Link["call"], page: Page, passkeys: Passkeys | undefined) {
    this.#call = call;
    this.#page = page;
    this.#passkeys = passkeys;
  }

  /** Which ways back there are, and what is missing. */
  async status(options: Cancellable = {}): Promise<RecoveryStatus> {
    return this.#call("recoveryStatus", {}, options);
  }

  /** Makes a paper key: 24 words. */
  async paper(options: Adding = {}): Promise<PaperKey> {
    const { recovery, numbers = [] } = await this.#add({ method: "paper" }, options);
    return { recovery, words: await spelled(numbers) };
  }

  /** Makes `count` shares, at most 16, of which `needed`, at least 2, suffice. */
  async shares(needed: number, count: number, options: Adding = {}): Promise<RecoveryShares> {
    const isWhole = Number.isInteger(needed) && Number.isInteger(count);
    if (!isWhole || needed < 2 || count < needed || count > MOST_SHARES) {
      throw new KeyfoldError(
        "Malformed",
        `2 to ${MOST_SHARES} shares can be made, of which 2 or more suffice`,
      );
    }
    const { recovery, texts = [] } = await this.#add({ method: "shares", needed, count }, options);
    return { recovery, shares: texts };
  }

  /** Sets a password, 8 to 1,024 characters. The server helps with each try, and learns nothing of it. */
  async password(password: string, options: Adding = {}): Promise<RecoveryMethod> {
    const composed = typedPassword(password);
    if ([...composed].length < 8) throw new KeyfoldError("Malformed", "a password has 8 characters or more");
    return (await this.#add({ method: "password", password: composed }, options)).recovery;
  }

  /**
   * Has the browser make a passkey that derives a secret. Where the passkey is synced, it brings a new device in.
   *
   * @throws `PasskeyUnavailable` if none is made, or it derives nothing; `Unsupported` in Node
   */
  async passkey(options: Adding = {}): Promise<RecoveryMethod> {
    const { userId, accountId } = await this.#call("whoAmI", {}, { signal: options.signal });
    const salt = await passkeySalt(accountId);
    const { secret } = await this.#available().create(userId, salt, options.signal, "required");
    return (await this.#add({ method: "passkey", secret }, options)).recovery;
  }

  /** Takes a way back away, by itself or by an older one. `NoRecovery`, `WrongSecret`, `RecoveryProtected` */
  async remove(recoveryId: string, by: RecoverySecret, options: Cancellable = {}): Promise<void> {
    check.text(recoveryId, "recoveryId");
    return this.#call(
      "removeRecovery",
      { recoveryId, by: await this.#given(by, undefined, options) },
      options,
    );
  }

  /**
   * Signs in to one's account with this device, which is none of it yet, and tells which ways back it has. `recover`
   * goes on. Signing in alone opens nothing.
   *
   * @throws `UnknownUser`, `HomeExists`; `GateMismatch`, `SignInRefused`, `SignInExpired`, `NotAllowed` at the gate
   */
  async start(
    userId: string,
    options: Cancellable & { readonly token?: string } = {},
  ): Promise<RecoveryStarted> {
    check.text(userId, "userId");
    const { signal, token } = options;
    if (token !== undefined) check.text(token, "token");
    const who = { userId, knownUsers: this.#page.knownUsers() };
    this.#started = await atGate(
      this.#call,
      { ...who, replaceLost: true },
      { token, makes: false, signal },
      (shown) => this.#call("startRecovery", { ...who, ...shown }, { signal }),
    );
    return this.#started;
  }

  /**
   * Comes back: this device is one of the account afterwards. `revoke` names the devices that are lost or a thief's, or
   * says `"all"`; what they could read gets new keys, and `onProgress` tells how far that is.
   *
   * @throws `WrongSecret`, `WrongPassword`, `UnknownWord`, `WrongWords`, `WrongWordCount`, `TooFewShares`,
   * `SharesMixed`, `ShareRepeated`, `ShareDamaged`, `SharesAltered`, `ShareOfAnotherAccount`, `NoRecovery`
   */
  async recover(
    secret: RecoverySecret,
    options: Cancellable & {
      readonly label?: string;
      readonly revoke?: "all" | readonly string[];
      readonly onProgress?: (progress: Progress) => void;
    } = {},
  ): Promise<Recovered> {
    const { signal, revoke = [], onProgress } = options;
    const started = this.#started;
    if (started === undefined) {
      throw new KeyfoldError("NoHome", "nobody signed in to come back", { hint: "Call recovery.start()." });
    }
    const label = check.text(options.label ?? thisDevice(), "label");
    const given = await this.#given(secret, started.accountId, options);
    const asked = { started, secret: given, label, revoke };
    const recovered = await this.#call("recover", asked, { signal, onProgress });
    this.#started = undefined;
    this.#page.persist();
    return recovered;
  }

  /**
   * Lets go of the user id of an account that is lost: after this, `signup` founds another one under it. `signup` with
   * `startOver` does both.
   *
   * @throws `NotAllowed` where the server lets in anybody
   */
  async release(userId: string, options: Cancellable & { readonly token?: string } = {}): Promise<void> {
    try {
      await this.start(userId, options);
    } catch (thrown) {
      // It was let go of before, and nobody has it.
      if (thrown instanceof KeyfoldError && thrown.code === "UnknownUser") return;
      throw thrown;
    }
    await this.#call("releaseName", {}, { signal: options.signal });
    this.#started = undefined;
  }

  async #add(made: NewSecret, adding: Adding): Promise<MadeRecovery> {
    const { label, replaces, signal } = adding;
    if (label !== undefined) check.text(label, "label");
    const former = replaces && (await this.#given(replaces, undefined, adding));
    return this.#call("addRecovery", { made, label, replaces: former }, { signal });
  }

  /** What the person kept, as the engine takes it. */
  async #given(
    secret: RecoverySecret,
    account: string | undefined,
    { signal }: Cancellable,
  ): Promise<GivenSecret> {
    if (typeof secret === "object" && secret !== null) {
      if ("paper" in secret)
        return { method: "paper", numbers: await paperNumbers(check.text(secret.paper, "paper")) };
      if ("shares" in secret) {
        if (!Array.isArray(secret.shares))
          throw check.malformed("shares", "an array of texts", secret.shares);
        return { method: "shares", texts: secret.shares.map((share) => check.text(share, "shares").trim()) };
      }
      if ("password" in secret) return { method: "password", password: typedPassword(secret.password) };
      if ("passkey" in secret && secret.passkey === true) {
        const of = account ?? (await this.#call("whoAmI", {}, { signal })).accountId;
        return { method: "passkey", secret: await this.#available().find(await passkeySalt(of), signal) };
      }
    }
    // Not repeated in the message: it may be one.
    throw new KeyfoldError("Malformed", "expected { paper }, { shares }, { password } or { passkey: true }");
  }

  #available(): Passkeys {
    if (this.#passkeys !== undefined) return this.#passkeys;
    throw new KeyfoldError("Unsupported", "there are no passkeys here", {
      hint: "Use paper, shares or a password.",
    });
  }
}

/** A password in normal form C, as every keyboard gives it. */
function typedPassword(password: unknown): string {
  const text = check.text(password, "password").normalize("NFC");
  if (new TextEncoder().encode(text).length > 1_024)
    throw new KeyfoldError("Malformed", "this password is too long");
  return text;
}

/** What an account's passkey derives from: the same on every device, so that a synced one is found by it. */
async function passkeySalt(accountId: string): Promise<Bytes> {
  const label = new TextEncoder().encode("KF1 recovery passkey");
  const account = decodeBase64url(accountId);
  const bytes = new Uint8Array(label.length + account.length);
  bytes.set(label);
  bytes.set(account, label.length);
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}
