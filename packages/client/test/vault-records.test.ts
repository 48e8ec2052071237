import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { KeyfoldError } from "../src/error.js";
import type { Client } from "../src/node.js";
import {
  type IndexKey,
  type IndexSchema,
  type KeyPart,
  Records,
  bytes,
  named,
} from "../src/vault-records.js";
import { Server, codeOf, until } from "./server.js";

interface Row {
  id: string;
  amount: number;
}

const byId: IndexSchema<Row> = { key: ({ id }) => id };
const amount = { by: ({ amount }: Row): IndexKey[] => [amount] };
const byAmount: IndexSchema<Row> = { ...byId, secondary: { amount } };

let server: Server;
beforeAll(async () => {
  server = await Server.start();
});
afterAll(() => server.close());

async function somebody(name: string): Promise<{ client: Client; kc: string }> {
  const client = server.client();
  await client.signup(name);
  const { keychainFingerprint: kc } = await client.createNewKeychain("books", "secretBox");
  return { client, kc };
}

const codeIn = (work: () => unknown): Promise<unknown> => codeOf(Promise.resolve().then(work));
const faultOf = (promise: Promise<unknown>): Promise<KeyfoldError> =>
  promise.then(
    () => expect.unreachable("it was not refused"),
    (thrown: KeyfoldError) => thrown,
  );

describe("what is found by", () => {
  test("follows a record that is changed in its place", async () => {
    const { client, kc } = await somebody("in-place");
    const index = client.vault(kc).index("rows", byAmount);
    await index.put([
      { id: "a", amount: 12 },
      { id: "b", amount: 900 },
    ]);
    await index.update("a", (row) => {
      if (row !== undefined) row.amount = 13;
      return row;
    });
    expect(await index.by("amount").list({ prefix: 12 })).toEqual([]);
    expect(await index.by("amount").list({ prefix: 13 })).toEqual([{ id: "a", amount: 13 }]);
    expect(await index.by("amount").count()).toBe(2);
  });

  test("learns a key that is new in the schema from records that are written again, and only from these", async () => {
    const { client, kc } = await somebody("learning");
    await client
      .vault(kc)
      .index("rows", byAmount)
      .put([
        { id: "a", amount: 1 },
        { id: "b", amount: 2 },
        { id: "c", amount: 3 },
      ]);
    const sign = { by: ({ amount }: Row) => [amount % 2 === 0 ? "even" : "odd"] };
    const index = client.vault(kc).index<Row>("rows", { ...byId, secondary: { amount, sign } });
    await index.put({ id: "a", amount: 1 });
    await index.update("b", (row) => row);
    const ids = async (name: string) => (await index.by(name).list()).map(({ id }) => id);
    expect(await ids("sign")).toEqual(["b", "a"]);
    expect(await ids("amount")).toEqual(["a", "b", "c"]);
  });

  test("may be new and unique: a record meets itself, and others with the same", async () => {
    const { client, kc } = await somebody("learning-unique");
    await client
      .vault(kc)
      .index("rows", byId)
      .put([
        { id: "a", amount: 1 },
        { id: "b", amount: 1 },
      ]);
    const index = client
      .vault(kc)
      .index<Row>("rows", { ...byId, secondary: { amount: { ...amount, unique: true } } });
    await index.put({ id: "a", amount: 1 });
    await index.put({ id: "a", amount: 1 });
    expect(await codeOf(index.put({ id: "b", amount: 1 }))).toBe("NotUnique");
    expect(await codeOf(index.update("b", (row) => row))).toBe("NotUnique");
    await index.put([
      { id: "a", amount: 2 },
      { id: "b", amount: 1 },
    ]);
    expect((await index.by("amount").list()).map(({ id }) => id)).toEqual(["b", "a"]);
  });

  test("is put whole, and what is not found by any more goes: what comes stays, whatever goes", () => {
    const words = new Records<{ id: string; words: string[] }>({
      key: ({ id }) => id,
      secondary: { words: { by: ({ words }) => words } },
    });
    const [before, after] = [
      { id: "a", words: ["old", "both", "both"] },
      { id: "a", words: ["new", "both"] },
    ];
    const changes = words.changes([["a"]], [bytes(before)], () => bytes(after));
    const [own, one] = [bytes(after), Uint8Array.of(1)];
    expect(
      new Set(changes.map(({ tree, key, value }) => JSON.stringify([tree, key, value ?? null]))),
    ).toEqual(
      new Set(
        [
          [0, ["a"], own],
          [1, ["old", "a"], null],
          [1, ["new", "a"], one],
          [1, ["both", "a"], one],
        ].map((change) => JSON.stringify(change)),
      ),
    );
    expect(changes.length).toBe(4);
  });
});

describe("keys", () => {
  interface Timed {
    id: string;
    at: Date;
    day?: Date;
  }

  test("are of the record as it is read, also where it was given with something that JSON alters", async () => {
    const { client, kc } = await somebody("as-read");
    const index = client.vault(kc).index<Timed>("timed", {
      key: ({ at, id }) => [at, id] as IndexKey,
      secondary: { at: { by: ({ at }) => [at], unique: true } },
    });
    const at = new Date("2026-01-03");
    for (const _ of [1, 2]) await index.put({ id: "a", at });
    expect(await index.count()).toBe(1);
    expect(await index.by("at").count()).toBe(1);
    expect(await index.get([at.toISOString(), "a"])).toEqual({ id: "a", at: at.toISOString() });
    expect(await index.get([at, "a"])).toBeUndefined();
    await index.update([at.toISOString(), "a"], (row) => row && { ...row, at: new Date(row.at) });
    await index.put({ id: "a", at: new Date("2026-01-04") });
    await index.delete([[at.toISOString(), "a"]]);
    expect((await index.by("at").list()).map(({ at }) => String(at))).toEqual(["2026-01-04T00:00:00.000Z"]);
    // So is a number that JSON does not know.
    const rows = client.vault(kc).index("rows", byAmount);
    await rows.put({ id: "a", amount: Number.NaN });
    expect(await rows.by("amount").list({ prefix: null })).toEqual([{ id: "a", amount: null }]);
    const plain = client.vault(kc).index<Timed>("plain", { key: ({ at }) => at });
    await plain.put({ id: "a", at });
    expect(await plain.get(at)).toBeUndefined();
    expect((await plain.get(at.toISOString()))?.id).toBe("a");
  });

  test("that cannot be told of a record as it is read are Malformed, and say which", async () => {
    const { client, kc } = await somebody("untold");
    const timed = client.vault(kc).index<Timed>("timed", {
      key: ({ at }) => at.getTime(),
      secondary: { at: { by: ({ at }) => [at.getTime()] } },
    });
    const fault = await faultOf(timed.put({ id: "a", at: new Date(0) }));
    expect(fault).toMatchObject({ code: "Malformed" });
    expect(fault.message).toContain("schema.key");
    expect(fault.hint).toContain("JSON");
    const days = client.vault(kc).index<Timed>("days", {
      key: ({ id }) => id,
      secondary: { day: { by: ({ day }) => [day?.getTime() ?? null] } },
    });
    await days.put({ id: "a", at: new Date(0) });
    const other = await faultOf(days.update("a", (row) => row && { ...row, day: new Date(0) }));
    expect(other.code).toBe("Malformed");
    expect(other.message).toContain("schema.secondary.day.by");
    const none = { by: () => undefined as unknown as KeyPart[] };
    const strange = client.vault(kc).index<Row>("strange", { ...byId, secondary: { none } });
    expect(await codeOf(strange.put({ id: "a", amount: 1 }))).toBe("Malformed");
    expect(await timed.count()).toBe(0);
    expect(await strange.count()).toBe(0);
    const loop: { id: string; amount: number; loop?: unknown } = { id: "a", amount: 1 };
    loop.loop = loop;
    expect(await codeOf(strange.put(loop))).toBe("Malformed");
  });

  test("are one exactly where they are equal", () => {
    const different: KeyPart[] = [
      null,
      false,
      true,
      "",
      "null",
      "1",
      "true",
      Number.POSITIVE_INFINITY,
      Number.NEGATIVE_INFINITY,
      0,
      1,
      0.1,
      1e-7,
      2 ** 53,
      2 ** 60,
      1e21,
      2 ** 63,
      (1n << 53n) + 1n,
      (1n << 63n) - 1n,
      new Date(0),
      new Date(1),
      "1970-01-01T00:00:00.000Z",
      new Uint8Array(),
      Uint8Array.of(0),
      Uint8Array.of(0, 1),
    ];
    const names = different.map((part) => named([part]));
    expect(new Set(names).size).toBe(different.length);
    expect(named(["a", "b"])).not.toBe(named(["a,b"]));
    expect(named([])).not.toBe(named([null]));
    const same: [KeyPart, KeyPart][] = [
      [5n, 5],
      [-5n, -5],
      [0n, -0],
      [-0, 0],
      [2n ** 60n, 2 ** 60],
      [-(2n ** 63n), -(2 ** 63)],
      [Uint8Array.of(1), Buffer.of(1)],
      // So they are written.
      ["\ud800", "\ufffd"],
    ];
    for (const [one, other] of same) expect(named([one])).toBe(named([other]));
  });

  test("are not made of what compares with nothing, or of what is no part", async () => {
    for (const part of [Number.NaN, 2n ** 63n, -(2n ** 63n) - 1n])
      expect(await codeIn(() => named([part])), String(part)).toBe("NotComparable");
    for (const part of [undefined, {}, ["a"], new Date(Number.NaN), Symbol.iterator])
      expect(await codeIn(() => named([part as KeyPart])), String(part)).toBe("Malformed");
  });

  test("tell nothing from infinity, and zeros not at all", async () => {
    const { client, kc } = await somebody("numbers");
    // What JSON cannot write is said with a word.
    const number = ({ n }: { n: string }) => (n === "null" ? null : Number(n));
    const index = client.vault(kc).index<{ n: string }>("numbers", { key: number });
    const apart = ["Infinity", "-Infinity", "null"].map((n) => ({ n }));
    await index.put([...apart, { n: "-0" }, { n: "0" }]);
    expect((await index.list()).map(({ n }) => n)).toEqual(["null", "-Infinity", "0", "Infinity"]);
    expect(await codeOf(index.put({ n: "NaN" }))).toBe("NotComparable");
  });

  test("of 64 bits come back as they were, and reading goes on behind them", async () => {
    const { client, kc } = await somebody("wide");
    const id = 2n ** 62n + 1n;
    const wide = { by: (): IndexKey[] => [-id] };
    const index = client
      .vault(kc)
      .index<{ n: number }>("wide", { key: ({ n }) => [id, n], secondary: { wide } });
    const rows = Array.from({ length: 1_200 }, (_, n) => ({ n }));
    await index.put(rows);
    expect(await index.list({ prefix: id })).toEqual(rows);
    expect(await index.by("wide").list()).toEqual(rows);
    for await (const { key } of index.entries({ limit: 1 })) expect(key).toEqual([id, 0]);
    expect(await index.get([id, 7])).toEqual({ n: 7 });
    expect(await index.get([id - 1n, 7])).toBeUndefined();
    expect(await codeOf(index.get(2n ** 63n))).toBe("NotComparable");
  });

  test("of a record have at most 255 parts", async () => {
    const { client, kc } = await somebody("many-parts");
    const parts = ({ amount }: Row) => Array.from({ length: amount }, () => null);
    for (const secondary of [undefined, { id: { by: ({ id }: Row) => [id] } }]) {
      const index = client.vault(kc).index<Row>("parts", { key: parts, ...(secondary && { secondary }) });
      await index.put({ id: "a", amount: 255 });
      expect(await codeOf(index.put({ id: "b", amount: 256 }))).toBe("TooLarge");
      const key = Array.from({ length: 256 }, () => null);
      expect(await codeOf(index.update(key, () => ({ id: "b", amount: 256 })))).toBe("TooLarge");
      expect(await index.list()).toEqual([{ id: "a", amount: 255 }]);
      if (secondary) expect(await index.by("id").list()).toEqual([{ id: "a", amount: 255 }]);
    }
  });
});

test("a limit is a whole number from 0 on, or infinite", async () => {
  const { client, kc } = await somebody("limits");
  const index = client.vault(kc).index("rows", byAmount);
  await index.put([
    { id: "a", amount: 1 },
    { id: "b", amount: 2 },
  ]);
  for (const found of [index, index.by("amount")]) {
    for (const limit of [Number.NaN, -1, 0.5, Number.NEGATIVE_INFINITY]) {
      expect(await codeOf(found.list({ limit })), String(limit)).toBe("Malformed");
      expect(await codeOf(found.count({ limit })), String(limit)).toBe("Malformed");
    }
    expect(await found.list({ limit: 0 })).toEqual([]);
    expect((await found.list({ limit: Number.POSITIVE_INFINITY })).length).toBe(2);
    expect((await found.list({ limit: 1 })).length).toBe(1);
  }
});

test("secondary keys are called by names that keep their order, and are at most 63", async () => {
  const { client, kc } = await somebody("names");
  const open = (names: string[]) =>
    codeIn(
      () =>
        void client.vault(kc).index<Row>("rows", {
          ...byId,
          secondary: Object.fromEntries(names.map((name) => [name, amount])),
        }),
    );
  const fine = { resolvedTo: undefined };
  for (const name of ["0", "7", "4294967295"]) expect(await open(["amount", name]), name).toBe("Malformed");
  for (const name of ["00", "-1", "1.5", "a1", ""]) expect(await open(["amount", name]), name).toEqual(fine);
  const names = Array.from({ length: 64 }, (_, at) => `key ${at}`);
  expect(await open(names)).toBe("TooLarge");
  expect(await open(names.slice(1))).toEqual(fine);
  const secondary = { amount: {} as typeof amount };
  expect(await codeIn(() => void client.vault(kc).index("rows", { ...byId, secondary }))).toBe("Malformed");
});

test("who opened a vault by its purpose is called back, and hears of no other keychain once it was read", async () => {
  const { client, kc } = await somebody("by-purpose");
  const other = await client.createNewKeychain("others", "secretBox");
  const [index, files] = [client.vault("books").index("rows", byAmount), client.vault("books")];
  const heard = { index: 0, files: 0 };
  index.subscribe(() => (heard.index += 1));
  files.subscribe(() => (heard.files += 1));
  client.subscribe(() => undefined);
  await until(() => client.state.sync === "online");
  await index.list();
  await files.list();
  let before = { ...heard };
  await client.vault(kc).index("rows", byAmount).put({ id: "a", amount: 1 });
  await until(() => heard.index > before.index);
  await client.vault(kc).put("a", Uint8Array.of(1));
  await until(() => heard.files > before.files);
  before = { ...heard };
  let others = 0;
  const elsewhere = client.vault(other.keychainFingerprint).index("rows", byAmount);
  elsewhere.subscribe(() => (others += 1));
  await elsewhere.put({ id: "a", amount: 1 });
  await until(() => others > 0);
  expect(heard).toEqual(before);
  // One that read nothing yet.
  let fresh = 0;
  client.vault("books").subscribe(() => (fresh += 1));
  client
    .vault("books")
    .index("rows", byAmount)
    .subscribe(() => (fresh += 1));
  await client.vault(kc).index("rows", byAmount).put({ id: "a", amount: 2 });
  await until(() => fresh >= 2);
});
