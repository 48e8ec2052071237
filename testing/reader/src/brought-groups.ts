// "History" of audit.md: the groups that a file brings along. They stand in each other, so each is replayed
// when a state of it is asked for.

import { compare, hex } from "./bytes.ts";
import { encode, type Item } from "./cbor.ts";
import type { Accounts } from "./citation.ts";
import type { Scopes } from "./cited-scopes.ts";
import { entryHash, NOTHING_BEFORE, parseEntry } from "./entry.ts";
import { check } from "./failure.ts";
import { appendToKeychain } from "./keychain-ledger.ts";
import type { Keychain, Principal } from "./keychain-state.ts";
import { list } from "./shape.ts";

/** The ledgers of groups in a file, by id. */
export class BroughtGroups implements Scopes {
  readonly #accounts: Accounts;
  readonly #entries = new Map<Principal, readonly Uint8Array[]>();
  readonly #states = new Map<Principal, readonly Keychain[] | "in replay">();

  /** @throws Failure `NotProved` unless they ascend and each has a first entry */
  constructor(ledgers: readonly Item[], accounts: Accounts) {
    this.#accounts = accounts;
    let before: Uint8Array | null = null;
    for (const ledger of ledgers) {
      const entries = list(ledger).map(encode);
      const [first] = entries;
      check(first !== undefined, "NotProved");
      const id = entryHash(NOTHING_BEFORE, 0, parseEntry(first).signed);
      check(before === null || compare(before, id) < 0, "NotProved");
      before = id;
      this.#entries.set(hex(id), entries);
    }
  }

  /** @throws Failure of the replay; `NotProved` for a group that waits for itself */
  get(group: Principal): readonly Keychain[] | undefined {
    const known = this.#states.get(group);
    check(known !== "in replay", "NotProved");
    const entries = this.#entries.get(group);
    if (known !== undefined || entries === undefined) return known;
    this.#states.set(group, "in replay");
    const states: Keychain[] = [];
    for (const entry of entries) {
      states.push(appendToKeychain(states.at(-1) ?? null, entry, this.#accounts, this));
    }
    check(states[0]?.kind === "group", "NotProved");
    this.#states.set(group, states);
    return states;
  }

  /** Replays those, too, that nothing has asked for. */
  replayAll(): void {
    for (const group of this.#entries.keys()) this.get(group);
  }
}
