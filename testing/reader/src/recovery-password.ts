// What a password comes to (recovery.md, "Password"): OPAQUE (RFC 9807) with the server's secret at hand, so that the
// two sides' messages, which only hide things from each other, need not be sent. The envelope is written out.

import { ristretto255, ristretto255_oprf } from "@noble/curves/ed25519.js";
import { argon2id } from "@noble/hashes/argon2.js";
import { expand, extract } from "@noble/hashes/hkdf.js";
import { hmac } from "@noble/hashes/hmac.js";
import { sha512 } from "@noble/hashes/sha2.js";

import { concat, equal, utf8 } from "./bytes.ts";
import { derive } from "./derivation.ts";
import { check } from "./failure.ts";

const { oprf } = ristretto255_oprf;
const nothing = new Uint8Array(0);

/**
 * The recovery secret of a password, by its record and the server's secret.
 * @throws Failure `WrongPassword`
 */
export function passwordSecret(
  serverKey: Uint8Array,
  account: Uint8Array,
  record: Uint8Array,
  password: string,
): Uint8Array {
  const seed = serverKey.slice(0, 64);
  const serverPublic = publicKeyOf(serverKey.slice(64, 96));
  const clientPublic = record.slice(0, 32);
  const nonce = record.slice(96, 128);
  const tag = record.slice(128, 192);

  const oprfSeed = expand(sha512, seed, concat(account, utf8("OprfKey")), 32);
  const { secretKey } = oprf.deriveKeyPair(oprfSeed, utf8("OPAQUE-DeriveKeyPair"));
  const input = utf8(password.normalize("NFC"));
  const { blind, blinded } = oprf.blind(input);
  const output = oprf.finalize(input, blind, oprf.blindEvaluate(secretKey, blinded));
  const stretched = argon2id(output, new Uint8Array(16), { m: 65_536, t: 3, p: 1, dkLen: 64 });
  const randomized = extract(sha512, concat(output, stretched), nothing);
  const derived = (label: string, length: number) =>
    expand(sha512, randomized, concat(nonce, utf8(label)), length);

  // The envelope: it opens if its tag holds, over the keys of both sides.
  const { publicKey } = oprf.deriveKeyPair(
    derived("PrivateKey", 32),
    utf8("OPAQUE-DeriveDiffieHellmanKeyPair"),
  );
  const credentials = concat(serverPublic, prefixed(serverPublic), prefixed(account));
  check(equal(hmac(sha512, derived("AuthKey", 64), concat(nonce, credentials)), tag), "WrongPassword");
  check(equal(publicKey, clientPublic), "WrongPassword");
  return derive(derived("ExportKey", 64), account, "KF1 recovery password", nothing, 32);
}

/** Two bytes of length, and the bytes. */
function prefixed(bytes: Uint8Array): Uint8Array {
  return concat(Uint8Array.of(bytes.length >> 8, bytes.length & 0xff), bytes);
}

/** A scalar is written with its lowest byte first. */
function publicKeyOf(secretKey: Uint8Array): Uint8Array {
  const scalar = secretKey.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  return ristretto255.Point.BASE.multiply(scalar).toBytes();
}
