// values.md: one value under one keychain key, in a form that fits a database column.

import { base64url, concat, equal, fromBase64url, isText, isZero, u32, u8, utf8, viewOf } from "./bytes.ts";
import { derive, openSegment, sealSegment } from "./derivation.ts";
import { check, Failure } from "./failure.ts";
import { hash } from "./hash.ts";
import { HPKE_OVERHEAD, hpkeOpen, hpkeSeal, wrappingKeyOf } from "./hpke.ts";
import { type HeldKey, whereOf } from "./key.ts";
import { padme, padTo } from "./padding.ts";
import type { Draw } from "./random.ts";

/** A value as it was before it was sealed. */
export interface Value {
  /** 0 bytes · 1 text · 2 number · 3 boolean · 4 date · 5 JSON */
  readonly type: number;
  /** Its data, encoded as the type says. */
  readonly data: Uint8Array;
}

const MAGIC = utf8("KFV");
const VERSION = 1;
const PREFIX = "kf1.";
const HEAD = 5 + 32 + 24 + 32;
const ENCAPSULATED = HPKE_OVERHEAD + 32;
const LEAST_PAYLOAD = 16;
const TAG = 16;
const NONCE = new Uint8Array(12);
const NOT_A_NUMBER = Uint8Array.of(0x7f, 0xf8, 0, 0, 0, 0, 0, 0);

/** The text form of a value's bytes. */
export function valueText(bytes: Uint8Array): string {
  return PREFIX + base64url(bytes);
}

/**
 * The bytes of a value's text form.
 * @throws Failure `Malformed`
 */
export function valueBytes(text: string): Uint8Array {
  check(text.startsWith(PREFIX), "Malformed");
  return fromBase64url(text.slice(PREFIX.length));
}

/** Seals a value; draws the salt, then for a key pair the secret and the encapsulation's randomness. */
export function sealValue(value: Value, key: HeldKey, context: Uint8Array, draw: Draw): Uint8Array {
  const form = key.kind === "pair" ? 1 : 0;
  const salt = draw(24);
  const secret = form === 1 ? draw(32) : key.secret;
  const encapsulated =
    form === 1
      ? hpkeSeal(wrappingKeyOf(key.secret), utf8("KF1 slot"), associated(salt, key), secret, draw)
      : new Uint8Array(0);
  const { once, commitment } = keysOf(secret, salt, key, form, context);
  const payload = concat(u8(value.type), u32(value.data.length), value.data);
  const padded = padTo(payload, Math.max(LEAST_PAYLOAD, padme(payload.length)));
  const head = concat(MAGIC, u8(VERSION), u8(form), key.fingerprint, salt, commitment);
  return concat(head, encapsulated, sealSegment(once, NONCE, padded));
}

/**
 * Opens a value with the one key that it names.
 * @throws Failure `Malformed`, `Unsupported`, `Truncated`, `NoSlot`, `Unauthentic`
 */
export function openValue(bytes: Uint8Array, keys: readonly HeldKey[], context: Uint8Array): Value {
  check(bytes.length >= 5, "Truncated");
  check(equal(bytes.slice(0, 3), MAGIC), "Malformed");
  check(bytes[3] === VERSION, "Unsupported");
  const form = bytes[4];
  check(form === 0 || form === 1, "Unsupported");
  const start = form === 1 ? HEAD + ENCAPSULATED : HEAD;
  const size = bytes.length - start - TAG;
  check(size >= LEAST_PAYLOAD && padme(size) === size, "Truncated");

  const key = keys.find((held) => equal(held.fingerprint, bytes.slice(5, 37)));
  if (key === undefined) throw new Failure("NoSlot");
  check((key.kind === "pair") === (form === 1), "Unauthentic");
  const salt = bytes.slice(37, 61);
  const secret =
    form === 1
      ? hpkeOpen(key.secret, utf8("KF1 slot"), associated(salt, key), bytes.slice(HEAD, start))
      : key.secret;
  const { once, commitment } = keysOf(secret, salt, key, form, context);
  check(equal(commitment, bytes.slice(61, HEAD)), "Unauthentic");
  return parsePayload(openSegment(once, NONCE, bytes.slice(start)));
}

function associated(salt: Uint8Array, key: HeldKey): Uint8Array {
  return concat(salt, whereOf(key), u8(2));
}

/** `key ‖ commitment = Derive(S, salt, "KF1 value", place, 64)` */
function keysOf(
  secret: Uint8Array,
  salt: Uint8Array,
  key: HeldKey,
  form: number,
  context: Uint8Array,
): { once: Uint8Array; commitment: Uint8Array } {
  const place = concat(whereOf(key), u8(form), hash("KF1 context", context));
  const both = derive(secret, salt, "KF1 value", place, 64);
  return { once: both.slice(0, 32), commitment: both.slice(32) };
}

function parsePayload(payload: Uint8Array): Value {
  const type = payload[0] ?? 0;
  check(type <= 5, "Unsupported");
  const length = viewOf(payload).getUint32(1);
  check(Math.max(LEAST_PAYLOAD, padme(5 + length)) === payload.length, "Unauthentic");
  check(5 + length <= payload.length && isZero(payload.slice(5 + length)), "Unauthentic");
  const data = payload.slice(5, 5 + length);
  check(fits(type, data), "Unauthentic");
  return { type, data };
}

/** Whether data is of its type. Whether JSON is JSON, whoever parses it finds out. */
function fits(type: number, data: Uint8Array): boolean {
  switch (type) {
    case 1:
    case 5:
      return isText(data);
    case 2:
      return data.length === 8 && (!Number.isNaN(viewOf(data).getFloat64(0)) || equal(data, NOT_A_NUMBER));
    case 3:
      return data.length === 1 && (data[0] === 0 || data[0] === 1);
    case 4:
      return data.length === 8;
    default:
      return true;
  }
}
