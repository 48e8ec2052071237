// Keys as the vectors of envelopes and values describe them.

import { fromHex } from "../src/bytes.ts";
import { deviceKey, type HeldKey } from "../src/key.ts";

/** A key in a vector. */
export type KeyVector =
  | {
      readonly kind: "symmetric" | "pair";
      readonly fingerprint: string;
      readonly key: string;
      readonly scope: string;
      readonly number: number;
    }
  | { readonly kind: "device"; readonly key: string; readonly scope: string };

/** What a reader or writer holds of it. */
export function heldKey(vector: KeyVector): HeldKey {
  const secret = fromHex(vector.key);
  const scope = fromHex(vector.scope);
  if (vector.kind === "device") return deviceKey(secret, scope);
  const { kind, number } = vector;
  return { kind, fingerprint: fromHex(vector.fingerprint), secret, scope, number };
}
