// audit.md: files for auditors. A history proves itself by replay, evidence by two signatures and a chain of hashes.

import { type Account, appendToAccount } from "./account-ledger.ts";
import { BroughtGroups } from "./brought-groups.ts";
import { compare, equal, hex, u8, utf8, concat } from "./bytes.ts";
import type { Accounts } from "./citation.ts";
import { decode, encode, type Item } from "./cbor.ts";
import { entryHash, type Head, parseEntry } from "./entry.ts";
import { check, Failure } from "./failure.ts";
import { appendToKeychain } from "./keychain-ledger.ts";
import type { Keychain } from "./keychain-state.ts";
import { type Receipt, parseReceipt } from "./receipt.ts";
import { bytes, list, tuple } from "./shape.ts";

const MAGIC = concat(u8(0x89), utf8("KFAUDIT"));
const VERSION = 1;
const HISTORY = 0n;
const EVIDENCE = 1n;

/**
 * Verifies an audit file with the server key that it names.
 * @throws Failure `Malformed`, `Unsupported`, `NotProved`
 */
export function verifyAuditFile(file: Uint8Array): "history" | "evidence" {
  check(equal(file.slice(0, MAGIC.length), MAGIC), "Malformed");
  check(file[MAGIC.length] === VERSION, "Unsupported");
  try {
    return decode(file.slice(MAGIC.length + 1), verifyBody);
  } catch (failure) {
    if (failure instanceof Failure && failure.code !== "Unsupported") throw new Failure("NotProved");
    throw failure;
  }
}

function verifyBody(body: Item): "history" | "evidence" {
  const fields = list(body);
  switch (fields[0]) {
    case HISTORY:
      verifyHistory(tuple(fields, 6));
      return "history";
    case EVIDENCE:
      verifyEvidence(tuple(fields, 6));
      return "evidence";
    default:
      throw new Failure("Unsupported");
  }
}

/** A ledger while it is replayed. */
interface Replayed {
  readonly id: Uint8Array;
  readonly head: Head;
}

function verifyHistory([, server, signed, entries, people, groups]: readonly Item[]): void {
  const accounts = readAccounts(list(people));
  const scopes = new BroughtGroups(list(groups), accounts);
  const encoded = list(entries).map(encode);
  const [first] = encoded;
  check(first !== undefined, "NotProved");
  const isAccount = decode(parseEntry(first).signed, (item) => list(item)[1] === 0n);
  const append = (state: Replayed | null, entry: Uint8Array): Replayed =>
    isAccount
      ? appendToAccount(state as Account | null, entry)
      : appendToKeychain(state as Keychain | null, entry, accounts, scopes);
  const end = encoded.reduce<Replayed | null>(append, null);
  check(end !== null, "NotProved");
  scopes.replayAll();
  const receipt = parseReceipt(signed);
  check(receipt.verifies(bytes(server, 32)), "NotProved");
  check(equal(receipt.scope, end.id), "NotProved");
  check(receipt.head.seq === end.head.seq && equal(receipt.head.hash, end.head.hash), "NotProved");
}

function readAccounts(ledgers: readonly Item[]): Accounts {
  const accounts = new Map<string, Account>();
  let before: Uint8Array | null = null;
  for (const ledger of ledgers) {
    const end = list(ledger)
      .map(encode)
      .reduce<Account | null>((state, entry) => appendToAccount(state, entry), null);
    check(end !== null, "NotProved");
    check(before === null || compare(before, end.id) < 0, "NotProved");
    before = end.id;
    accounts.set(hex(end.id), end);
  }
  return accounts;
}

function verifyEvidence([, server, one, other, forkHash, links]: readonly Item[]): void {
  const serverKey = bytes(server, 32);
  const [earlier, later]: [Receipt, Receipt] = [parseReceipt(one), parseReceipt(other)];
  const fork = bytes(forkHash, 32);
  const chain = list(links).map((link) => bytes(link));
  check(equal(earlier.scope, later.scope), "NotProved");
  check(chain.length === later.head.seq - earlier.head.seq, "NotProved");
  check(!equal(fork, earlier.head.hash), "NotProved");
  const end = chain.reduce(
    (prev, signed, index) => entryHash(prev, earlier.head.seq + index + 1, signed),
    fork,
  );
  check(equal(end, later.head.hash), "NotProved");
  check(earlier.verifies(serverKey) && later.verifies(serverKey), "NotProved");
}
