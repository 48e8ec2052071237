// Recovery: keys of a recovery secret; what words, shares and passwords come to, and how they fail; the master keys of
// an account that went on over lost generations.

import { expect } from "vitest";

import { deriveAccountKeys } from "../src/account-keys.ts";
import { fromHex, hex } from "../src/bytes.ts";
import { readMasterKeys } from "../src/master-keys.ts";
import { readPaper } from "../src/paper-key.ts";
import { deriveRecoveryKeys } from "../src/recovery-keys.ts";
import { passwordSecret } from "../src/recovery-password.ts";
import { combineShares, parseShare } from "../src/recovery-share.ts";
import { readFolder, runFolder, type Vector } from "./vectors.ts";

interface KeysVector extends Vector {
  readonly recovery: "keys";
  readonly in: { readonly secret: string; readonly account: string; readonly method: number };
  readonly out: Record<string, string>;
}

interface PaperVector extends Vector {
  readonly recovery: "paper";
  readonly words: string;
  readonly out: { readonly secret: string };
}

interface SharesVector extends Vector {
  readonly recovery: "shares";
  readonly account: string;
  readonly shares: readonly string[];
  readonly out: { readonly secret: string };
}

interface PasswordVector extends Vector {
  readonly recovery: "password";
  readonly server_key: string;
  readonly account: string;
  readonly record: string;
  readonly password: string;
  readonly out: { readonly secret: string };
}

interface MasterVector extends Vector {
  readonly recovery: "master keys";
  readonly nonce: string;
  readonly generation: number;
  readonly newest: string;
  readonly plaintext: string;
  readonly out: { readonly lost: readonly number[] };
}

type RecoveryVector = KeysVector | PaperVector | SharesVector | PasswordVector | MasterVector;

runFolder("recovery", readFolder<RecoveryVector>("recovery"), (vector) => {
  expect(recovered(vector)).toEqual(vector.out);
});

function recovered(vector: RecoveryVector): object {
  switch (vector.recovery) {
    case "keys": {
      const { secret, account, method } = vector.in;
      const keys = deriveRecoveryKeys(fromHex(secret), fromHex(account), method);
      return {
        signing_key: hex(keys.signingKey),
        wrapping_key: hex(keys.wrappingKey),
        recovery_id: hex(keys.id),
      };
    }
    case "paper":
      return { secret: hex(readPaper(vector.words)) };
    case "shares":
      return { secret: hex(combineShares(vector.shares.map(parseShare), fromHex(vector.account))) };
    case "password": {
      const { server_key: serverKey, account, record, password } = vector;
      return { secret: hex(passwordSecret(fromHex(serverKey), fromHex(account), fromHex(record), password)) };
    }
    case "master keys": {
      const { nonce, generation, newest, plaintext } = vector;
      const named = deriveAccountKeys(fromHex(newest), fromHex(nonce), generation).ledgerKey;
      const keys = readMasterKeys(fromHex(plaintext), generation, fromHex(nonce), named);
      return { lost: keys.flatMap((key, at) => (key === null ? [at] : [])) };
    }
  }
}
