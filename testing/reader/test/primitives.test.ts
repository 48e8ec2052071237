// Known answers of the primitives, from their standards: HKDF, Ed25519 verified strictly, X-Wing.

import { hkdf } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { ml_kem768_x25519 as xwing } from "@noble/post-quantum/hybrid.js";
import { expect } from "vitest";

import { fromHex, hex } from "../src/bytes.ts";
import { check } from "../src/failure.ts";
import { signingKeyOf, signRaw, verifyRaw } from "../src/signature.ts";
import { readFolder, runFolder, type Vector } from "./vectors.ts";

interface Hkdf extends Vector {
  readonly primitive: "hkdf";
  readonly secret: string;
  readonly salt: string;
  readonly info: string;
  readonly okm: string;
}

interface Ed25519 extends Vector {
  readonly primitive: "ed25519";
  readonly seed?: string;
  readonly public: string;
  readonly message: string;
  readonly signature: string;
}

interface XWing extends Vector {
  readonly primitive: "xwing";
  readonly seed: string;
  readonly public: string;
  readonly encapsulation_randomness: string;
  readonly ciphertext: string;
  readonly shared_secret: string;
}

runFolder("primitives", readFolder<Hkdf | Ed25519 | XWing>("primitives"), (vector) => {
  switch (vector.primitive) {
    case "hkdf": {
      const { secret, salt, info, okm } = vector;
      expect(hex(hkdf(sha256, fromHex(secret), fromHex(salt), fromHex(info), okm.length / 2))).toBe(okm);
      return;
    }
    case "ed25519": {
      const message = fromHex(vector.message);
      if (vector.seed !== undefined) {
        expect(hex(signingKeyOf(fromHex(vector.seed)))).toBe(vector.public);
        expect(hex(signRaw(fromHex(vector.seed), message))).toBe(vector.signature);
      }
      const verified = verifyRaw(fromHex(vector.public), message, fromHex(vector.signature));
      check(verified, "Unauthentic");
      return;
    }
    case "xwing": {
      const seed = fromHex(vector.seed);
      const { publicKey } = xwing.keygen(seed);
      expect(hex(publicKey)).toBe(vector.public);
      const sealed = xwing.encapsulate(publicKey, fromHex(vector.encapsulation_randomness));
      expect(hex(sealed.cipherText)).toBe(vector.ciphertext);
      expect(hex(sealed.sharedSecret)).toBe(vector.shared_secret);
      expect(hex(xwing.decapsulate(sealed.cipherText, seed))).toBe(vector.shared_secret);
      return;
    }
    default:
      throw new Error("a primitive that nobody knows");
  }
});
