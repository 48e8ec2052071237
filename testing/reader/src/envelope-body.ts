// The body of envelope.md: segments, of which the last one says so and carries the true length.

import { concat, isZero, u64, u8, viewOf } from "./bytes.ts";
import { openSegment, sealSegment } from "./derivation.ts";
import { check, Failure } from "./failure.ts";
import { padme, padTo } from "./padding.ts";

const SEGMENT = 65_536;
const SEALED = SEGMENT + 16;
const LENGTH = 8;
const LEAST_LAST = LENGTH + 16;
const MOST_SEGMENTS = 2 ** 24;

/** Seals a plaintext into segments, padded first where that is asked for. */
export function sealBody(payloadKey: Uint8Array, plaintext: Uint8Array, padded: boolean): Uint8Array {
  const filled = padded ? padTo(plaintext, padme(plaintext.length)) : plaintext;
  const count = Math.max(1, Math.ceil(filled.length / SEGMENT));
  const segments = Array.from({ length: count }, (_, index) => {
    const rest = filled.slice(index * SEGMENT, (index + 1) * SEGMENT);
    return index < count - 1
      ? sealSegment(payloadKey, nonce(index, false), rest)
      : sealSegment(payloadKey, nonce(index, true), concat(u64(plaintext.length), rest));
  });
  return concat(...segments);
}

/** The length of a body, of the length of what is sealed in it, padding included. */
export function sealedLength(filled: number): number {
  const before = Math.max(0, Math.ceil(filled / SEGMENT) - 1);
  return before * SEALED + (filled - before * SEGMENT) + LEAST_LAST;
}

/** Cuts a body into its sealed segments, by its length alone. */
export function cutBody(body: Uint8Array): Uint8Array[] {
  const count = Math.max(1, Math.ceil((body.length - LENGTH) / SEALED));
  return Array.from({ length: count }, (_, index) =>
    body.slice(index * SEALED, index < count - 1 ? (index + 1) * SEALED : body.length),
  );
}

/**
 * Opens a body.
 * @throws Failure `Truncated`, `TooLarge`, `Unauthentic`
 */
export function openBody(payloadKey: Uint8Array, body: Uint8Array, padded: boolean): Uint8Array {
  check(body.length >= LEAST_LAST, "Truncated");
  const sealed = cutBody(body);
  check(sealed.length <= MOST_SEGMENTS, "TooLarge");
  const opened = sealed.map((segment, index) =>
    index < sealed.length - 1
      ? openSegment(payloadKey, nonce(index, false), segment)
      : openLast(payloadKey, index, segment),
  );
  const last = opened.pop() ?? new Uint8Array(LENGTH);
  check(opened.length === 0 || last.length > LENGTH, "Truncated");
  const plaintext = concat(...opened, last.slice(LENGTH));
  return withoutPadding(plaintext, viewOf(last).getBigUint64(0), padded);
}

/** A body whose last segment was opened: how long its plaintext is, and a range of it. */
export interface OpenedRange {
  readonly length: number;
  readonly plaintext: () => Uint8Array;
}

/**
 * Opens a range of a padded body that is so many bytes long: the last segment first, then those that it touches.
 * @param read the bytes of the body from `start` to before `end`
 * @throws Failure `Truncated`, `TooLarge`, `Unauthentic`
 */
export function openRange(
  payloadKey: Uint8Array,
  bodyLength: number,
  [start, end]: readonly [number, number],
  read: (start: number, end: number) => Uint8Array,
): OpenedRange {
  check(bodyLength >= LEAST_LAST, "Truncated");
  const count = Math.max(1, Math.ceil((bodyLength - LENGTH) / SEALED));
  check(count <= MOST_SEGMENTS, "TooLarge");
  const lastAt = (count - 1) * SEALED;
  const last = openLast(payloadKey, count - 1, read(lastAt, bodyLength));
  check(count === 1 || last.length > LENGTH, "Truncated");
  const filled = (count - 1) * SEGMENT + last.length - LENGTH;
  const trueLength = viewOf(last).getBigUint64(0);
  check(trueLength <= BigInt(filled), "Unauthentic");
  const length = Number(trueLength);
  check(padme(length) === filled, "Unauthentic");
  const until = Math.min(end, length);
  return {
    length,
    plaintext() {
      if (start >= until) return new Uint8Array(0);
      const first = Math.floor(start / SEGMENT);
      const segments = Array.from({ length: Math.ceil(until / SEGMENT) - first }, (_, at) => {
        const index = first + at;
        if (index === count - 1) return last.slice(LENGTH);
        return openSegment(payloadKey, nonce(index, false), read(index * SEALED, (index + 1) * SEALED));
      });
      return concat(...segments).slice(start - first * SEGMENT, until - first * SEGMENT);
    },
  };
}

/** The last segment there is. If it authenticates as one that others follow, these are missing. */
function openLast(payloadKey: Uint8Array, index: number, segment: Uint8Array): Uint8Array {
  check(segment.length >= LEAST_LAST, "Truncated");
  if (segment.length === SEALED && opens(payloadKey, nonce(index, false), segment)) {
    throw new Failure("Truncated");
  }
  return openSegment(payloadKey, nonce(index, true), segment);
}

function opens(key: Uint8Array, nonce: Uint8Array, segment: Uint8Array): boolean {
  try {
    openSegment(key, nonce, segment);
    return true;
  } catch {
    return false;
  }
}

function withoutPadding(plaintext: Uint8Array, trueLength: bigint, padded: boolean): Uint8Array {
  check(trueLength <= BigInt(plaintext.length), "Unauthentic");
  const length = Number(trueLength);
  check((padded ? padme(length) : length) === plaintext.length, "Unauthentic");
  check(isZero(plaintext.slice(length)), "Unauthentic");
  return plaintext.slice(0, length);
}

/** `nonce(i, last) = 11-byte big-endian i ‖ last` */
function nonce(index: number, last: boolean): Uint8Array {
  return concat(new Uint8Array(3), u64(index), u8(last ? 1 : 0));
}
