// "The server's next key" of http.md: from the key that was pinned to the newest, signed step by step.

import { equal } from "./bytes.ts";
import { decode, encode, type Item } from "./cbor.ts";
import { check, otherwise } from "./failure.ts";
import { bytes, integer, list, tuple } from "./shape.ts";
import { SIGNATURE, verify } from "./signature.ts";

interface Step {
  readonly former: Uint8Array;
  readonly next: Uint8Array;
  readonly verifies: () => boolean;
}

/**
 * Follows a server, by the body that `GET /v1/succession` answered.
 * @returns the newest key
 * @throws Failure `BadServerSignature`, whatever is wrong
 */
export function followServer(body: Uint8Array, pinned: Uint8Array): Uint8Array {
  return otherwise("BadServerSignature", () => {
    const steps = decode(body, (item) => list(tuple(item, 1)[0]).map(parseStep));
    const start = steps.findIndex((step) => equal(step.former, pinned));
    check(start >= 0, "Malformed", "no step from the pinned key");
    let key = pinned;
    for (const step of steps.slice(start)) {
      check(equal(step.former, key) && step.verifies(), "Unauthorized");
      key = step.next;
    }
    return key;
  });
}

function parseStep(item: Item): Step {
  const [statement, signature] = tuple(item, 2);
  const [version, former, next, time] = tuple(statement, 4);
  check(version === 1n, "Unsupported");
  integer(time);
  const signed = encode(statement ?? null);
  const formerKey = bytes(former, 32);
  const signatureBytes = bytes(signature, SIGNATURE);
  return {
    former: formerKey,
    next: bytes(next, 32),
    verifies: () => verify(formerKey, "KF1 server succession", signed, signatureBytes),
  };
}
