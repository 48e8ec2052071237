// The header of envelope.md: what an envelope is, and the slots that hold its data key.

import { compare, concat, equal, u32, u8, utf8, viewOf } from "./bytes.ts";
import { decode, encode, type Item } from "./cbor.ts";
import { check, Failure } from "./failure.ts";
import { HPKE_OVERHEAD } from "./hpke.ts";
import { bytes, integer, list, nullable, tuple } from "./shape.ts";

/** The part of a header that never changes, whoever comes and goes. */
export interface Fixed {
  readonly objectId: Uint8Array;
  readonly trailer: boolean;
  readonly padded: boolean;
  readonly contextHash: Uint8Array;
  readonly commitment: Uint8Array;
}

/** The data key, sealed to one reader. */
export interface Slot {
  readonly kind: "pair" | "symmetric";
  readonly fingerprint: Uint8Array;
  readonly sealed: Uint8Array;
}

/** A header that was read and not yet authenticated. */
export interface Head {
  readonly fixed: Fixed;
  /** `fixed` as it stands. */
  readonly fixedBytes: Uint8Array;
  readonly slots: readonly Slot[];
  /** The sealed metadata. */
  readonly metadata: Uint8Array | null;
  /** `magic ‖ ver ‖ length ‖ header`, which the MAC covers. */
  readonly covered: Uint8Array;
  readonly mac: Uint8Array;
  /** Where the body starts, in bytes from the start. */
  readonly end: number;
}

const MAGIC = concat(u8(0x89), utf8("KEYFOLD"));
const VERSION = 1;
const PREFIX = 13;
const MAC = 32;
const SUITE = 1;
const SEGMENT_BITS = 16;
const MOST_HEADER = 4 * 2 ** 20;
const MOST_SLOTS = 1024;
const MOST_METADATA = 4096;
const SLOT_LENGTHS = { pair: HPKE_OVERHEAD + 32, symmetric: 72 } as const;

/**
 * Reads the head of an envelope.
 * @throws Failure `NotAnEnvelope`, `Unsupported`, `Truncated`, `TooLarge`, `TooMany`, `NotCanonical`,
 * `Malformed`
 */
export function parseHead(input: Uint8Array): Head {
  const magic = input.slice(0, MAGIC.length);
  check(input.length > 0 && equal(magic, MAGIC.slice(0, magic.length)), "NotAnEnvelope");
  check(input.length < 9 || input[8] === VERSION, "Unsupported");
  check(input.length >= PREFIX, "Truncated");
  const length = viewOf(input).getUint32(9);
  check(length <= MOST_HEADER, "TooLarge");
  const end = PREFIX + length + MAC;
  check(input.length >= end, "Truncated");
  const covered = input.slice(0, PREFIX + length);
  const header = decode(covered.slice(PREFIX), parseHeader);
  return { ...header, covered, mac: input.slice(PREFIX + length, end), end };
}

function parseHeader(item: Item): Pick<Head, "fixed" | "fixedBytes" | "slots" | "metadata"> {
  const [fixed, slots, metadata] = tuple(item, 3);
  const fixedBytes = bytes(fixed);
  return {
    fixed: decode(fixedBytes, parseFixed),
    fixedBytes,
    slots: parseSlots(list(slots)),
    metadata: nullable(metadata, parseMetadata),
  };
}

/** `magic ‖ ver ‖ length ‖ header`; the slots are put into their order. */
export function encodeHead(
  fixedBytes: Uint8Array,
  slots: readonly Slot[],
  metadata: Uint8Array | null,
): Uint8Array {
  const ordered = slots.toSorted((a, b) => compare(a.fingerprint, b.fingerprint));
  const items = ordered.map((slot) => [slot.kind === "pair" ? 0n : 1n, slot.fingerprint, slot.sealed]);
  const header = encode([fixedBytes, items, metadata]);
  return concat(MAGIC, u8(VERSION), u32(header.length), header);
}

/** The canonical encoding of the fixed header. */
export function encodeFixed(fixed: Fixed): Uint8Array {
  const flags = (fixed.trailer ? 1n : 0n) | (fixed.padded ? 2n : 0n);
  return encode([
    BigInt(SUITE),
    fixed.objectId,
    BigInt(SEGMENT_BITS),
    flags,
    fixed.contextHash,
    fixed.commitment,
  ]);
}

function parseFixed(item: Item): Fixed {
  const [suite, objectId, segmentBits, flags, contextHash, commitment] = tuple(item, 6);
  check(integer(suite) === SUITE, "Unsupported");
  check(integer(segmentBits) === SEGMENT_BITS, "Unsupported");
  const bits = integer(flags);
  check(bits <= 3, "Unsupported");
  return {
    objectId: bytes(objectId, 32),
    trailer: (bits & 1) !== 0,
    padded: (bits & 2) !== 0,
    contextHash: bytes(contextHash, 32),
    commitment: bytes(commitment, 32),
  };
}

function parseSlots(items: readonly Item[]): readonly Slot[] {
  check(items.length > 0, "Malformed");
  check(items.length <= MOST_SLOTS, "TooMany");
  const slots = items.map(parseSlot);
  for (const [index, slot] of slots.entries()) {
    const before = slots[index - 1];
    const ascends = before === undefined || compare(before.fingerprint, slot.fingerprint) < 0;
    check(ascends, "NotCanonical");
  }
  return slots;
}

function parseSlot(item: Item): Slot {
  const [number, fingerprint, sealed] = tuple(item, 3);
  const kind = (["pair", "symmetric"] as const)[integer(number)];
  if (kind === undefined) throw new Failure("Unsupported");
  return { kind, fingerprint: bytes(fingerprint, 32), sealed: bytes(sealed, SLOT_LENGTHS[kind]) };
}

function parseMetadata(item: Item): Uint8Array {
  const sealed = bytes(item);
  check(sealed.length <= MOST_METADATA, "TooLarge");
  return sealed;
}
