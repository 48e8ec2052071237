// What a device shows or is given to come in (devices.md, "Codes" and "Texts").

import { parseUserId } from "./account-op.ts";
import { base64url, fromBase64url, utf8 } from "./bytes.ts";
import { check, otherwise } from "./failure.ts";
import { hash } from "./hash.ts";
import { unescaped } from "./uri-text.ts";

const CODE = "keyfold:device/";
const TEXT = "keyfold:enroll/";
const CHECK = 6;
const LATEST = 2n ** 64n - 1n;

/** Which device asks, and whose it says to be. */
export interface DeviceCode {
  readonly device: Uint8Array;
  readonly userId: string;
}

/** What brings a device in by itself. */
export interface EnrolmentText {
  readonly seed: Uint8Array;
  readonly account: Uint8Array;
  readonly userId: string;
  readonly expires: bigint;
  readonly serverKey: Uint8Array;
  readonly serverUrl: string;
}

/**
 * A device's code.
 * @throws Failure `BadCode`
 */
export function parseDeviceCode(code: string): DeviceCode {
  const [device, user] = partsOf(code, CODE, 2);
  return { device: bytesOf(device), userId: userIdOf(user) };
}

/**
 * A text for a new device.
 * @throws Failure `BadCode`
 */
export function parseEnrolmentText(text: string): EnrolmentText {
  const [seed, account, user, expires, key, server, sum] = partsOf(text, TEXT, 7);
  const summed = text.slice(0, text.lastIndexOf("/"));
  check(base64url(hash("KF1 enrolment text", utf8(summed)).slice(0, CHECK)) === sum, "BadCode");
  check(/^(0|[1-9][0-9]*)$/.test(expires ?? ""), "BadCode");
  const time = BigInt(expires ?? "");
  check(time <= LATEST, "BadCode");
  return {
    seed: bytesOf(seed),
    account: bytesOf(account),
    userId: userIdOf(user),
    expires: time,
    serverKey: bytesOf(key),
    serverUrl: unescaped(server ?? ""),
  };
}

function partsOf(text: string, start: string, count: number): readonly string[] {
  check(text.startsWith(start), "BadCode");
  const parts = text.slice(start.length).split("/");
  check(parts.length === count, "BadCode");
  return parts;
}

function bytesOf(part = ""): Uint8Array {
  const bytes = otherwise("BadCode", () => fromBase64url(part));
  check(bytes.length === 32, "BadCode");
  return bytes;
}

function userIdOf(part = ""): string {
  const userId = unescaped(part);
  return otherwise("BadCode", () => parseUserId(userId));
}
