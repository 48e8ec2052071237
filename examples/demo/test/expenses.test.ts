/** Expenses of a workspace: two people at one table, in an index that the server cannot read. */

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { violations } from "./accessibility.js";
import { closeAll, count, picture, shows } from "./looking.js";
import { type Panel, Stage } from "./stage.js";

const FERRY = "Ferry to the northern lighthouse";
const CABIN = "Cabin, two nights";

let stage: Stage;
let alice: Panel;
let bob: Panel;

beforeAll(async () => {
  stage = await Stage.open();
  [alice, bob] = [stage.person("alice"), stage.person("bob")];
});

afterAll(async () => {
  await stage?.close();
});

describe.sequential("expenses", () => {
  test("two people come to one table", async () => {
    await alice.button("Continue as alice").click();
    await bob.button("Continue as bob").click();
    await alice.region.getByLabel("Name of the workspace").fill("Summer");
    await alice.button("Create").click();
    await alice.section("People");
    await alice.button("Invite").click();
    await shows(bob.region, "Shared by alice");
    await alice.section("Expenses");
    await bob.section("Expenses");
    await shows(bob.region, "No expenses yet");
  });

  test("what one adds, the other sees, in the order of the dates, with what it sums up to", async () => {
    await alice.spend("2026-05-02", FERRY, "36.50");
    await shows(bob.expenses, FERRY);
    await bob.spend("2026-05-03", CABIN, "210");
    await shows(alice.expenses.nth(0), CABIN);
    await shows(alice.expenses.nth(1), "€36.50");
    await shows(alice.region, "€246.50");
    await shows(alice.region.getByRole("tab", { name: "Expenses" }), "2");
    await shows(stage.server, "puts a new state of an index in place");
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

  test("what two change of one expense at once both stays, and it moves to where its date belongs", async () => {
    await alice.button(`Edit ${CABIN}`).click();
    await bob.button(`Edit ${CABIN}`).click();
    const [hers, his] = [alice, bob].map(({ region }) => region.getByRole("form", { name: `Edit ${CABIN}` }));
    await hers?.getByLabel("Amount, €").fill("180");
    await his?.getByLabel("Date").fill("2026-05-01");
    await alice.button("Save").click();
    await shows(bob.region, "€216.50");
    await bob.button("Save").click();
    for (const panel of [alice, bob]) {
      await shows(panel.expenses.nth(0), FERRY);
      await shows(panel.expenses.nth(1), /2026-05-01\s+Cabin, two nights\s+€180\.00/);
    }
    await bob.spend("2026-05-04", "Twice by mistake", "1");
    await alice.button("Delete Twice by mistake").click();
    await count(bob.expenses, 2);
  });

  test("who is offline sees what he adds at once, and the others see it when he is back", async () => {
    await bob.online(false);
    await bob.spend("2026-05-05", "Bread on the way", "3.20");
    await shows(bob.expenses.nth(0), "Bread on the way");
    await shows(bob.region, "1 change waits for the server.");
    await count(alice.expenses, 2);
    await bob.online(true);
    await shows(alice.expenses.nth(0), "Bread on the way");
    await count(alice.expenses, 3);
    await count(bob.region.getByText("for the server."), 0);
    // What was read meanwhile may have failed.
    const notice = bob.region.getByRole("button", { name: "Close this notice" });
    await closeAll(notice);
    await count(bob.expenses, 3);
  });

  test("the table takes many rows, and stops when it is told to", async () => {
    await alice.button("Load 100,000 rows").click();
    await shows(bob.region.getByRole("tab", { name: "Expenses" }), /\dK/i);
    await count(alice.region.getByRole("progressbar", { name: "Loading rows" }), 1);
    await alice.button("Stop").click();
    await count(alice.button("Load 100,000 rows"), 1);
    expect(await alice.errors.innerText()).toBe("");
    for (const panel of [alice, bob]) {
      await count(panel.expenses, 50);
      await panel.button("Show more").click();
      await count(panel.expenses, 250);
      await panel.find("Word");
      await panel.region.getByLabel("Word, or its beginning").fill("lighthouse");
      await count(panel.expenses, 1);
      await panel.region.getByLabel("Word, or its beginning").fill("zeppelin");
      await shows(panel.region, "None is like that.");
    }
    await bob.region.getByLabel("Word, or its beginning").fill("fer");
    await shows(bob.expenses.nth(1), "Ferry at the");
    await alice.find("Date");
    await count(alice.expenses, 50);
  });

  test("the server sees sealed nodes of few sizes", async () => {
    const nodes = stage.server.getByRole("list", { name: "Sealed objects" });
    await shows(nodes, /\d of [\d,]+ bytes/);
    for (const line of await nodes.getByRole("listitem").allInnerTexts()) {
      const size = Number(line.replace(/^.* of (.*) bytes$/, "$1").replaceAll(",", ""));
      expect(Math.log2(size) % 1, line).toBe(0);
      expect(size).toBeGreaterThanOrEqual(1_024);
    }
  });

  test("the table is accessible, in light, in dark, and on a narrow screen", async () => {
    await alice.region.getByRole("search").getByLabel("From").fill("2026-05-01");
    await count(alice.expenses, 3);
    await picture(stage.page, "demo-expenses");
    expect(await violations(stage.page)).toEqual([]);
    await alice.button(`Edit ${CABIN}`).click();
    await stage.page.emulateMedia({ colorScheme: "dark", reducedMotion: "reduce" });
    expect(await violations(stage.page)).toEqual([]);
    await alice.button("Cancel").click();
    await picture(stage.page, "demo-expenses-dark");
    await stage.page.emulateMedia({ colorScheme: "light", reducedMotion: "reduce" });
    await stage.page.setViewportSize({ width: 360, height: 760 });
    await stage.page.getByRole("tab", { name: "alice" }).click();
    await picture(stage.page, "demo-expenses-narrow");
    expect(await violations(stage.page)).toEqual([]);
    const overflow = await stage.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    expect(overflow).toBeLessThanOrEqual(0);
    await stage.page.setViewportSize({ width: 1600, height: 1000 });
    await alice.region.getByRole("search").getByLabel("From").fill("");
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
      for (const text of [FERRY, "lighthouse", CABIN, "market", "expenses", "who stayed"])
        expect(bytes.includes(text), `${text} in ${path}`).toBe(false);
    expect(stage.complaints).toEqual([]);
  });
});
