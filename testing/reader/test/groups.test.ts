// Groups that stand in each other: all scopes of a vector are replayed, the last entry is accepted or refused
// with its code, and if it is accepted, what follows is what the vector says.

import { readFileSync } from "node:fs";
import { join } from "node:path";

import { expect } from "vitest";

import { type Account, appendToAccount } from "../src/account-ledger.ts";
import { fromHex, hex } from "../src/bytes.ts";
import { appendToKeychain } from "../src/keychain-ledger.ts";
import type { Keychain, Principal } from "../src/keychain-state.ts";
import { neededWraps } from "../src/needed-wraps.ts";
import { readFolder, runFolder, type Vector, VECTORS } from "./vectors.ts";

interface GroupVector extends Vector {
  readonly scopes: readonly { readonly name: string; readonly entries: readonly string[] }[];
  /** The name of the scope that the last entry is for. */
  readonly scope: string;
  readonly last: string;
  readonly then: {
    readonly needsRotation: boolean;
    readonly exclusions: number;
    /** By their names. */
    readonly groups: Record<
      string,
      { readonly key: number; readonly clean: boolean; readonly depth: number }
    >;
    readonly wraps: readonly (readonly [key: number, recipient: string, number: number, history: boolean])[];
  } | null;
}

const ACCOUNTS = "accounts";

/** Entries that are good must replay: a refusal there is no verdict on the last one. */
function good<State>(append: () => State): State {
  try {
    return append();
  } catch (error) {
    throw new Error(`an entry before the last is refused: ${error}`, { cause: error });
  }
}

function readPeople(): ReadonlyMap<string, Account> {
  const file = readFileSync(join(VECTORS, "groups", `${ACCOUNTS}.json`), "utf8");
  const ledgers = Object.entries(JSON.parse(file) as Record<string, string[]>);
  return new Map(
    ledgers.map(([person, [genesis, ...others]]) => {
      if (genesis === undefined) throw new Error(`${person} has no ledger`);
      const founded = good(() => appendToAccount(null, fromHex(genesis)));
      return [
        person,
        others.reduce((account, entry) => good(() => appendToAccount(account, fromHex(entry))), founded),
      ];
    }),
  );
}

const people = readPeople();
const accounts = new Map([...people.values()].map((account) => [hex(account.id), account]));

/** A scope's state after each of its entries. */
function replay(entries: readonly string[], scopes: ReadonlyMap<Principal, readonly Keychain[]>): Keychain[] {
  const states: Keychain[] = [];
  for (const entry of entries) {
    const before = states.at(-1) ?? null;
    states.push(good(() => appendToKeychain(before, fromHex(entry), accounts, scopes)));
  }
  return states;
}

/** What `then` says, of a state and the entry that led to it. */
function outcome(state: Keychain, last: Uint8Array, nameOf: (principal: Principal) => string) {
  const wraps = neededWraps(state, last).map(({ key, recipient, number, history }) => {
    return [key, nameOf(recipient), number, history] as const;
  });
  return {
    needsRotation: state.needsRotation,
    exclusions: state.exclusions,
    groups: Object.fromEntries([...state.groups].map(([group, held]) => [nameOf(group), held])),
    wraps: inOrder(wraps),
  };
}

function inOrder<Wrap extends readonly unknown[]>(wraps: readonly Wrap[]): readonly Wrap[] {
  return wraps.toSorted((a, b) => (String(a) < String(b) ? -1 : 1));
}

const vectors = readFolder<GroupVector>("groups").filter(({ name }) => name !== ACCOUNTS);

runFolder("groups", vectors, ({ scopes, scope, last, then }) => {
  const states = new Map<Principal, readonly Keychain[]>();
  const ids = new Map<string, Principal>();
  for (const { name, entries } of scopes) {
    const replayed = replay(entries, states);
    const id = hex(replayed[0]?.id ?? new Uint8Array(0));
    states.set(id, replayed);
    ids.set(name, id);
  }

  const before = states.get(ids.get(scope) ?? "")?.at(-1);
  if (before === undefined) throw new Error(`no scope is named ${scope}`);
  const entry = fromHex(last);
  const after = appendToKeychain(before, entry, accounts, states);

  if (then === null) return;
  const names = new Map([...people].map(([person, { id }]) => [hex(id), person]));
  for (const [name, id] of ids) names.set(id, name);
  const nameOf = (principal: Principal) => names.get(principal) ?? principal;
  expect(outcome(after, entry, nameOf)).toEqual({ ...then, wraps: inOrder(then.wraps) });
});
