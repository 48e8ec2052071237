// A recovery secret in shares (recovery.md, "Shares").

import { concat, equal, fromBase64url, u8 } from "./bytes.ts";
import { check, otherwise } from "./failure.ts";
import { hash } from "./hash.ts";

const PREFIX = "keyfold:share/";
const VERSION = 1;
const LENGTH = 88;
const SUMMED = 84;
const MOST = 16;

/** One share. */
export interface Share {
  readonly account: Uint8Array;
  readonly set: Uint8Array;
  readonly needed: number;
  readonly count: number;
  readonly index: number;
  readonly part: Uint8Array;
}

/**
 * A share of its text.
 * @throws Failure `ShareDamaged`, `Unsupported`
 */
export function parseShare(text: string): Share {
  const compact = text.replaceAll(/\s+/g, "");
  check(compact.startsWith(PREFIX), "ShareDamaged");
  const bytes = otherwise("ShareDamaged", () => fromBase64url(compact.slice(PREFIX.length)));
  check(bytes.length === 0 || bytes[0] === VERSION, "Unsupported");
  check(bytes.length === LENGTH, "ShareDamaged");
  check(equal(hash("KF1 share", bytes.slice(0, SUMMED)).slice(0, 4), bytes.slice(SUMMED)), "ShareDamaged");
  const [needed = 0, count = 0, index = 0] = bytes.slice(49, 52);
  check(needed >= 2 && needed <= count && count <= MOST, "ShareDamaged");
  check(index >= 1 && index <= count, "ShareDamaged");
  return {
    account: bytes.slice(1, 33),
    set: bytes.slice(33, 49),
    needed,
    count,
    index,
    part: bytes.slice(52, SUMMED),
  };
}

/**
 * The secret that shares come to.
 * @throws Failure `TooFewShares`, `ShareOfAnotherAccount`, `SharesMixed`, `ShareRepeated`, `SharesAltered`
 */
export function combineShares(shares: readonly Share[], account: Uint8Array): Uint8Array {
  const [first] = shares;
  check(first !== undefined, "TooFewShares");
  check(
    shares.every((share) => equal(share.account, account)),
    "ShareOfAnotherAccount",
  );
  check(
    shares.every((share) => sameSet(share, first)),
    "SharesMixed",
  );
  check(new Set(shares.map(({ index }) => index)).size === shares.length, "ShareRepeated");
  check(shares.length >= first.needed, "TooFewShares");
  const secret = Uint8Array.from(first.part, (_, at) => interceptOf(shares, at));
  const { needed, count } = first;
  const commitment = hash("KF1 share set", concat(account, u8(needed), u8(count), secret));
  check(equal(commitment.slice(0, 16), first.set), "SharesAltered");
  return secret;
}

function sameSet(share: Share, first: Share): boolean {
  return equal(share.set, first.set) && share.needed === first.needed && share.count === first.count;
}

/** `f(0)` of one byte: the sum of `f(i) · Π j / (j − i)`, where minus is plus. */
function interceptOf(shares: readonly Share[], at: number): number {
  return shares.reduce((sum, { index, part }) => {
    const others = shares.filter((share) => share.index !== index);
    const weight = others.reduce((product, { index: j }) => times(product, times(j, inverse(j ^ index))), 1);
    return sum ^ times(part[at] ?? 0, weight);
  }, 0);
}

/** The product in GF(2⁸) with x⁸ + x⁴ + x³ + x + 1. */
function times(a: number, b: number): number {
  let product = 0;
  for (let shifted = a, rest = b; rest > 0; rest >>= 1) {
    if (rest & 1) product ^= shifted;
    shifted <<= 1;
    if (shifted & 0x100) shifted ^= 0x11b;
  }
  return product;
}

function inverse(a: number): number {
  for (let candidate = 1; candidate < 256; candidate++) {
    if (times(a, candidate) === 1) return candidate;
  }
  throw new Error(`${a} has no inverse`);
}
