/** `client.groups`: groups of people and of groups, which stand in keychains and in each other. */
import * as check from "./arguments.js";
import type { Cancellable } from "./client.js";
import type { Link } from "./link.js";
import type {
  BanOutcome,
  Group,
  GroupReference,
  Participant,
  PublicUserIdentity,
  ShareOptions,
  ShareOutcome,
} from "./types.js";

/** The rank of a group of people, below that of groups of such groups. */
const TEAM = 100;

/** The highest rank; keychains stand above it. */
const HIGHEST = 65_534;

/**
 * Groups. A group is a scope as a keychain is: where a call of the client takes a `keychainFingerprint`, the text
 * `group:` with a group's fingerprint names the group, for its permissions and owners too.
 */
export class Groups {
  readonly #call: Link["call"];

  /** Of a client. */
  constructor(call: Link["call"]) {
    this.#call = call;
  }

  /**
   * Founds a group, whose name only its members read. It can stand in groups of a higher rank, from 0 to 65,534, and
   * in keychains: 100 for a team, 150 for a department, 200 for an organisation.
   */
  async create(name: string, options: Cancellable & { readonly rank?: number } = {}): Promise<Group> {
    const { signal, rank = TEAM } = options;
    check.text(name, "name");
    if (!Number.isInteger(rank) || rank < 0 || rank > HIGHEST)
      throw check.malformed("rank", `an integer from 0 to ${HIGHEST}`, rank);
    return this.#call("createGroup", { name, rank }, { signal });
  }

  /** The groups that one is in, also through others, by name. */
  async list(options: Cancellable = {}): Promise<Group[]> {
    return this.#call("groups", {}, options);
  }

  /** One of them, by name or fingerprint. `UnknownGroup`; `AmbiguousPurpose` if several have the name. */
  async get(nameOrFingerprint: string, options: Cancellable = {}): Promise<Group> {
    return this.#call("group", { name: check.text(nameOrFingerprint, "nameOrFingerprint") }, options);
  }

  /**
   * Adds people and groups of a lower rank. They get all that was shared with the group, and what will be.
   *
   * @throws `SharingNotAllowed`, `RankTooHigh`, `UnknownUser`
   */
  async add(
    group: GroupReference,
    to: Member | readonly Member[],
    options: ShareOptions = {},
  ): Promise<ShareOutcome> {
    const userIds = check.recipients(to);
    const { signal } = options;
    // Newcomers need the older keys for what was shared with the group before.
    return this.#call(
      "share",
      { kc: check.group(group, "group"), userIds, keys: "all", terms: check.terms(options) },
      { signal },
    );
  }

  /** Puts a person or a group out. The group's key changes, and so do those of all in which it stands. */
  async remove(group: GroupReference, member: Member, options: Cancellable = {}): Promise<BanOutcome> {
    const [userId = ""] = check.recipients(member);
    return this.#call("ban", { kc: check.group(group, "group"), userId }, options);
  }

  /** Who is in it: people, and groups with those who are in by them. */
  async participants(
    group: GroupReference,
    options: Cancellable & { readonly pending?: boolean } = {},
  ): Promise<Participant[]> {
    const { signal, pending = false } = options;
    const kc = check.group(group, "group");
    return this.#call("participants", { kc, keyFingerprint: undefined, pending }, { signal });
  }
}

/** Who can be in a group. */
type Member = Pick<PublicUserIdentity, "userId"> | GroupReference;
