// vault.md, "A content": an envelope whose head stands in the index, and whose body is cut into objects.

import { concat, equal, hex, utf8 } from "./bytes.ts";
import { type OpenedHead, openHead } from "./envelope.ts";
import { openBody, openRange, sealBody, sealedLength } from "./envelope-body.ts";
import { check } from "./failure.ts";
import { hash } from "./hash.ts";
import type { HeldKey } from "./key.ts";
import { padme } from "./padding.ts";
import type { Content } from "./vault-entry.ts";

/** Where contents are: under which index, with which keys, and what the storage has, by ids in hexadecimal. */
export interface Place {
  readonly index: Uint8Array;
  readonly keys: readonly HeldKey[];
  readonly objects: ReadonlyMap<string, Uint8Array>;
}

/** From where to before where, in bytes of plaintext. */
export type Range = readonly [start: number, end: number];

const PART = 1_048_832;
const MOST_PARTS = 24_576;

/** What the envelopes of a vault are bound to. */
export function vaultContext(index: Uint8Array): Uint8Array {
  return concat(utf8("KF1 vault"), index);
}

/** The name of a part with the storage. */
export function partId(part: Uint8Array): Uint8Array {
  return hash("KF1 object", part);
}

/** Cuts a body into parts. */
export function cutIntoParts(body: Uint8Array): readonly Uint8Array[] {
  const count = Math.ceil(body.length / PART);
  return Array.from({ length: count }, (_, index) => body.slice(index * PART, (index + 1) * PART));
}

/**
 * Reads a content, or a range of it.
 * @throws Failure `Unauthentic`, `ObjectMissing`, and what the head of an envelope may be
 */
export function readContentAt(place: Place, content: Content, range: Range | null): Uint8Array {
  const fits = sealedLength(padme(content.size)) === content.body;
  check(fits && content.parts.length === Math.ceil(content.body / PART), "Unauthentic");
  check(content.parts.length <= MOST_PARTS, "Unauthentic");
  const { payloadKey } = openContentHead(place, content.head);
  if (range === null) {
    const body = concat(...content.parts.map((_, number) => partAt(place, content, number)));
    const plaintext = openBody(payloadKey, body, true);
    check(plaintext.length === content.size, "Unauthentic");
    return plaintext;
  }
  const opened = openRange(payloadKey, content.body, range, (start, end) => {
    const [first, last] = [Math.floor(start / PART), Math.ceil(end / PART)];
    const numbers = Array.from({ length: last - first }, (_, at) => first + at);
    const held = concat(...numbers.map((number) => partAt(place, content, number)));
    return held.slice(start - first * PART, end - first * PART);
  });
  check(opened.length === content.size, "Unauthentic");
  return opened.plaintext();
}

/**
 * Seals a source again for a content that was on its way: the ids of the parts that leave now, or `null` where one of
 * them was noted as another, so that none may.
 */
export function goOn(
  place: Place,
  head: Uint8Array,
  source: Uint8Array,
  noted: readonly Uint8Array[],
  stored: number,
): readonly Uint8Array[] | null {
  const { payloadKey } = openContentHead(place, head);
  const ids = cutIntoParts(sealBody(payloadKey, source, true)).map(partId);
  const isSame = ids.every((id, number) => {
    const before = noted[number];
    return before === undefined || equal(before, id);
  });
  return isSame ? ids.slice(stored) : null;
}

function openContentHead({ index, keys }: Place, bytes: Uint8Array): OpenedHead {
  const opened = openHead(bytes, keys, vaultContext(index));
  const { fixed, metadata, end } = opened.head;
  check(fixed.padded && !fixed.trailer && metadata === null && end === bytes.length, "Unauthentic");
  return opened;
}

function partAt({ objects }: Place, { parts, body }: Content, number: number): Uint8Array {
  const id = parts[number];
  check(id !== undefined, "Unauthentic");
  const part = objects.get(hex(id));
  check(part !== undefined, "ObjectMissing");
  check(part.length === Math.min(PART, body - number * PART), "Unauthentic");
  check(equal(partId(part), id), "Unauthentic");
  return part;
}
