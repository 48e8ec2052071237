/**
 * Base64url without padding (RFC 4648, section 5): how ids, fingerprints, public keys and signatures are written.
 * Strict, so that each sequence of bytes has one text only.
 */
import { KeyfoldError } from "./error.js";
import type { Bytes } from "./types.js";

/** Bytes as text. */
export function encodeBase64url(bytes: Uint8Array): string {
  let binary = "";
  // Spread over arguments in pieces: an engine takes some ten thousand at once.
  for (let at = 0; at < bytes.length; at += 8192) {
    binary += String.fromCharCode(...bytes.subarray(at, at + 8192));
  }
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/** Text as bytes. `Malformed` if it is anything but the one way to write them. */
export function decodeBase64url(text: string): Bytes {
  if (typeof text !== "string" || !/^[A-Za-z0-9_-]*$/.test(text) || text.length % 4 === 1) {
    throw new KeyfoldError("Malformed", "this is not base64url");
  }
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  const bytes = Uint8Array.from(binary, (letter) => letter.charCodeAt(0));
  if (encodeBase64url(bytes) !== text) {
    throw new KeyfoldError(
      "Malformed",
      "this is not base64url: the last letter has bits that belong to no byte",
    );
  }
  return bytes;
}
