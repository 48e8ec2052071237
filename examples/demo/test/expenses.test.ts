/** Expenses of a workspace: two people at one table, in an index that the server cannot read. */

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { violations } from "./accessibility.js";
import { count, picture, shows } from "./looking.js";
import { type Panel, Stage } from "./stage.js";

const FERRY = "Ferry to the northern lighthouse";
const CABIN = "Cabin, two nights";

let stage: Stage;
let alice: Panel;
let bob: Panel;

beforeAll(async () => {
  stage = await Stage.open();
  [alice, bob] = [stage.person("alice"), stage.person("bob")];
  await alice.button("Continue as alice").click();
  await bob.button("Continue as bob").click();
  await alice.region.getByLabel("Name of the workspace").fill("Summer");
  await alice.button("Create").click();
  await alice.section("People");
  await alice.button("Invite").click();
  await shows(bob.region, "Shared by alice");
  await alice.section("Expenses");
  await bob.section("Expenses");
});

afterAll(async () => {
  await stage?.close();
});

describe.sequential("expenses", () => {
  test("what one adds, the other sees, in the order of the dates, with what it sums up to", async () => {
    await alice.spend("2026-05-02", FERRY, "36.50");
    await shows(bob.expenses, FERRY);
    await bob.spend("2026-05-03", CABIN, "210");
    await shows(alice.expenses.nth(0), CABIN);
    await shows(alice.expenses.nth(1), "€36.50");
    await shows(alice.region, "€246.50");
    await shows(alice.region.getByRole("tab", { name: "Expenses" }), "2");
  });

  test("rows are found by the beginning of a word, by amount and by date", async () => {
    await alice.find("Word");
    await alice.region.getByLabel("Word, or its beginning").fill("NORTH");
    await count(alice.expenses, 1);
    await shows(alice.expenses, FERRY);
    await alice.find("Amount");
    await alice.region.getByLabel("From").fill("100");
    await shows(alice.expenses, CABIN);
    await count(alice.expenses, 1);
    await alice.find("Date");
    await alice.region.getByRole("search").getByLabel("To").fill("2026-05-02");
    await shows(alice.expenses, FERRY);
    await count(alice.expenses, 1);
    await alice.region.getByRole("search").getByLabel("To").fill("");
    await count(alice.expenses, 2);
    expect(await violations(stage.page)).toEqual([]);
  });

  test("the table takes many rows, and stops when it is told to", async () => {
    await alice.button("Load 100,000 rows").click();
    await shows(bob.region.getByRole("tab", { name: "Expenses" }), /[2-9]502|\d{5}/);
    await alice.button("Stop").click();
    await count(alice.button("Load 100,000 rows"), 1);
    await alice.find("Word");
    await alice.region.getByLabel("Word, or its beginning").fill("lighthouse");
    await count(alice.expenses, 1);
    await alice.find("Date");
    await picture(stage.page, "expenses");
  });

  test("who is put out reads the table no more, and nothing of it is readable where it is stored", async () => {
    await alice.section("People");
    await alice.member("bob").getByRole("button", { name: "Remove" }).click();
    await stage.page.getByRole("dialog").getByRole("button", { name: "Remove bob" }).click();
    await shows(bob.region, "You were removed from this workspace");
    await count(bob.expenses, 0);
    await alice.section("Expenses");
    await alice.spend("2026-06-01", "Only for those who stayed", "1");
    await shows(alice.expenses.nth(0), "Only for those who stayed");
    const stored = await stage.stored();
    for (const [path, bytes] of stored)
      for (const text of [FERRY, "lighthouse", "Cabin", "market", "expenses", "who stayed"])
        expect(bytes.includes(text), `${text} in ${path}`).toBe(false);
    expect(stage.complaints).toEqual([]);
  });
});
