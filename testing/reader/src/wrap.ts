// wraps.md: a keychain's key, encrypted once for one holder, and compared with what the ledger says it is.

import { concat, equal, u32, u8, utf8 } from "./bytes.ts";
import { decode, encode, type Item } from "./cbor.ts";
import { check, Failure } from "./failure.ts";
import { HPKE_OVERHEAD, hpkeOpen, hpkeSeal, wrappingKeyOf } from "./hpke.ts";
import { historyCommitment, keyFingerprint } from "./keychain-key.ts";
import type { Draw } from "./random.ts";
import { bytes, integer, tuple, within } from "./shape.ts";

/** A wrap as it stands on the wire and in the store. */
export interface Wrap {
  readonly number: number;
  readonly recipient: Uint8Array;
  readonly recipientNumber: number;
  readonly history: boolean;
  readonly sealed: Uint8Array;
}

/** What a wrap belongs to: the associated data of its encryption. */
export interface WrapPlace {
  /** 1 keychain · 2 group */
  readonly kind: number;
  readonly scope: Uint8Array;
  readonly number: number;
  readonly recipient: Uint8Array;
  readonly recipientNumber: number;
  readonly history: boolean;
}

/** What the ledger says of the key: the signed entry that named it. */
export interface NamedKey {
  readonly binding: Uint8Array;
  readonly number: number;
  readonly algorithm: number;
  readonly fingerprint: Uint8Array;
  readonly publicKey: Uint8Array | null;
  readonly historyCommitment: Uint8Array;
}

/** What was wrapped. */
export interface Wrapped {
  readonly key: Uint8Array;
  readonly history: Uint8Array | null;
}

const SECRET = 32;
const info = concat(utf8("KF1 wrap"), Uint8Array.of(0, 1));

/**
 * Reads a wrap.
 * @throws Failure `Malformed`, `NotCanonical`, `Truncated`
 */
export function parseWrap(encoded: Uint8Array): Wrap {
  return decode(encoded, parseFields);
}

function parseFields(item: Item): Wrap {
  const [number, recipient, recipientNumber, history, sealed] = tuple(item, 5);
  const flag = integer(history);
  check(flag <= 1, "Malformed");
  return {
    number: within(number, 32),
    recipient: bytes(recipient, 32),
    recipientNumber: within(recipientNumber, 32),
    history: flag === 1,
    sealed: bytes(sealed),
  };
}

/** Writes a wrap. */
export function encodeWrap(wrap: Wrap): Uint8Array {
  const history = wrap.history ? 1n : 0n;
  return encode([BigInt(wrap.number), wrap.recipient, BigInt(wrap.recipientNumber), history, wrap.sealed]);
}

/** Wraps a key to a recipient's wrapping key. */
export function wrapKey(wrapped: Wrapped, place: WrapPlace, to: Uint8Array, draw: Draw): Uint8Array {
  const plaintext = wrapped.history === null ? wrapped.key : concat(wrapped.key, wrapped.history);
  return hpkeSeal(to, info, associated(place), plaintext, draw);
}

/**
 * Opens a wrap and compares what comes out with what the ledger names.
 * @param seed the recipient's, of its sharing key or group key
 * @throws Failure `Malformed` (another length), `Unauthentic`
 */
export function unwrapKey(sealed: Uint8Array, place: WrapPlace, seed: Uint8Array, named: NamedKey): Wrapped {
  const length = HPKE_OVERHEAD + (place.history ? 2 * SECRET : SECRET);
  check(sealed.length === length, "Malformed");
  const plaintext = hpkeOpen(seed, info, associated(place), sealed);
  const key = plaintext.slice(0, SECRET);
  const history = place.history ? plaintext.slice(SECRET) : null;
  if (!isNamed(key, history, named)) throw new Failure("Unauthentic");
  return { key, history };
}

function isNamed(key: Uint8Array, history: Uint8Array | null, named: NamedKey): boolean {
  const { binding, number, algorithm, publicKey } = named;
  const half = algorithm === 0 ? null : wrappingKeyOf(key);
  return (
    equal(keyFingerprint(binding, number, algorithm, key), named.fingerprint) &&
    (half === null ? publicKey === null : publicKey !== null && equal(half, publicKey)) &&
    (history === null || equal(historyCommitment(binding, number, history), named.historyCommitment))
  );
}

function associated(place: WrapPlace): Uint8Array {
  return concat(
    u8(place.kind),
    place.scope,
    u32(place.number),
    place.recipient,
    u32(place.recipientNumber),
    u8(place.history ? 1 : 0),
  );
}
