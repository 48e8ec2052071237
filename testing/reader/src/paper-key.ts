// A recovery secret as 24 words (recovery.md, "Paper").

import { sha256 } from "@noble/hashes/sha2.js";
import { wordlist } from "@scure/bip39/wordlists/english.js";

import { check } from "./failure.ts";

const WORDS = 24;
const BITS = 11;

/**
 * The secret that somebody's words stand for, however he typed them.
 * @throws Failure `UnknownWord`, `WrongWordCount`, `WrongWords`
 */
export function readPaper(text: string): Uint8Array {
  const words = text
    .toLowerCase()
    .split(/[ ,\t\r\n]+/)
    .filter((word) => word !== "");
  const numbers = words.map((word) => wordlist.indexOf(word));
  check(!numbers.includes(-1), "UnknownWord");
  check(numbers.length === WORDS, "WrongWordCount");
  const bits = numbers.map((number) => number.toString(2).padStart(BITS, "0")).join("");
  const bytes = Uint8Array.from({ length: 33 }, (_, at) =>
    Number.parseInt(bits.slice(8 * at, 8 * (at + 1)), 2),
  );
  const secret = bytes.slice(0, 32);
  check(sha256(secret)[0] === bytes[32], "WrongWords");
  return secret;
}
