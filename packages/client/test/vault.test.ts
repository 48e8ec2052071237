import { afterAll, beforeAll, expect, test } from "vitest";
import type { VaultIndex } from "../src/vault-index.js";
import { Server, codeOf, until } from "./server.js";

interface Expense {
  id: string;
  date: string;
  amount: number;
  what: string;
}

const schema = {
  key: ({ date, id }: Expense) => [new Date(date), id],
  secondary: {
    amount: { by: ({ amount }: Expense) => [amount] },
    words: { by: ({ what }: Expense) => what.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [] },
    id: { by: ({ id }: Expense) => [id], unique: true },
  },
} as const;

let server: Server;
beforeAll(async () => {
  server = await Server.start();
});
afterAll(() => server.close());

async function expenses(name: string): Promise<{ index: VaultIndex<Expense>; kc: string }> {
  const client = server.client();
  await client.signup(name);
  const { keychainFingerprint: kc } = await client.createNewKeychain("books", "secretBox");
  return { index: client.vault(kc).index("expenses", schema), kc };
}

const some: Expense[] = [
  { id: "a", date: "2026-01-03", amount: 12.5, what: "Lunch with bob, Königstraße" },
  { id: "b", date: "2026-01-01", amount: 900, what: "Rent" },
  { id: "c", date: "2026-01-02", amount: 3, what: "Tea with cake" },
];

test("records are found by key, in order, by range and by what else is declared", async () => {
  const { index } = await expenses("ordered");
  expect(await index.list()).toEqual([]);
  await index.put(some);
  expect(await index.get([new Date("2026-01-01"), "b"])).toEqual(some[1]);
  expect(await index.get([new Date("2026-01-01"), "a"])).toBeUndefined();
  const ids = async (options?: Parameters<typeof index.list>[0]) =>
    (await index.list(options)).map(({ id }) => id);
  expect(await ids()).toEqual(["b", "c", "a"]);
  expect(await ids({ reverse: true, limit: 2 })).toEqual(["a", "c"]);
  expect(await ids({ from: new Date("2026-01-02"), to: new Date("2026-01-03") })).toEqual(["c"]);
  expect(await ids({ skip: 1 })).toEqual(["c", "a"]);
  expect(await ids({ skip: 1, reverse: true, limit: 1 })).toEqual(["c"]);
  expect(await ids({ after: [new Date("2026-01-01"), "b"] })).toEqual(["c", "a"]);
  expect(await ids({ after: [new Date("2026-01-02"), "gone"], reverse: true })).toEqual(["c", "b"]);
  expect(await codeOf(ids({ skip: -1 }))).toBe("Malformed");
  expect(await index.count()).toBe(3);
  expect(await index.count({ skip: 2 })).toBe(1);
  expect(await index.count({ from: new Date("2026-01-02") })).toBe(2);
  const by = async (name: string, options?: Parameters<typeof index.list>[0]) =>
    (await index.by(name).list(options)).map(({ id }) => id);
  expect(await by("amount")).toEqual(["c", "a", "b"]);
  expect(await by("amount", { from: 10, to: 100 })).toEqual(["a"]);
  expect(await by("words", { prefix: "with" })).toEqual(["c", "a"]);
  expect(await by("words", { startsWith: "te" })).toEqual(["c"]);
  expect(await by("words", { prefix: "königstraße" })).toEqual(["a"]);
  expect(await index.by("words").count({ prefix: "with" })).toBe(2);
  expect(await codeOf(Promise.resolve().then(() => index.by("color")))).toBe("Malformed");
});

test("what a record was found by before it changed finds it no more", async () => {
  const { index } = await expenses("changed");
  await index.put(some);
  await index.put({ ...(some[0] as Expense), amount: 99, what: "Dinner" });
  expect(await index.by("amount").count()).toBe(3);
  expect((await index.by("amount").list({ from: 99 })).map(({ id }) => id)).toEqual(["a", "b"]);
  expect(await index.by("words").list({ prefix: "lunch" })).toEqual([]);
  await index.delete([new Date("2026-01-01"), "b"]);
  expect(await index.by("words").list({ prefix: "rent" })).toEqual([]);
  expect(await index.count()).toBe(2);
  // What is not there is gone already.
  await index.delete([new Date("2026-01-01"), "b"]);
});

test("of what is unique there is one, also within what is put at once, and nothing of a refused put is there", async () => {
  const { index } = await expenses("unique");
  await index.put(some);
  const other = { ...(some[0] as Expense), date: "2026-02-01" };
  expect(await codeOf(index.put([{ ...other, id: "z" }, other]))).toBe("NotUnique");
  const twins = ["2026-03-01", "2026-03-02"].map((date) => ({ ...other, id: "y", date }));
  expect(await codeOf(index.put(twins))).toBe("NotUnique");
  expect(await index.count()).toBe(3);
  // Itself it may replace, and one that goes makes room.
  await index.put({ ...(some[0] as Expense), amount: 1 });
  await index.delete([new Date("2026-01-03"), "a"]);
  await index.put(other);
});

test("two who change one record at once both count", async () => {
  const { index } = await expenses("counter");
  await index.put(some);
  const key = [new Date("2026-01-02"), "c"];
  const more = () => index.update(key, (record) => record && { ...record, amount: record.amount + 1 });
  await Promise.all(Array.from({ length: 8 }, more));
  expect((await index.get(key))?.amount).toBe(11);
  expect((await index.by("amount").list({ prefix: 11 })).length).toBe(1);
});

test("who is in the keychain reads and writes, hears of what others write, and is out when he is banned", async () => {
  const [alice, bob] = [server.client(), server.client()];
  await Promise.all([alice.signup("alice"), bob.signup("bob")]);
  bob.subscribe(() => undefined);
  const { keychainFingerprint: kc } = await alice.createNewKeychain("shared", "secretBox");
  const index = alice.vault(kc).index<Expense>("expenses", schema);
  await index.put(some);
  await alice.shareCompleteKeychain(kc, { userId: "bob" });
  await until(() => bob.keys[kc]);
  const his = bob.vault({ keychainFingerprint: kc }).index<Expense>("expenses", schema);
  expect((await his.list()).length).toBe(3);
  let heard = 0;
  his.subscribe(() => {
    heard += 1;
  });
  await index.put({ id: "d", date: "2026-01-04", amount: 7, what: "Coffee" });
  await until(() => heard > 0);
  expect((await his.get([new Date("2026-01-04"), "d"]))?.what).toBe("Coffee");
  await his.put({ id: "e", date: "2026-01-05", amount: 8, what: "Books" });
  await alice.banUser("bob", kc);
  expect((await index.get([new Date("2026-01-05"), "e"]))?.what).toBe("Books");
  await index.put({ id: "f", date: "2026-01-06", amount: 9, what: "Shoes" });
  expect(await codeOf(his.list())).toMatch(/^(AuthorBanned|UnknownKeychain)$/);
  expect((await index.list()).length).toBe(6);
});

test("who asks about a range hears of what changes in there, and of nothing else", async () => {
  const [alice, bob] = [server.client(), server.client()];
  await Promise.all([alice.signup("range-alice"), bob.signup("range-bob")]);
  bob.subscribe(() => undefined);
  const { keychainFingerprint: kc } = await alice.createNewKeychain("ranges", "secretBox");
  const index = alice.vault(kc).index<Expense>("expenses", schema);
  await index.put(some);
  await alice.shareCompleteKeychain(kc, { userId: "range-bob" });
  await until(() => bob.keys[kc]);
  const his = bob.vault(kc).index<Expense>("expenses", schema);
  const heard: string[] = [];
  const seen = { any: 0 };
  his.subscribe(() => (seen.any += 1));
  const range = { from: new Date("2026-01-03"), to: new Date("2026-01-05") };
  const stop = his.subscribe(() => heard.push("changed"), range);
  expect((await his.list(range)).length).toBe(1);
  const write = async (records: Expense | readonly Expense[]) => {
    const before = seen.any;
    await index.put(records);
    await until(() => seen.any > before);
    // What was asked before this is answered before it.
    await his.count();
  };
  await write({ id: "x", date: "2026-01-05", amount: 1, what: "Outside" });
  await write(some);
  expect(heard, "the same records, and one behind the range").toEqual([]);
  await write({ id: "d", date: "2026-01-04", amount: 7, what: "Coffee" });
  await until(() => heard.length > 0);
  await index.delete([new Date("2026-01-04"), "d"]);
  await until(() => heard.length > 1);
  stop();
  await write({ id: "e", date: "2026-01-04", amount: 7, what: "Tea" });
  expect(heard.length).toBe(2);
});

test("bad input has a code, and nothing of it is kept", async () => {
  const { index, kc } = await expenses("careful");
  const put = (record: object) => codeOf(index.put(record as Expense));
  expect(await put({ id: "a", date: "never", amount: 1, what: "x" })).toBe("Malformed");
  expect(await codeOf(index.by("amount").list({ from: Number.NaN }))).toBe("NotComparable");
  expect(await put({ id: "x".repeat(1_100), date: "2026-01-01", amount: 1, what: "x" })).toBe("TooLarge");
  expect(await put({ id: "a", date: "2026-01-01", amount: 1, what: `${"x ".repeat(600_000)}` })).toBe(
    "TooLarge",
  );
  expect(await index.count()).toBe(0);
  const client = server.client();
  await client.signup("stranger");
  expect(await codeOf(client.vault(kc).index<Expense>("expenses", schema).list())).toBe("UnknownKeychain");
  expect(await codeOf(Promise.resolve().then(() => client.vault("")))).toBe("Malformed");
});
