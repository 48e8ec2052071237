import { mkdtemp, rm } from "node:fs/promises";
import { createServer, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Demo, startDemo } from "../server/demo.js";

const WORKSPACE = "w".repeat(43);
const NOTE = { kind: "note", workspace: WORKSPACE, version: 1, sealed: "kf1.AAAA" };
const ID = "note-0001";

let data: string;
let upstream: Server;
let demo: Demo;
/** Where alice reaches the application. */
let alice: string;
const seenHosts: string[] = [];

beforeAll(async () => {
  data = await mkdtemp(join(tmpdir(), "keyfold-demo-test-"));
  // In Keyfold's place: says what it was asked. What passes is not its business here.
  upstream = createServer((incoming, response) => {
    seenHosts.push(incoming.headers.host ?? "");
    incoming.pipe(response);
  });
  await new Promise<void>((resolve) => upstream.listen(0, "127.0.0.1", resolve));
  const { port } = upstream.address() as AddressInfo;
  demo = await startDemo({ keyfold: new URL(`http://127.0.0.1:${port}`), key: "key", port: 0, data });
  const config = (await (await fetch(`${demo.url}/api/config`)).json()) as {
    people: { name: string; url: string }[];
  };
  alice = config.people.find(({ name }) => name === "alice")?.url ?? "";
});

afterAll(async () => {
  demo.close();
  upstream.close();
  await rm(data, { recursive: true, force: true });
});

function put(path: string, body: unknown): Promise<Response> {
  return fetch(`${alice}/app/${path}`, { method: "PUT", body: JSON.stringify(body) });
}

async function code(answer: Response): Promise<string> {
  return `${answer.status} ${((await answer.json()) as { code: string }).code}`;
}

describe("rows", () => {
  test("only sealed texts are stored", async () => {
    expect(await code(await put(`rows/${ID}`, { ...NOTE, sealed: "in clear" }))).toBe("400 NotSealed");
    expect(await code(await put(`rows/${ID}`, { ...NOTE, sealed: 7 }))).toBe("400 NotSealed");
    expect(await code(await put("rows/..%2f..%2fx", NOTE))).toBe("400 Malformed");
    expect(await code(await put(`rows/${ID}`, { ...NOTE, sealed: `kf1.${"A".repeat(300_000)}` }))).toBe(
      "413 TooLarge",
    );
  });

  test("a version is written once, and whoever is late is shown the one that stands", async () => {
    expect((await put(`rows/${ID}`, NOTE)).status).toBe(200);
    const late = await put(`rows/${ID}`, { ...NOTE, sealed: "kf1.BBBB" });
    expect(late.status).toBe(409);
    expect(await late.json()).toMatchObject({
      code: "Conflict",
      row: { sealed: "kf1.AAAA", by: "alice", version: 1 },
    });
    expect((await put(`rows/${ID}`, { ...NOTE, version: 2, sealed: "kf1.BBBB" })).status).toBe(200);
  });
});

describe("lines", () => {
  test("what goes to Keyfold passes as it came, with the address that its signature covers", async () => {
    const answer = await fetch(`${alice}/v1/ledgers`, { method: "POST", body: "signed" });
    expect(await answer.text()).toBe("signed");
    expect(seenHosts.at(-1)).toBe(new URL(alice).host);
  });

  test("one that is cut refuses everything, until it is mended", async () => {
    const set = (open: boolean) =>
      fetch(`${demo.url}/api/lines`, { method: "POST", body: JSON.stringify({ name: "alice", open }) });
    await set(false);
    await expect(fetch(`${alice}/v1/info`)).rejects.toThrow();
    await set(true);
    expect((await fetch(`${alice}/v1/info`)).ok).toBe(true);
  });
});

describe("lies", () => {
  const tell = (lie: string) => {
    const body = JSON.stringify({ lie, to: "alice", workspace: WORKSPACE, other: "bob" });
    return fetch(`${demo.url}/api/lies`, { method: "POST", body });
  };

  test("before an honest server there are none", async () => {
    const config = (await (await fetch(`${demo.url}/api/config`)).json()) as object;
    expect(config).toMatchObject({ lies: false, lying: null });
    for (const lie of ["rollback", "altered", "replay"])
      expect(await code(await tell(lie))).toBe("404 NotFound");
  });
});

describe("other websites", () => {
  const Origin = "http://example.com";

  test("cannot cut lines, order lies, reset, or read rows", async () => {
    for (const path of ["lines", "lies", "truth", "reset"]) {
      const asked = await fetch(`${demo.url}/api/${path}`, { method: "POST", headers: { Origin } });
      expect(await code(asked), path).toBe("403 NotAllowed");
    }
    const rows = await fetch(`${alice}/app/rows/${ID}`, { method: "OPTIONS", headers: { Origin } });
    expect(rows.headers.get("Access-Control-Allow-Origin")).toBeNull();
    const own = await fetch(`${alice}/app/rows/${ID}`, { method: "OPTIONS", headers: { Origin: demo.url } });
    expect(own.headers.get("Access-Control-Allow-Origin")).toBe(demo.url);
  });

  test("cannot lead here by a name of their own", async () => {
    const status = await new Promise((resolve, reject) => {
      const asked = request(`${demo.url}/api/config`, { headers: { Host: "example.com" } }, (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      });
      asked.on("error", reject).end();
    });
    expect(status).toBe(403);
  });
});

describe("sealed nodes", () => {
  test("are counted by size as they pass, however the body is cut, if they were stored", async () => {
    // [[h'…', h'…', h'…']] in CBOR (RFC 8949).
    const node = (size: number) =>
      Buffer.concat([Buffer.from([0x59, size >> 8, size & 255]), Buffer.alloc(size, 0x41)]);
    const body = Buffer.concat([Buffer.from([0x81, 0x83]), node(1_024), node(4_096), node(1_024)]);
    for (const cut of [1, 2, 3, 4, 1_500]) {
      const sent = request(`${alice}/v1/scopes/${WORKSPACE}/objects`, { method: "POST" });
      const answered = new Promise<void>((resolve) =>
        sent.on("response", (answer) => answer.resume().on("end", resolve)),
      );
      sent.write(body.subarray(0, cut));
      await new Promise((resolve) => setImmediate(resolve));
      sent.end(body.subarray(cut));
      await answered;
    }
    const sizes = await nodes();
    expect(sizes).toEqual([
      [1_024, 10],
      [4_096, 5],
    ]);
  });
});

/** What the pane in the middle is told first. */
async function nodes(): Promise<unknown> {
  const watching = await fetch(`${demo.url}/api/watch`);
  for await (const chunk of watching.body ?? []) {
    const [, told = "{}"] = /data: (.*)/.exec(Buffer.from(chunk as Uint8Array).toString("utf8")) ?? [];
    return (JSON.parse(told) as { nodes?: unknown }).nodes;
  }
  return undefined;
}
