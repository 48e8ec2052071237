/**
 * The story of the demo, as its README tells it: each test is a chapter and goes on where the one before ended.
 * `KEYFOLD_SCREENSHOTS=1` writes the pictures of `docs/images`.
 */

import { randomBytes } from "node:crypto";
import { buffer } from "node:stream/consumers";
import { Client } from "@keyfold/client";
import type { Download, Locator } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { violations } from "./accessibility.js";
import { closeAll, count, picture as pictureOf, shows } from "./looking.js";
import { type Panel, Stage } from "./stage.js";

const WORKSPACE = "Lighthouse weekend";
const FERRY = "The ferry leaves at 07:40, pier 3.";
const FERRY_BOB = "The ferry leaves at 07:40, pier 5!";
const CABIN = "Cabin is booked for two nights, the key is under the blue stone.";
const AFTERWARDS = "New plan: without bob we take the train.";
const BOAT = "Boat repairs";
const TEAM = "Sunday crew";
const KEEL = "The keel needs paint before the second of May.";
const WITHOUT_BOB = "The paint is in the shed, behind the ladder.";
const FILE_NAME = "lighthouse-map.bin";
const PIN = "271828";
const MARK = "the lighthouse stands on the northern rock";

let stage: Stage;
let alice: Panel;
let bob: Panel;

beforeAll(async () => {
  stage = await Stage.open();
  alice = stage.person("alice");
  bob = stage.person("bob");
});

afterAll(async () => {
  await stage?.close();
});

async function picture(name: string): Promise<void> {
  await pictureOf(stage.page, name);
}

describe.sequential("the demo", () => {
  test("two people sign up in one page, each in storage of their own, with the keyboard alone", async () => {
    for (const [panel, name] of [
      [alice, "alice"],
      [bob, "bob"],
    ] as const) {
      const enter = panel.button(`Continue as ${name}`);
      await enter.focus();
      await stage.page.keyboard.press("Enter");
      await shows(panel.region, "No workspace yet");
    }
    const databases = await stage.page.evaluate(async () =>
      (await indexedDB.databases()).map(({ name }) => name),
    );
    expect(databases.filter((name) => /-(alice|bob)$/.test(name ?? ""))).toHaveLength(2);
  });

  test("a workspace that alice shares arrives at bob's by itself, and is announced", async () => {
    await alice.region.getByLabel("Name of the workspace").fill(WORKSPACE);
    await stage.page.keyboard.press("Enter");
    await alice.write(FERRY);
    await shows(alice.notes, FERRY);
    expect(await bob.region.getByRole("navigation", { name: "Workspaces of bob" }).count()).toBe(0);
    await alice.section("People");
    await alice.region.locator(".invite").getByRole("switch", { name: "Make new keys" }).check();
    await alice.button("Invite").click();
    await shows(bob.arrivals, `alice shared “${WORKSPACE}” with you`);
    await shows(bob.notes, FERRY);
    await shows(alice.member("bob"), /^(?!.*Invited)/s);
    expect(await alice.member("bob").getByRole("switch", { name: "Make new keys" }).isChecked()).toBe(true);
    expect(await alice.member("bob").getByRole("switch", { name: "Invite people" }).isChecked()).toBe(false);
  });

  test("both edit a note, and the last writer wins", async () => {
    await alice.section("Notes");
    await bob.write(CABIN);
    await shows(alice.notes, CABIN);
    await bob.edit(bob.notes.filter({ hasText: FERRY }), FERRY_BOB);
    await shows(alice.notes, FERRY_BOB);
    await shows(alice.notes.filter({ hasText: FERRY_BOB }), /bob · .* · version 2/);
    // Alice has her editor open while bob saves: she is told, and hers is the newest.
    const note = alice.notes.filter({ hasText: CABIN });
    await note.getByRole("button", { name: "Edit note" }).click();
    await bob.edit(bob.notes.filter({ hasText: CABIN }), `${CABIN} Bring a torch.`);
    await shows(alice.region, "bob changed this note meanwhile");
    await alice.region.getByRole("textbox", { name: "Edit note" }).fill(`${CABIN} And candles.`);
    await alice.button("Save").click();
    await shows(bob.notes, "And candles");
    await shows(bob.notes.filter({ hasText: "candles" }), /alice · .* · version 3/);
  });

  test("a file is dropped, cancelled once, sealed, sent, and is the same on the other side", async () => {
    const bytes = Buffer.concat([Buffer.from(MARK), randomBytes(3_000_000)]);
    await alice.section("Files");
    await bob.section("Files");
    const line = await held();
    await alice.drop(FILE_NAME, "application/octet-stream", bytes);
    await count(alice.uploads.getByRole("progressbar"), 1);
    await alice.button(`Cancel ${FILE_NAME}`).click();
    await shows(alice.uploads, "Cancelled. Dropped again, it goes on where it stopped.");
    await line.mend();
    await alice.button(`Dismiss ${FILE_NAME}`).click();
    await count(alice.uploads, 0);
    expect(await bob.files.count()).toBe(0);

    await alice.drop(FILE_NAME, "application/octet-stream", bytes);
    await shows(bob.files, FILE_NAME);
    await shows(bob.files, "3.0 MB");
    const downloading = stage.page.waitForEvent("download");
    await bob.button(`Download ${FILE_NAME}`).click();
    const download = await downloading;
    expect(download.suggestedFilename()).toBe(FILE_NAME);
    expect((await buffer(await download.createReadStream())).equals(bytes)).toBe(true);
  });

  test("a picture is opened and shown by the page itself", async () => {
    await bob.drop("harbour.svg", "image/svg+xml", Buffer.from(HARBOUR));
    for (const panel of [alice, bob]) {
      const image = panel.files.getByRole("img", { name: "harbour.svg" });
      await expect
        .poll(() => image.evaluate((shown) => (shown as HTMLImageElement).naturalWidth).catch(() => 0), {
          timeout: 20_000,
          interval: 25,
        })
        .toBeGreaterThan(0);
    }
  });

  test("the page is accessible, in light, in dark, and on a narrow screen", async () => {
    await alice.section("Notes");
    await picture("demo");
    expect(await violations(stage.page)).toEqual([]);
    await stage.page.emulateMedia({ colorScheme: "dark", reducedMotion: "reduce" });
    await picture("demo-dark");
    await alice.section("People");
    expect(await violations(stage.page)).toEqual([]);
    await stage.page.emulateMedia({ colorScheme: "light", reducedMotion: "reduce" });
    await stage.page.setViewportSize({ width: 360, height: 760 });
    const views = stage.page.getByRole("tablist", { name: "Whose view" });
    // From one view to the next with the arrows.
    await views.getByRole("tab", { name: "alice" }).focus();
    await picture("demo-narrow");
    for (const name of ["alice", "server", "bob"]) {
      expect(await views.getByRole("tab", { selected: true }).innerText()).toMatch(new RegExp(name, "i"));
      expect(await violations(stage.page)).toEqual([]);
      const overflow = await stage.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      expect(overflow).toBeLessThanOrEqual(0);
      await stage.page.keyboard.press("ArrowRight");
    }
    await stage.page.setViewportSize({ width: 1600, height: 1000 });
  });

  test("permissions are given and taken back, and reach the other side at once", async () => {
    await alice.section("People");
    await bob.section("People");
    await shows(bob.region, "You may not invite people to this workspace.");
    const allowed = alice.member("bob").getByRole("switch", { name: "Invite people" });
    await allowed.check();
    await shows(bob.region, "Invite somebody");
    await shows(bob.arrivals, "What you may do in");
    await allowed.uncheck();
    await shows(bob.region, "You may not invite people to this workspace.");
  });

  test("a new key is made, and what is written then is sealed under it", async () => {
    await bob.button("New key").click();
    await shows(alice.region, /Current key 2/);
    await alice.section("Notes");
    await alice.write("Sealed anew");
    await bob.section("Notes");
    await shows(bob.notes.filter({ hasText: "Sealed anew" }), "sealed under key 2");
    await shows(bob.notes.filter({ hasText: FERRY_BOB }), "sealed under key 1");
  });

  test("who was offline keeps what there is, is told that nothing was saved, and catches up", async () => {
    await bob.online(false);
    await shows(bob.region, "Offline");
    await alice.write("Written while bob was away");
    await alice.section("People");
    await alice.button("New key").click();
    await shows(alice.region, /Current key 3/);
    await bob.write("Written on a train");
    await shows(bob.errors, "Unreachable");
    await shows(bob.notes, FERRY_BOB);
    expect(await bob.region.getByRole("textbox", { name: "New note" }).inputValue()).toBe(
      "Written on a train",
    );
    await bob.online(true);
    await shows(bob.notes, "Written while bob was away");
    await shows(bob.region, /Current key 3/);
    await bob.region.getByRole("button", { name: "Close this notice" }).first().click();
    await bob.button("Add note").click();
    await shows(alice.region, /Notes\s*5/);
  });

  test("signing out wipes the keys, and signing in again brings everything back", async () => {
    await bob.button("Sign out bob").click();
    await shows(bob.region, "Nobody is signed in here");
    expect(await bob.region.innerText()).not.toContain(FERRY_BOB);
    await bob.button("Continue as bob").click();
    await shows(bob.notes, FERRY_BOB);
  });

  test("a device is locked, shows nothing, takes no other PIN, and opens with the right one", async () => {
    await alice.section("Notes");
    await shows(alice.notes, CABIN);
    await alice.button("Lock alice's device").click();
    await alice.region.getByLabel("PIN, four digits or more").fill(PIN);
    await alice.button("Lock").click();
    await shows(alice.region, "No key is in memory");
    expect(await alice.region.innerText()).not.toMatch(/Cabin|ferry/);
    expect(await violations(stage.page)).toEqual([]);
    await alice.region.getByLabel("PIN", { exact: true }).fill("000000");
    await alice.button("Unlock").click();
    await shows(alice.region, "That is not it");
    await picture("demo-locked");
    // What comes meanwhile waits.
    const notices = bob.region.getByRole("button", { name: "Close this notice" });
    await closeAll(notices);
    await bob.edit(bob.notes.filter({ hasText: FERRY_BOB }), `${FERRY_BOB} Do not be late.`);
    await alice.region.getByLabel("PIN", { exact: true }).fill(PIN);
    await stage.page.keyboard.press("Enter");
    await shows(alice.notes, CABIN);
    await shows(alice.notes, "Do not be late");
  });

  test("the server lies in every way that it can, and bob's client stops, says why, and goes on", async () => {
    await alice.section("People");
    await bob.section("Notes");
    const menu = stage.server.getByRole("button", { name: "Let the server lie" });
    await menu.focus();
    await stage.page.keyboard.press("Enter");
    const lies = stage.server.getByRole("region", { name: "Lies" });
    expect(await violations(stage.page)).toEqual([]);
    await picture("demo-lies");
    for (const [lie, code] of [
      ["Show an old state", "Rollback"],
      ["Tell two stories", "Rollback"],
      ["Swap an identity", "IdentityChanged"],
      ["Slip somebody in", "NotAMember"],
      ["Forge a signature", "BadSignature"],
      ["Change a byte", "Unauthentic"],
      ["Repeat old answers", "BadServerSignature"],
    ] as const) {
      await lies.getByRole("button", { name: lie }).click();
      await shows(lies, "bob's client stopped");
      expect(await lies.locator("code").innerText(), lie).toBe(code);
      if (lie === "Tell two stories") await evidence(lies);
      if (lie === "Change a byte") await shows(bob.notes, "Somebody altered this. It is not shown.");
      if (lie === "Slip somebody in") {
        await shows(bob.region, /Your client stopped.*NotAMember/);
        expect(await violations(stage.page)).toEqual([]);
        await picture("demo-lied");
        await stage.page.emulateMedia({ colorScheme: "dark", reducedMotion: "reduce" });
        expect(await violations(stage.page)).toEqual([]);
        await picture("demo-lied-dark");
        await stage.page.emulateMedia({ colorScheme: "light", reducedMotion: "reduce" });
        await narrow("server", "demo-lied-narrow");
      }
      await lies.getByRole("button", { name: "Stop lying" }).click();
      await shows(lies, "The truth again: bob's client went on by itself");
      await shows(bob.notes, FERRY_BOB);
      const close = bob.region.getByRole("button", { name: "Close this notice" });
      await closeAll(close);
    }
  });

  test("a server that keeps quiet is believed, and what it kept is there once it speaks", async () => {
    const lies = stage.server.getByRole("region", { name: "Lies" });
    await lies.getByRole("button", { name: "Say nothing new" }).click();
    await shows(lies, "bob's client goes on");
    await alice.button("New key").click();
    await shows(alice.region, /Current key 4/);
    expect(await bob.region.innerText()).toMatch(/Current key 3/);
    await lies.getByRole("button", { name: "Stop lying" }).click();
    await shows(lies, "The truth again: bob's client went on by itself");
    await shows(bob.region, /Current key 4/);
    await stage.server.getByRole("button", { name: "Let the server lie" }).click();
  });

  test("who is removed keeps what was readable, reads nothing new, and is told so", async () => {
    await alice.section("People");
    await alice.member("bob").getByRole("button", { name: "Remove" }).click();
    const question = stage.page.getByRole("dialog");
    await question.getByRole("button", { name: "Cancel" }).click();
    await count(question, 0);
    expect(await alice.member("bob").count()).toBe(1);
    await alice.member("bob").getByRole("button", { name: "Remove" }).click();
    await question.getByRole("button", { name: "Remove bob" }).click();
    await count(alice.member("bob"), 0);
    await shows(bob.region, "You were removed from this workspace.");
    await alice.section("Notes");
    await alice.write(AFTERWARDS);
    await shows(bob.notes, "Sealed under a key that you do not have");
    await shows(bob.notes, FERRY_BOB);
    expect(await bob.region.innerText()).not.toContain(AFTERWARDS);
    expect(await bob.region.getByRole("textbox", { name: "New note" }).count()).toBe(0);
    expect(await violations(stage.page)).toEqual([]);
  });

  test("carol takes bob's seat, and sees nothing of it", async () => {
    await bob.region.getByLabel("Who sits here").selectOption("carol");
    const carol = stage.person("carol");
    await carol.button("Continue as carol").click();
    await shows(carol.region, "No workspace yet");
  });

  test("two owners decide together, and neither removes the other", async () => {
    const carol = stage.person("carol");
    await alice.section("People");
    await alice.region.locator(".invite").getByLabel("Whom").selectOption("carol");
    await alice.button("Invite").click();
    await shows(carol.arrivals, `alice shared “${WORKSPACE}” with you`);
    await carol.section("People");
    await shows(alice.member("carol"), /^(?!.*Invited)/s);
    await alice.member("carol").getByRole("button", { name: "Make owner" }).click();
    await shows(carol.member("carol"), "Owner");
    await alice.member("carol").getByRole("button", { name: "Remove as owner" }).click();
    for (const panel of [alice, carol]) {
      const proposals = panel.region.getByRole("list", { name: "Proposals" });
      await shows(proposals, "carol is no owner any more");
      await shows(proposals, "Approved by alice");
      expect(await proposals.getByRole("button", { name: "Approve" }).count()).toBe(0);
    }
    expect(await violations(stage.page)).toEqual([]);
    await picture("demo-owners");
  });

  test("who did what is told, verified, and grows while one looks", async () => {
    const carol = stage.person("carol");
    const open = carol.button("Who did what");
    await open.focus();
    await stage.page.keyboard.press("Enter");
    expect(await open.getAttribute("aria-expanded")).toBe("true");
    await shows(carol.region, "Verified from the first entry on");
    const entries = carol.region.getByRole("list", { name: "What happened, newest first" });
    for (const words of [
      "alice made the workspace",
      "alice invited bob",
      "bob joined",
      "alice allowed bob to invite people",
      "bob made key 2",
      "alice removed bob, and made key 5",
      "alice decided that carol becomes an owner",
      "alice proposed that carol is no owner any more",
    ])
      await shows(entries, words);
    await carol.button("New key").click();
    await shows(entries, "carol made key 6");
    // Behind a new key the ledger says how far the files are.
    await shows(entries, "noted how far the files and tables are");
    expect(await violations(stage.page)).toEqual([]);
    await open.scrollIntoViewIfNeeded();
    await picture("demo-history");
    await narrow("carol", "demo-history-narrow");
    const downloading = stage.page.waitForEvent("download");
    await carol.button("For an auditor").click();
    expect((await verified(await downloading)).kind).toBe("keychain");
    await open.click();
    await count(entries, 0);
  });

  test("two people compare words, which are the same, and say so", async () => {
    const carol = stage.person("carol");
    const words = async (panel: Panel, of: string): Promise<string> => {
      await panel
        .member(of)
        .getByRole("button", { name: `Compare words with ${of}` })
        .click();
      const list = panel.region.getByRole("list", { name: "Safety words" });
      await count(list.getByRole("listitem"), 8);
      return (await list.getByRole("listitem").allInnerTexts()).join(" ");
    };
    const seen = await words(alice, "carol");
    expect(seen).toMatch(/^[a-z]+( [a-z]+){7}$/);
    await alice.button("They do not match").click();
    await shows(alice.region.getByRole("alert"), "Somebody may stand between you and carol");
    expect(await alice.member("carol").getByText("Verified").count()).toBe(0);
    expect(await words(carol, "alice")).toBe(seen);
    expect(await violations(stage.page)).toEqual([]);
    await stage.page.setViewportSize({ width: 360, height: 760 });
    expect(await violations(stage.page)).toEqual([]);
    const overflow = await stage.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    expect(overflow).toBeLessThanOrEqual(0);
    await stage.page.setViewportSize({ width: 1600, height: 1000 });
    await stage.page.keyboard.press("Escape");
    expect(await carol.member("alice").getByText("Verified").count()).toBe(0);
    await words(carol, "alice");
    await carol.button("They match").click();
    await shows(carol.member("alice"), "Verified");
    expect(
      await carol
        .member("alice")
        .getByRole("button", { name: /^Compare/ })
        .count(),
    ).toBe(0);
  });

  test("after a reload, who was removed is told that it ended, and reads what was readable", async () => {
    await stage.page.reload();
    // A lock outlives the page.
    await alice.region.getByLabel("PIN", { exact: true }).fill(PIN);
    await alice.button("Unlock").click();
    await shows(bob.region, "You were removed from this workspace.");
    await shows(bob.notes, FERRY_BOB);
    await shows(bob.notes, "Sealed under a key that you do not have");
    expect(await bob.region.getByRole("textbox", { name: "New note" }).count()).toBe(0);
    expect(await bob.region.innerText()).not.toContain(AFTERWARDS);
    expect(await violations(stage.page)).toEqual([]);
  });

  test("a workspace is shared with a team, and who is in the team reads it", async () => {
    await alice.region.getByRole("button", { name: "New", exact: true }).click();
    await alice.region.getByLabel("Name of the workspace").fill(BOAT);
    await stage.page.keyboard.press("Enter");
    await shows(alice.region.getByRole("navigation"), BOAT);
    await alice.write(KEEL);
    await alice.section("People");
    const teams = alice.region.getByRole("group", { name: "Teams" });
    await teams.getByLabel("Name of the team").fill(TEAM);
    await stage.page.keyboard.press("Enter");
    const people = teams.getByRole("list", { name: `People in ${TEAM}` }).getByRole("listitem");
    await shows(people, "alice (you)");
    await teams.getByRole("button", { name: "Add to team" }).click();
    await shows(people, /bob(?!.*Invited)/s);
    expect(await bob.region.innerText()).not.toContain(BOAT);
    await teams.getByRole("button", { name: `Share ${BOAT}` }).click();
    await shows(bob.arrivals, `alice shared “${BOAT}” with you`);
    await bob.region.getByRole("navigation").getByRole("button", { name: BOAT }).click();
    await shows(bob.notes, KEEL);
    await shows(alice.member("bob"), `Team ${TEAM}`);
    await shows(teams, "In this workspace");
    // Who is in the team, and that it is in the workspace, is what a server learns; no name of either.
    const shares = stage.server.getByRole("list", { name: "Who shares with whom" });
    await shows(shares, /→\s+team \S+\s+workspace/);
    await shows(shares, /→\s+bob\S*\s+team/);
    expect(await alice.member("bob").getByRole("button", { name: "Remove" }).count()).toBe(0);
    expect(await violations(stage.page)).toEqual([]);
    await teams.scrollIntoViewIfNeeded();
    await picture("demo-teams");
    await stage.page.emulateMedia({ colorScheme: "dark", reducedMotion: "reduce" });
    expect(await violations(stage.page)).toEqual([]);
    await picture("demo-teams-dark");
    await stage.page.emulateMedia({ colorScheme: "light", reducedMotion: "reduce" });
    await narrow("alice", "demo-teams-narrow", teams);
  });

  test("who is put out of the team reads nothing new, and is told so", async () => {
    const teams = alice.region.getByRole("group", { name: "Teams" });
    await teams.getByRole("button", { name: `Remove bob from ${TEAM}` }).click();
    const question = stage.page.getByRole("dialog");
    expect(await violations(stage.page)).toEqual([]);
    await question.getByRole("button", { name: "Remove bob" }).click();
    await count(alice.member("bob"), 0);
    await shows(bob.region, "You were removed from this workspace.");
    await alice.section("Notes");
    await alice.write(WITHOUT_BOB);
    await shows(alice.notes.filter({ hasText: WITHOUT_BOB }), "sealed under key 2");
    await shows(bob.notes, "Sealed under a key that you do not have");
    await shows(bob.notes, KEEL);
    expect(await bob.region.innerText()).not.toContain(WITHOUT_BOB);
    await alice.section("People");
    await alice.button("Who did what").click();
    const entries = alice.region.getByRole("list", { name: "What happened, newest first" });
    await shows(entries, `alice invited the team ${TEAM}`);
    expect(await violations(stage.page)).toEqual([]);
    await alice.button("Who did what").click();
  });

  test("the servers hold none of the words, names and contents that people wrote", async () => {
    const stored = await stage.stored();
    const files = [...stored.values()].join("");
    // The scan can find what is there: user ids are known to a server, and rows are sealed texts.
    expect(files).toContain("alice");
    expect(files).toContain("kf1.");
    const secrets = [
      WORKSPACE,
      FERRY,
      FERRY_BOB,
      CABIN,
      AFTERWARDS,
      FILE_NAME,
      MARK,
      "harbour.svg",
      "Sealed anew",
      BOAT,
      TEAM,
      KEEL,
      WITHOUT_BOB,
    ];
    for (const secret of secrets) {
      for (const form of [secret, Buffer.from(secret).toString("base64").slice(2, -4)]) {
        for (const [path, content] of stored)
          expect(content.includes(form), `${form} in ${path}`).toBe(false);
      }
    }
    const seen = await stage.server.innerText();
    expect(seen).toContain("kf1.");
    for (const secret of secrets) expect(seen).not.toContain(secret);
  });

  test("after a reset everybody begins again", async () => {
    await stage.page.getByRole("button", { name: "Reset the demo" }).click();
    await stage.page.getByRole("dialog").getByRole("button", { name: "Reset" }).click();
    await shows(alice.region, "Nobody is signed in here");
    await shows(stage.server, "Nothing is stored yet.");
    await alice.button("Continue as alice").click();
    await shows(alice.region, "No workspace yet");
  });

  test("the page complained about nothing, its own policy included", () => {
    expect(stage.complaints).toEqual([]);
  });
});

/** What a downloaded file proves to whoever has nothing but the server's key. */
async function verified(download: Download) {
  const { url: serverURL, serverKey } = stage;
  const reader = new Client({ serverURL, serverSignaturePublicKey: serverKey });
  try {
    return await reader.audit.verify(await buffer(await download.createReadStream()), { serverKey });
  } finally {
    reader.close();
  }
}

async function evidence(lies: Locator): Promise<void> {
  const downloading = stage.page.waitForEvent("download");
  await lies.getByRole("button", { name: "Download the evidence" }).click();
  const download = await downloading;
  expect(download.suggestedFilename()).toBe("evidence.kfaudit");
  expect((await verified(download)).kind).toBe("evidence");
}

/** One of the views, on a narrow screen; of something in it. */
async function narrow(view: string, name: string, shown?: Locator): Promise<void> {
  await stage.page.setViewportSize({ width: 360, height: 760 });
  await stage.page.getByRole("tablist", { name: "Whose view" }).getByRole("tab", { name: view }).click();
  expect(await violations(stage.page)).toEqual([]);
  const overflow = await stage.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  expect(overflow).toBeLessThanOrEqual(0);
  await shown?.scrollIntoViewIfNeeded();
  await picture(name);
  await stage.page.setViewportSize({ width: 1600, height: 1000 });
}

/** A picture of few bytes. */
const HARBOUR = `<svg xmlns="http://www.w3.org/2000/svg" width="640" height="260" viewBox="0 0 640 260">
  <rect width="640" height="260" fill="#bfe0ea"/><circle cx="520" cy="70" r="30" fill="#ffd98a"/>
  <path d="M0 180h640v80H0z" fill="#3f87a6"/><path d="M70 190l60-70 90 70z" fill="#6b6f76"/>
  <path d="M128 60h24l8 80h-40z" fill="#fff"/><path d="M125 92h30l2 20h-34z" fill="#d2483f"/>
  <path d="M130 44h20v16h-20z" fill="#3b3f8f"/><path d="M350 175h110l-20 26h-70z" fill="#8a4b2a"/>
  <path d="M400 172V100l46 60z" fill="#fff"/></svg>`;

/** Holds back what is stored, so that it can be cancelled by hand. */
async function held(): Promise<{ mend(): Promise<void> }> {
  const context = stage.page.context();
  const objects = /\/objects$/;
  await context.route(objects, () => {});
  return { mend: () => context.unroute(objects) };
}
