// Text inside the texts that begin with `keyfold:` (devices.md, "Codes"): bytes that are not unreserved are escaped, in
// one way only.

import { concat, u8, utf8 } from "./bytes.ts";
import { check, otherwise } from "./failure.ts";

/** Bytes that are not unreserved (RFC 3986, 2.3) as `%` and two digits, 0-9A-F. */
export function escaped(text: string): string {
  const characters = [...utf8(text)].map((byte) => {
    const character = String.fromCharCode(byte);
    if (/[A-Za-z0-9._~-]/.test(character)) return character;
    return `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  });
  return characters.join("");
}

/**
 * The reverse of `escaped`; another spelling of the same text is refused.
 * @throws Failure `BadCode`
 */
export function unescaped(part: string): string {
  check(/^([A-Za-z0-9._~-]|%[0-9A-F]{2})*$/.test(part), "BadCode");
  const bytes = [...part.matchAll(/%(..)|(.)/g)].map(([, digits, character]) =>
    digits === undefined ? utf8(character ?? "") : u8(Number.parseInt(digits, 16)),
  );
  const text = otherwise("BadCode", () =>
    new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(concat(...bytes)),
  );
  check(escaped(text) === part, "BadCode");
  return text;
}
