/**
 * Sealing of records at rest. A long-lived key never seals: each write derives a key of its own (HKDF, RFC 5869), and
 * uses it once, with nonce zero. What it derives from depends on fresh randomness and on what is sealed, so that no
 * key meets a nonce twice even where randomness repeats: after a snapshot, in a cloned machine. Home and name go into
 * the derivation: a record that is moved to another's place does not open.
 *
 * ```text
 * place  = home ‖ 0 ‖ name
 * salt   = HKDF-SHA-256(storage key, 32 random bytes, "Keyfold record salt 1" ‖ 0 ‖ SHA-256(place ‖ 0 ‖ value), 32)
 * key    = HKDF-SHA-256(storage key, salt, "Keyfold record 1" ‖ 0 ‖ place, 32)
 * sealed = salt ‖ AES-256-GCM(key, 12 zero bytes, value, associated data: name)
 * ```
 */
import { KeyfoldError } from "../../error.js";
import type { Bytes } from "../../types.js";

const SALT_LABEL = "Keyfold record salt 1";
const LABEL = "Keyfold record 1";
const SALT_BYTES = 32;
const NONCE = new Uint8Array(12);

/** A fresh key that nobody can read, not even its holder. */
export async function generateStorageKey(): Promise<CryptoKey> {
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  try {
    return await importStorageKey(bytes);
  } finally {
    bytes.fill(0);
  }
}

/** The key of these 32 bytes. */
export async function importStorageKey(bytes: Bytes): Promise<CryptoKey> {
  return crypto.subtle.importKey("raw", bytes, "HKDF", false, ["deriveKey", "deriveBits"]);
}

/** Seals a record, and wipes the value. */
export async function sealRecord(key: CryptoKey, home: string, name: string, value: Bytes): Promise<Bytes> {
  const salt = await saltFor(key, home, name, value);
  const once = await keyFor(key, salt, home, name, "encrypt");
  const sealed = new Uint8Array(await crypto.subtle.encrypt(cipher(name), once, value));
  value.fill(0);
  return joined(salt, sealed);
}

/** Opens a record. `Internal` if it was altered or moved: nobody but the disk, or somebody with access to it, does. */
export async function openRecord(key: CryptoKey, home: string, name: string, record: Bytes): Promise<Bytes> {
  const once = await keyFor(key, record.slice(0, SALT_BYTES), home, name, "decrypt");
  try {
    return new Uint8Array(await crypto.subtle.decrypt(cipher(name), once, record.subarray(SALT_BYTES)));
  } catch (cause) {
    throw new KeyfoldError("Internal", `the record ${name} was altered`, { cause });
  }
}

async function saltFor(key: CryptoKey, home: string, name: string, value: Bytes): Promise<Bytes> {
  const random = crypto.getRandomValues(new Uint8Array(SALT_BYTES));
  const digest = await crypto.subtle.digest("SHA-256", joined(utf8(`${home}\0${name}\0`), value));
  const info = joined(utf8(`${SALT_LABEL}\0`), new Uint8Array(digest));
  const derivation = { name: "HKDF", hash: "SHA-256", salt: random, info };
  return new Uint8Array(await crypto.subtle.deriveBits(derivation, key, SALT_BYTES * 8));
}

function keyFor(
  key: CryptoKey,
  salt: Bytes,
  home: string,
  name: string,
  usage: KeyUsage,
): Promise<CryptoKey> {
  const derivation = { name: "HKDF", hash: "SHA-256", salt, info: utf8(`${LABEL}\0${home}\0${name}`) };
  return crypto.subtle.deriveKey(derivation, key, { name: "AES-GCM", length: 256 }, false, [usage]);
}

function cipher(name: string): AesGcmParams {
  return { name: "AES-GCM", iv: NONCE, additionalData: utf8(name) };
}

function joined(one: Bytes, other: Bytes): Bytes {
  const both = new Uint8Array(one.length + other.length);
  both.set(one);
  both.set(other, one.length);
  return both;
}

function utf8(text: string): Bytes {
  return new TextEncoder().encode(text);
}
