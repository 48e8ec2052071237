// "Receipts" of http.md: what a server signs about the head of a ledger.

import { equal } from "./bytes.ts";
import { encode, type Item } from "./cbor.ts";
import type { Head } from "./entry.ts";
import { check } from "./failure.ts";
import { hash } from "./hash.ts";
import { bytes, integer, tuple } from "./shape.ts";
import { SIGNATURE, verify } from "./signature.ts";

/** A receipt that was read and not yet verified. */
export interface Receipt {
  readonly scope: Uint8Array;
  readonly head: Head;
  /** Whether it is signed with this server key. */
  readonly verifies: (serverKey: Uint8Array) => boolean;
}

/**
 * Reads a receipt.
 * @throws Failure `Malformed`, `Unsupported`
 */
export function parseReceipt(item: Item | undefined): Receipt {
  const [statement, signature] = tuple(item, 2);
  const [version, server, scope, head, time] = tuple(statement, 5);
  check(version === 1n, "Unsupported");
  const [seq, headHash] = tuple(head, 2);
  integer(time);
  const serverId = bytes(server, 32);
  const signed = encode(statement ?? null);
  const signatureBytes = bytes(signature, SIGNATURE);
  return {
    scope: bytes(scope, 32),
    head: { seq: integer(seq), hash: bytes(headHash, 32) },
    verifies: (serverKey) =>
      equal(serverId, hash("KF1 server id", serverKey)) &&
      verify(serverKey, "KF1 receipt", signed, signatureBytes),
  };
}
