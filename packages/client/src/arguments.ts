/**
 * Checks of what JavaScript callers pass, where TypeScript did not look: a number in a text's place must fail before
 * anything is sent, and say which argument it was.
 */
import { KeyfoldError } from "./error.js";
import type { ShareTerms } from "./engine/messages.js";
import type { Bytes, PermissionFlags, ShareOptions, ShareTarget } from "./types.js";

/** A text that is not empty. */
export function text(value: unknown, name: string): string {
  if (typeof value === "string" && value !== "") return value;
  throw malformed(name, "a text", value);
}

/** An `https` address, or an `http` one of this machine. `NotSecure` for `http` elsewhere. */
export function address(value: unknown, name: string): string {
  const url = text(value, name);
  const { protocol, hostname } = URL.canParse(url) ? new URL(url) : { protocol: "", hostname: "" };
  if (protocol === "https:") return url;
  if (protocol !== "http:") throw malformed(name, "an address such as https://keyfold.example", value);
  if (LOOPBACK.test(hostname)) return url;
  throw new KeyfoldError("NotSecure", `${name} is not encrypted, and not on this machine`, {
    hint: "Use https. Plain http is accepted for localhost, 127.0.0.0/8 and [::1] only.",
  });
}

/** Host names as `URL` writes them; browsers resolve all of `.localhost` to this machine. */
const LOOPBACK = /^(?:(?:.+\.)?localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/** Which shares to take: a way that has a name, or a function. */
export function acceptance(value: unknown, name: string): void {
  if (value === "auto" || value === "known" || typeof value === "function") return;
  throw malformed(name, "auto, known or a function", value);
}

/** On which terms to share. */
export function terms({ permissions: flags, readOnly, expiresAt }: ShareOptions): ShareTerms {
  return {
    ...(flags && { permissions: permissions(flags, "permissions") }),
    ...(readOnly !== undefined && { readOnly }),
    ...(expiresAt && { expiresAt: time(expiresAt, "expiresAt") }),
  };
}

/** A group, as calls name it where they take a keychain. */
export function group(value: unknown, name: string): string {
  const given = typeof value === "object" && value !== null && "groupFingerprint" in value;
  if (given && typeof value.groupFingerprint === "string" && value.groupFingerprint !== "")
    return `group:${value.groupFingerprint}`;
  throw malformed(name, "a group, as client.groups answers it", value);
}

/** Whom to share with, by user id; a group as calls name it. */
export function recipients(to: ShareTarget): string[] {
  const list: readonly unknown[] = Array.isArray(to) ? to : [to];
  if (list.length === 0) throw malformed("to", "at least one identity", to);
  return list.map((identity) => {
    if (typeof identity === "object" && identity !== null && "groupFingerprint" in identity)
      return group(identity, "to");
    const userId =
      typeof identity === "object" && identity !== null && "userId" in identity && identity.userId;
    if (typeof userId === "string" && userId !== "") return userId;
    // Whoever is unknown has the identity null: the commonest mistake.
    throw malformed("to", "an identity, as getUserIdentity answers it for people who exist", identity);
  });
}

/** Associated data: a text stands for its UTF-8. Bytes are copied. */
export function context(value: unknown, name: string): Bytes {
  if (value === undefined || value === null) return new Uint8Array();
  return bytes(value, name);
}

/** Bytes, or a text that stands for its UTF-8. Bytes are copied. */
export function bytes(value: unknown, name: string): Bytes {
  if (typeof value === "string") return new TextEncoder().encode(value);
  if (value instanceof Uint8Array) return new Uint8Array(value);
  throw malformed(name, "a text or a Uint8Array", value);
}

/** A time that lies ahead or behind, as milliseconds. */
export function time(value: unknown, name: string): number {
  if (value instanceof Date && !Number.isNaN(value.getTime())) return value.getTime();
  throw malformed(name, "a Date", value);
}

/** Something to call back. */
export function callable(value: unknown, name: string): void {
  if (typeof value !== "function") throw malformed(name, "a function", value);
}

/** A count of bytes. */
export function count(value: unknown, name: string): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw malformed(name, "a whole number of bytes", value);
}

/** Something to read. */
export function blob(value: unknown, name: string): Blob {
  if (typeof Blob === "function" && value instanceof Blob) return value;
  throw malformed(name, "a Blob or File", value);
}

const FLAGS = ["allowSharing", "allowRotation", "allowDeletion", "allowManagement"] as const;

/** Some of the four permissions. A name that is none of them is refused: it would grant nothing, silently. */
export function permissions(value: unknown, name: string): Partial<PermissionFlags> {
  if (typeof value !== "object" || value === null) throw malformed(name, "an object of permissions", value);
  const flags: { -readonly [flag in keyof PermissionFlags]?: boolean } = {};
  for (const [flag, allowed] of Object.entries(value)) {
    const known = FLAGS.find((known) => known === flag);
    if (known === undefined) throw malformed(name, `made of ${FLAGS.join(", ")}`, flag);
    if (allowed === undefined) continue;
    if (typeof allowed !== "boolean") throw malformed(`${name}.${flag}`, "true or false", allowed);
    flags[known] = allowed;
  }
  return flags;
}

/** An argument that is not what it must be. */
export function malformed(name: string, wanted: string, value: unknown): KeyfoldError {
  return new KeyfoldError("Malformed", `${name} must be ${wanted}, and is ${shown(value)}`);
}

/** What it is, without what it says: arguments may be secret. */
function shown(value: unknown): string {
  if (value === "") return "empty";
  if (value === null || value === undefined) return String(value);
  if (typeof value === "object") return `a ${value.constructor?.name ?? "strange object"}`;
  return typeof value === "string" ? "another text" : `a ${typeof value}`;
}
