// Ledgers: the entries of each vector are replayed, and the last one is accepted or refused with its code.

import { readFileSync } from "node:fs";
import { join } from "node:path";

import { type Account, appendToAccount } from "../src/account-ledger.ts";
import { fromHex, hex } from "../src/bytes.ts";
import type { Accounts } from "../src/citation.ts";
import { appendToKeychain } from "../src/keychain-ledger.ts";
import type { Keychain } from "../src/keychain-state.ts";
import { readFolder, runFolder, type Vector, VECTORS } from "./vectors.ts";

interface LedgerVector extends Vector {
  readonly ledger: "account" | "keychain";
  readonly entries: readonly string[];
  readonly last: string;
  /** Ledgers that are at hand in place of those in `accounts.json`. */
  readonly accounts?: Record<string, readonly string[]>;
}

const ACCOUNTS = "accounts";

/** Ledgers that are good must replay: a refusal there is no verdict on the last entry. */
function replay<State>(
  entries: readonly string[],
  append: (state: State | null, encoded: Uint8Array) => State,
): State | null {
  return entries.reduce<State | null>((state, entry) => {
    try {
      return append(state, fromHex(entry));
    } catch (error) {
      throw new Error(`an entry before the last is refused: ${error}`, { cause: error });
    }
  }, null);
}

function accountsIn(ledgers: Record<string, readonly string[]>): Accounts {
  return new Map(
    Object.entries(ledgers).map(([person, entries]) => {
      const account = replay<Account>(entries, appendToAccount);
      if (account?.userId !== person) throw new Error(`not the ledger of ${person}`);
      return [hex(account.id), account];
    }),
  );
}

const file = readFileSync(join(VECTORS, "ledger", `${ACCOUNTS}.json`), "utf8");
const people = accountsIn(JSON.parse(file) as Record<string, string[]>);
const vectors = readFolder<LedgerVector>("ledger").filter(({ name }) => name !== ACCOUNTS);

runFolder("ledger", vectors, ({ ledger, entries, last, accounts: others = {} }) => {
  if (ledger === "account") {
    appendToAccount(replay<Account>(entries, appendToAccount), fromHex(last));
    return;
  }
  const accounts = new Map([...people, ...accountsIn(others)]);
  const append = (state: Keychain | null, encoded: Uint8Array) => appendToKeychain(state, encoded, accounts);
  append(replay<Keychain>(entries, append), fromHex(last));
});
