// envelope.md: a file or object, encrypted once under a data key that readers open through slots.

import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";

import { concat, equal, u8, utf8 } from "./bytes.ts";
import { decode, encode, type Item } from "./cbor.ts";
import { derive, openOnce, sealOnce } from "./derivation.ts";
import { openBody, sealBody } from "./envelope-body.ts";
import { encodeFixed, encodeHead, type Head, parseHead, type Slot } from "./envelope-header.ts";
import { type Author, parseTrailer, sealTrailer, TRAILER, type Trailer } from "./envelope-trailer.ts";
import { check, Failure, otherwise } from "./failure.ts";
import { hash } from "./hash.ts";
import { hpkeOpen, hpkeSeal, wrappingKeyOf } from "./hpke.ts";
import { type HeldKey, whereOf } from "./key.ts";
import type { Draw } from "./random.ts";
import { integer, nullable, text, tuple } from "./shape.ts";

/** What an envelope says of its content, sealed. */
export interface Metadata {
  readonly name: string | null;
  readonly mediaType: string | null;
  /** Milliseconds since 1970. */
  readonly modified: number | null;
}

/** An envelope that was opened to its end. */
export interface Opened {
  readonly plaintext: Uint8Array;
  readonly metadata: Metadata | null;
  /** The author's signature, not yet verified. */
  readonly trailer: Trailer | null;
  readonly dataKey: Uint8Array;
}

/** A head that is authentic, and what its body opens with. */
export interface OpenedHead {
  readonly head: Head;
  readonly metadata: Metadata | null;
  readonly dataKey: Uint8Array;
  readonly payloadKey: Uint8Array;
}

/** What goes into an envelope beside its plaintext. */
export interface Writing {
  readonly context: Uint8Array;
  readonly keys: readonly HeldKey[];
  readonly metadata: Metadata | null;
  readonly padded: boolean;
  readonly author: Author | null;
}

const SLOT = "KF1 slot";
const nowhere = new Uint8Array(0);

/** Seals an envelope. Draws the object id, the data key, what the slots need, and the metadata's salt. */
export function sealEnvelope(plaintext: Uint8Array, writing: Writing, draw: Draw): Uint8Array {
  const objectId = draw(32);
  const dataKey = draw(32);
  const fixedBytes = encodeFixed({
    objectId,
    trailer: writing.author !== null,
    padded: writing.padded,
    contextHash: hash("KF1 context", writing.context),
    commitment: commitmentOf(dataKey, objectId),
  });
  const slots = writing.keys.map((key) => sealSlot(dataKey, objectId, key, draw));
  const metadata =
    writing.metadata === null
      ? null
      : sealOnce(dataKey, "KF1 envelope metadata", objectId, encodeMetadata(writing.metadata), draw);
  const head = encodeHead(fixedBytes, slots, metadata);
  const body = sealBody(payloadKeyOf(dataKey, objectId, fixedBytes), plaintext, writing.padded);
  const trailer = writing.author === null ? nowhere : sealTrailer(writing.author, fixedBytes, body);
  return concat(head, macOf(dataKey, objectId, head), body, trailer);
}

/**
 * Opens an envelope with one of the keys that a reader holds.
 * @throws Failure with the codes of envelope.md
 */
export function openEnvelope(
  input: Uint8Array,
  keys: readonly HeldKey[],
  context: Uint8Array,
  cachedDataKey?: Uint8Array,
): Opened {
  const { head, metadata, dataKey, payloadKey } = openHead(input, keys, context, cachedDataKey);
  const { body, trailer } = withoutTrailer(input.slice(head.end), head);
  const plaintext = openBody(payloadKey, body, head.fixed.padded);
  return { plaintext, metadata, trailer, dataKey };
}

/**
 * Opens the head at the start of an input.
 * @throws Failure with the codes of envelope.md
 */
export function openHead(
  input: Uint8Array,
  keys: readonly HeldKey[],
  context: Uint8Array,
  cachedDataKey?: Uint8Array,
): OpenedHead {
  const head = parseHead(input);
  const { objectId, contextHash } = head.fixed;
  check(equal(contextHash, hash("KF1 context", context)), "Unauthentic");
  const dataKey = cachedDataKey ?? openSlot(head, keys);
  check(equal(head.fixed.commitment, commitmentOf(dataKey, objectId)), "Unauthentic");
  check(equal(head.mac, macOf(dataKey, objectId, head.covered)), "Unauthentic");
  const metadata = head.metadata === null ? null : openMetadata(head.metadata, dataKey, objectId);
  return { head, metadata, dataKey, payloadKey: payloadKeyOf(dataKey, objectId, head.fixedBytes) };
}

function withoutTrailer(rest: Uint8Array, head: Head): { body: Uint8Array; trailer: Trailer | null } {
  if (!head.fixed.trailer) return { body: rest, trailer: null };
  check(rest.length >= TRAILER + 24, "Truncated");
  const body = rest.slice(0, rest.length - TRAILER);
  return { body, trailer: parseTrailer(rest.slice(rest.length - TRAILER), head.fixedBytes, body) };
}

function openSlot(head: Head, keys: readonly HeldKey[]): Uint8Array {
  for (const slot of head.slots) {
    const key = keys.find((held) => held.kind === slot.kind && equal(held.fingerprint, slot.fingerprint));
    if (key === undefined) continue;
    const place = placeOf(head.fixed.objectId, key);
    const dataKey =
      key.kind === "pair"
        ? hpkeOpen(key.secret, utf8(SLOT), place, slot.sealed)
        : openOnce(key.secret, SLOT, place, slot.sealed);
    check(dataKey.length === 32, "Unauthentic");
    return dataKey;
  }
  throw new Failure("NoSlot");
}

function sealSlot(dataKey: Uint8Array, objectId: Uint8Array, key: HeldKey, draw: Draw): Slot {
  const place = placeOf(objectId, key);
  const sealed =
    key.kind === "pair"
      ? hpkeSeal(wrappingKeyOf(key.secret), utf8(SLOT), place, dataKey, draw)
      : sealOnce(key.secret, SLOT, place, dataKey, draw);
  return { kind: key.kind, fingerprint: key.fingerprint, sealed };
}

/** `place = object id ‖ scope id ‖ u32 key number ‖ 01` */
function placeOf(objectId: Uint8Array, key: HeldKey): Uint8Array {
  return concat(objectId, whereOf(key), u8(1));
}

function commitmentOf(dataKey: Uint8Array, objectId: Uint8Array): Uint8Array {
  return derive(dataKey, objectId, "KF1 envelope commitment", nowhere, 32);
}

function payloadKeyOf(dataKey: Uint8Array, objectId: Uint8Array, fixedBytes: Uint8Array): Uint8Array {
  return derive(dataKey, objectId, "KF1 envelope payload", hash("KF1 envelope fixed", fixedBytes), 32);
}

function macOf(dataKey: Uint8Array, objectId: Uint8Array, covered: Uint8Array): Uint8Array {
  return hmac(sha256, derive(dataKey, objectId, "KF1 envelope header", nowhere, 32), covered);
}

function encodeMetadata({ name, mediaType, modified }: Metadata): Uint8Array {
  return encode([name, mediaType, modified === null ? null : BigInt(modified)]);
}

function parseMetadata(item: Item): Metadata {
  const [name, mediaType, modified] = tuple(item, 3);
  return {
    name: nullable(name, text),
    mediaType: nullable(mediaType, text),
    modified: nullable(modified, integer),
  };
}

function openMetadata(sealed: Uint8Array, dataKey: Uint8Array, objectId: Uint8Array): Metadata {
  const opened = openOnce(dataKey, "KF1 envelope metadata", objectId, sealed);
  return otherwise("Unauthentic", () => decode(opened, parseMetadata));
}
