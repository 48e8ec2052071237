// "Signatures" of account-ledger.md: who signs an account's entry, and what.

import type { AccountKeys } from "./account-keys.ts";
import { idOf } from "./account-holders.ts";
import type { AccountOp } from "./account-op.ts";
import { concat } from "./bytes.ts";
import type { Entry } from "./entry.ts";
import { check } from "./failure.ts";
import { verify } from "./signature.ts";

/** One signature that an entry must have. */
interface Required {
  readonly key: Uint8Array;
  readonly label: string;
  readonly message: Uint8Array;
}

/** Who signs an entry besides those whom it lists. */
export interface Signers {
  /** Of a genesis: no account yet. */
  readonly account: Uint8Array | null;
  readonly author: Uint8Array;
  readonly authorKey: Uint8Array;
  /** The ledger key of the newest generation; null where the author need not know it. */
  readonly formerKey: Uint8Array | null;
}

/**
 * Checks that an entry has exactly the signatures that it must have.
 * @throws Failure `BadSignature`
 */
export function requireSignatures(entry: Entry, ops: readonly AccountOp[], signers: Signers): void {
  const { signed, signatures } = entry;
  const author = { key: signers.authorKey, label: "KF1 entry", message: signed };
  const required = [author, ...ops.flatMap((op) => requiredBy(op, signed, signers))];
  check(required.length === signatures.length, "BadSignature");
  for (const [index, { key, label, message }] of required.entries()) {
    const signature = signatures[index];
    check(signature !== undefined && verify(key, label, message, signature), "BadSignature");
  }
}

function requiredBy(op: AccountOp, signed: Uint8Array, signers: Signers): readonly Required[] {
  switch (op.op) {
    case "Genesis":
      return byNewKeys(op.accountKeys, signed);
    case "RotateAccount": {
      const { formerKey } = signers;
      const former =
        formerKey === null ? [] : [{ key: formerKey, label: "KF1 account rotation", message: signed }];
      return [...former, ...byNewKeys(op.accountKeys, signed)];
    }
    case "AddDevice":
    case "RotateDevice":
    case "AddRecovery": {
      const { account, author } = signers;
      const id = idOf(op.op === "AddRecovery" ? "recovery" : "device", op.keys);
      const holder = op.op === "RotateDevice" ? author : id;
      const message = concat(account ?? new Uint8Array(0), holder, id);
      return [{ key: op.keys.signingKey, label: "KF1 holder key", message }];
    }
    default:
      return [];
  }
}

function byNewKeys(keys: AccountKeys, message: Uint8Array): readonly Required[] {
  const able = [keys.ledgerKey, keys.publicationKey, keys.signatureKey];
  return able.map((key) => ({ key, label: "KF1 account key", message }));
}
