// Signed requests and responses, verified as the other side does; where a vector lists what was signed,
// that is compared too.

import { expect } from "vitest";

import { fromHex, hex } from "../src/bytes.ts";
import { contentDigest, type Fields, verifyRequest, verifyResponse } from "../src/http-signature.ts";
import { followServer } from "../src/succession.ts";
import { readFolder, runFolder, type Vector } from "./vectors.ts";

interface RequestVector extends Vector {
  readonly kind: "request";
  readonly method: string;
  readonly host: string;
  readonly path: string;
  readonly query: string;
  readonly headers: Fields;
  readonly body: string;
  readonly device_key: string;
  readonly server_key: string;
  readonly now: number;
  readonly base?: string;
}

interface ResponseVector extends Vector {
  readonly kind: "response";
  readonly status: number;
  readonly headers: Fields;
  readonly body: string;
  readonly request: {
    readonly method?: string;
    readonly host: string;
    readonly path?: string;
    readonly query?: string;
    readonly headers: Fields;
    readonly body: string;
  };
  readonly server_key: string;
  readonly base?: string;
}

interface SuccessionVector extends Vector {
  readonly kind: "succession";
  readonly body: string;
  readonly pinned: string;
  readonly newest: string | null;
}

type HttpVector = RequestVector | ResponseVector | SuccessionVector;

runFolder("http", readFolder<HttpVector>("http"), (vector) => {
  if (vector.kind === "succession") {
    expect(hex(followServer(fromHex(vector.body), fromHex(vector.pinned)))).toBe(vector.newest);
    return;
  }
  const base = vector.kind === "request" ? request(vector) : response(vector);
  if (vector.base !== undefined) expect(base).toBe(vector.base);
});

function request(vector: RequestVector): string {
  const deviceKey = fromHex(vector.device_key);
  const serverKey = fromHex(vector.server_key);
  return verifyRequest(vector, fromHex(vector.body), serverKey, () => deviceKey, vector.now).base;
}

function response(vector: ResponseVector): string {
  const { method = "POST", host, path = "/v1/ledgers", query = "", headers, body } = vector.request;
  expect(headers).toContainEqual(["content-digest", contentDigest(fromHex(body))]);
  const received = { status: vector.status, headers: vector.headers, body: fromHex(vector.body) };
  return verifyResponse(received, { method, host, path, query, headers }, fromHex(vector.server_key));
}
