// What two people compare, of account-ledger.md, "Comparing identities": safety words, and an identity as a URI.

import { pbkdf2Sync } from "node:crypto";

import { wordlist } from "@scure/bip39/wordlists/english.js";

import { base64url, compare, concat, utf8 } from "./bytes.ts";
import { escaped } from "./uri-text.ts";

/** The safety words of two accounts, as numbers in the list. */
export function safetyNumbers(one: Uint8Array, other: Uint8Array): number[] {
  const ids = compare(one, other) < 0 ? concat(one, other) : concat(other, one);
  const bytes = pbkdf2Sync(ids, utf8("KF1 safety words"), 2 ** 18, 11, "sha512");
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  return Array.from({ length: 8 }, (_, at) => Number.parseInt(bits.slice(11 * at, 11 * (at + 1)), 2));
}

/** The words that stand for these numbers, as they are shown. */
export function safetyWords(numbers: readonly number[]): string {
  return numbers.map((number) => wordlist[number]).join(" ");
}

/** An identity to show and to scan. */
export function identityUri(account: Uint8Array, userId: string): string {
  return `keyfold:identity/${base64url(account)}/${escaped(userId)}`;
}
