// "Signatures" of http.md: one profile of RFC 9421 for requests and one for responses. What must be covered
// is computed from the profile and compared as a whole, so that nothing of what the sender claims is parsed.

import { sha256 } from "@noble/hashes/sha2.js";

import { base64url, fromBase64url, utf8 } from "./bytes.ts";
import { check, Failure, otherwise } from "./failure.ts";
import { hash } from "./hash.ts";
import { SIGNATURE, verifyRaw } from "./signature.ts";

/** Header fields as they arrived: lower-case names, with their values. */
export type Fields = readonly (readonly [name: string, value: string])[];

/** A request as it arrived. */
export interface Request {
  readonly method: string;
  /** The `Host`, with its port unless that is the scheme's own. */
  readonly host: string;
  readonly path: string;
  /** What follows the `?`; empty if nothing does. */
  readonly query: string;
  readonly headers: Fields;
}

/** A response as it arrived. */
export interface Response {
  readonly status: number;
  readonly headers: Fields;
  readonly body: Uint8Array;
}

/** Whose request it turned out to be. */
export interface Asker {
  /** The device's id, as base64url. */
  readonly device: string;
  /** What was signed. */
  readonly base: string;
}

const WINDOW = 60;
const NONCE = 24;

/** What of a request's line and `Host` both profiles cover. */
const target = ["@method", "@authority", "@path", "@query"];

/** `H("KF1 server id", server key)`, as it stands in a field. */
export function serverId(serverKey: Uint8Array): string {
  return base64url(hash("KF1 server id", serverKey));
}

/** The value of `Content-Digest` for a body. */
export function contentDigest(body: Uint8Array): string {
  return `sha-256=:${Buffer.from(sha256(body)).toString("base64")}:`;
}

/**
 * Verifies a device's request as a server does that has this key and this clock.
 * @param deviceKey the signing key of a device by its id, or null if no account has it
 * @param now seconds since 1970
 * @throws Failure `Malformed`, `WrongServer`, `Unauthorized`, `UnknownDevice`, `ClockSkew`
 */
export function verifyRequest(
  request: Request,
  body: Uint8Array,
  serverKey: Uint8Array,
  deviceKey: (device: string) => Uint8Array | null,
  now: number,
): Asker {
  const { headers } = request;
  check(field(headers, "content-digest") === contentDigest(body), "Malformed");
  check(fromBase64url(field(headers, "keyfold-nonce")).length === NONCE, "Malformed");
  check(field(headers, "keyfold-server") === serverId(serverKey), "WrongServer");
  const input = field(headers, "signature-input");
  const signature = signatureOf(headers);

  const claimed = /;created=(\d{1,15});keyid="([\w-]{43})";alg="ed25519";tag="keyfold-request"$/.exec(input);
  const [, created = "", device = ""] = claimed ?? [];
  const covered = [...target, "content-digest", "keyfold-server", "keyfold-nonce"];
  const parameters = parametersOf(covered, created, device, "keyfold-request");
  check(input === `kf=${parameters}`, "Unauthorized");
  const key = deviceKey(device);
  if (key === null) throw new Failure("UnknownDevice");
  const base = baseOf(covered, parameters, (name) => requestValue(request, name));
  check(verifyRaw(key, utf8(base), signature), "Unauthorized");
  check(Math.abs(now - Number(created)) <= WINDOW, "ClockSkew");
  return { device, base };
}

/**
 * Verifies a response as the client does that sent this request and pinned this key.
 * @returns what was signed
 * @throws Failure `BadServerSignature`, whatever is wrong
 */
export function verifyResponse(response: Response, request: Request, serverKey: Uint8Array): string {
  return otherwise("BadServerSignature", () => {
    const { headers } = response;
    check(field(headers, "content-digest") === contentDigest(response.body), "Malformed");
    const time = field(headers, "keyfold-time");
    check(/^(0|[1-9]\d{0,15})$/.test(time), "Malformed");
    const created = Math.floor(Number(time) / 1000).toString();

    const signed = request.headers.some(([name]) => name === "signature");
    const asked = [...target, "content-digest", "keyfold-nonce"];
    const covered = [
      "@status",
      "content-digest",
      "keyfold-time",
      ...asked.map((name) => `${name};req`),
      ...(signed ? ["signature;req;key=kf"] : []),
    ];
    const parameters = parametersOf(covered, created, serverId(serverKey), "keyfold-response");
    check(field(headers, "signature-input") === `kf=${parameters}`, "Unauthorized");
    const base = baseOf(covered, parameters, (name) => responseValue(response, request, name));
    check(verifyRaw(serverKey, utf8(base), signatureOf(headers)), "Unauthorized");
    return base;
  });
}

/** `"@method";req` of `@method;req`. */
function quoted(component: string): string {
  const [name = "", ...flags] = component.split(";");
  return [`"${name}"`, ...flags.map((flag) => flag.replace(/^key=(.*)$/, 'key="$1"'))].join(";");
}

function parametersOf(covered: readonly string[], created: string, keyId: string, tag: string): string {
  const list = covered.map(quoted).join(" ");
  return `(${list});created=${created};keyid="${keyId}";alg="ed25519";tag="${tag}"`;
}

function baseOf(covered: readonly string[], parameters: string, valueOf: (name: string) => string): string {
  const lines = covered.map((component) => `${quoted(component)}: ${valueOf(component)}`);
  return [...lines, `"@signature-params": ${parameters}`].join("\n");
}

function requestValue(request: Request, name: string): string {
  switch (name) {
    case "@method":
      return request.method;
    case "@authority":
      return request.host.toLowerCase();
    case "@path":
      return request.path;
    case "@query":
      return `?${request.query}`;
    default:
      return field(request.headers, name);
  }
}

function responseValue(response: Response, request: Request, name: string): string {
  if (name === "@status") return response.status.toString();
  if (name === "signature;req;key=kf") return field(request.headers, "signature").replace(/^kf=/, "");
  const asked = name.replace(/;req$/, "");
  return asked === name ? field(response.headers, name) : requestValue(request, asked);
}

/** A field that has to be there once. */
function field(headers: Fields, name: string): string {
  const values = headers.filter(([field]) => field === name);
  const [only] = values;
  if (only === undefined || values.length > 1) throw new Failure("Malformed", `${name} not once`);
  return only[1];
}

function signatureOf(headers: Fields): Uint8Array {
  const text = field(headers, "signature");
  const encoded = /^kf=:([\w+/]+=*):$/.exec(text)?.[1] ?? "";
  const bytes = new Uint8Array(Buffer.from(encoded, "base64"));
  const exact = Buffer.from(bytes).toString("base64") === encoded;
  check(exact && bytes.length === SIGNATURE, "Malformed");
  return bytes;
}
