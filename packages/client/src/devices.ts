/** `client.devices`: one's own devices, how one comes in, and how one goes. */
import * as check from "./arguments.js";
import type { Cancellable } from "./client.js";
import type { Device, DeviceRequest, DeviceRequested, RevokedDevices } from "./device-types.js";
import { type Page, atGate } from "./gate.js";
import type { Link } from "./link.js";
import { spelled } from "./safety-words.js";
import type { Progress, PublicUserIdentity } from "./types.js";

/** What a device is called. Only one's own devices read it. */
interface Labelled {
  readonly label?: string;
}

/** Devices of one's own account. */
export class Devices {
  readonly #call: Link["call"];
  readonly #page: Page;

  /** Of a client. */
  constructor(call: Link["call"], page: Page) {
    this.#call = call;
    this.#page = page;
  }

  /** One's own devices, oldest first. */
  async list(options: Cancellable = {}): Promise<Device[]> {
    return this.#call("devices", {}, options);
  }

  // On a new device.

  /**
   * Asks to be let into one's account, with this device. Show the code as a QR code, and the words; `approval` waits
   * for the answer. Asking again shows the same, also after the page was loaded anew. Where the server has a gate,
   * `token` is what the identity provider gave; a passkey is asked for.
   *
   * @throws `UnknownUser`, `HomeExists` if somebody is logged in here; `GateMismatch`, `SignInRefused`,
   * `SignInExpired`, `NotAllowed` at the gate
   */
  async request(
    userId: string,
    options: Cancellable & Labelled & { readonly token?: string } = {},
  ): Promise<DeviceRequested> {
    check.text(userId, "userId");
    const { signal, token } = options;
    const label = check.text(options.label ?? thisDevice(), "label");
    if (token !== undefined) check.text(token, "token");
    const who = { userId, knownUsers: this.#page.knownUsers() };
    const requested = await atGate(
      this.#call,
      { ...who, replaceLost: true },
      { token, makes: false, signal },
      (shown) => this.#call("requestEnrolment", { ...who, ...shown, label }, { signal }),
    );
    return { ...requested, words: await spelled(requested.words) };
  }

  /** Waits until this device is let in. `UnknownEnrolment`: it was declined, or nobody answered in time. */
  async approval(options: Cancellable = {}): Promise<PublicUserIdentity> {
    for (;;) {
      const identity = await this.#call("awaitEnrolment", {}, options);
      if (identity === null) continue;
      this.#page.persist();
      return identity;
    }
  }

  /**
   * Brings this device in by a text that `enroll` made on another one, which is used up by it.
   *
   * @throws `BadCode`, `EnrolmentExpired`; `Unauthorized` or `UnknownDevice` if it was used before; `HomeExists`
   */
  async register(uri: string, options: Cancellable = {}): Promise<PublicUserIdentity> {
    const identity = await this.#call("registerEnrolledDevice", { uri: check.text(uri, "uri") }, options);
    this.#page.persist();
    return identity;
  }

  // On a device that is in.

  /** The devices that ask to be let in: `deviceRequested` tells when there is one. */
  async requests(options: Cancellable = {}): Promise<DeviceRequest[]> {
    const requests = await this.#call("enrolmentRequests", {}, options);
    return Promise.all(
      requests.map(async (request) => ({ ...request, words: await spelled(request.words) })),
    );
  }

  /**
   * Lets a device in: by the code that it shows, or by its id once the person found its words to be the same. Whoever
   * is let in reads everything.
   *
   * @throws `BadCode`, `UnknownEnrolment`
   */
  async approve(codeOrId: string, options: Cancellable & Labelled = {}): Promise<Device> {
    const { signal, label } = options;
    if (label !== undefined) check.text(label, "label");
    return this.#call("approveDevice", { code: check.text(codeOrId, "codeOrId"), label }, { signal });
  }

  /** Does not let a device in that asks. */
  async decline(codeOrId: string, options: Cancellable = {}): Promise<void> {
    return this.#call("declineDevice", { code: check.text(codeOrId, "codeOrId") }, options);
  }

  /**
   * A text that brings another device in by itself: once, and within `lastsMs` milliseconds, an hour unless said and a
   * day at most. It is a secret: whoever has it is in.
   */
  async enroll(options: Cancellable & Labelled & { readonly lastsMs?: number } = {}): Promise<string> {
    const { signal, label, lastsMs } = options;
    if (label !== undefined) check.text(label, "label");
    if (lastsMs !== undefined) check.count(lastsMs, "lastsMs");
    return this.#call("enrollNewDevice", { label, lastsMs }, { signal });
  }

  /** Gives this device new keys. Nothing else changes, for nobody. */
  async rotate(options: Cancellable = {}): Promise<Device> {
    return this.#call("rotateDevice", { label: undefined }, options);
  }

  /** Calls this device something else, and gives it new keys. */
  async rename(label: string, options: Cancellable = {}): Promise<Device> {
    return this.#call("rotateDevice", { label: check.text(label, "label") }, options);
  }

  /**
   * Takes devices out, by id or by what they are called, with those that they let in unless they are in `keep`. The
   * account goes on with a new master key, and all that it takes part in with new keys: `onProgress` tells how far
   * that is. What is interrupted goes on by itself.
   *
   * @throws `UnknownHolder`, `RevocationOfOneself`
   */
  async revoke(
    devices: string | readonly string[],
    options: Cancellable & {
      readonly keep?: readonly string[];
      readonly onProgress?: (progress: Progress) => void;
    } = {},
  ): Promise<RevokedDevices> {
    const { signal, keep = [], onProgress } = options;
    const deviceIds = typeof devices === "string" ? [devices] : [...devices];
    for (const device of [...deviceIds, ...keep]) check.text(device, "devices");
    if (deviceIds.length === 0) throw check.malformed("devices", "at least one device", devices);
    return this.#call("revokeDevices", { deviceIds, keep: [...keep] }, { signal, onProgress });
  }
}

const PROGRAMS = [
  ["Edg/", "Edge"],
  ["Firefox/", "Firefox"],
  ["Chrome/", "Chrome"],
  ["Safari/", "Safari"],
  ["Node.js/", "Node"],
] as const;

const SYSTEMS = [
  ["Android", "Android"],
  ["iPhone", "iPhone"],
  ["iPad", "iPad"],
  ["Mac", "Mac"],
  ["Windows", "Windows"],
  ["CrOS", "ChromeOS"],
  ["Linux", "Linux"],
] as const;

/** What a device calls itself that nobody named: its program and system, for its owner's eyes only. */
export function thisDevice(agent = globalThis.navigator?.userAgent ?? ""): string {
  const found = (list: readonly (readonly [string, string])[]): string | undefined =>
    list.find(([mark]) => agent.includes(mark))?.[1];
  const [program = "Unnamed", system] = [found(PROGRAMS), found(SYSTEMS)];
  return system === undefined ? program : `${program} on ${system}`;
}
