/**
 * Sizes of the sealed objects in a request that stores some, read from its body as it passes. Separate from the log,
 * which knows requests: this knows the one body that an operator can take apart, a list of byte strings in CBOR.
 */

/** The requests whose bodies those are. */
export const STORES_NODES = /^POST \/v1\/scopes\/[^/]+\/objects$/;

/** A size, and how many nodes have it. */
export type Nodes = readonly (readonly [size: number, count: number])[];

/** Of one body. */
export class NodeSizes {
  readonly #sizes: number[] = [];
  /** Bytes of a head that has not come whole. */
  #head = Buffer.alloc(0);
  /** Bytes of a node that are still to come. */
  #left = 0;

  take(chunk: Buffer): void {
    let at = Math.min(this.#left, chunk.length);
    this.#left -= at;
    while (at < chunk.length) {
      this.#head = Buffer.concat([this.#head, chunk.subarray(at, ++at)]);
      const head = read(this.#head);
      if (head === null) continue;
      this.#head = Buffer.alloc(0);
      if (head.major !== BYTES) continue;
      this.#sizes.push(head.value);
      const here = Math.min(head.value, chunk.length - at);
      this.#left = head.value - here;
      at += here;
    }
  }

  get sizes(): readonly number[] {
    return this.#sizes;
  }
}

const BYTES = 2;

/** A head of CBOR (RFC 8949, 3), or `null` if more of it has to come. */
function read(bytes: Buffer): { readonly major: number; readonly value: number } | null {
  const first = bytes[0] ?? 0;
  const [major, short] = [first >> 5, first & 31];
  const length = short < 24 ? 0 : 2 ** (short - 24);
  if (bytes.length < 1 + length) return null;
  return { major, value: length === 0 ? short : Number(`0x${bytes.toString("hex", 1, 1 + length)}`) };
}
