/**
 * The story of alice's devices: a second one is let in, one is lost, and all are. Each browser is a device; each test is
 * a chapter and goes on where the one before ended.
 */

import type { Locator, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { violations } from "./accessibility.js";
import { closeAll, count, picture, shows } from "./looking.js";
import { Device, type Panel, Stage } from "./stage.js";

const WORKSPACE = "Lighthouse weekend";
const FERRY = "The ferry leaves at 07:40, pier 3.";
const AFTERWARDS = "Somebody has my phone. We meet at the back door.";
const PASSWORD = "correct horse battery";

let stage: Stage;
let phone: Device;
let tablet: Device;
let alice: Panel;
let onPhone: Panel;
let onTablet: Panel;
/** What alice printed. */
let words = "";

beforeAll(async () => {
  stage = await Stage.open();
  alice = stage.person("alice");
});

afterAll(async () => {
  await stage?.close();
});

function devicesOf(panel: Panel): Locator {
  return panel.region.getByRole("list", { name: "Devices" }).getByRole("listitem");
}

function waysOf(panel: Panel): Locator {
  return panel.region.getByRole("list", { name: "Ways back" }).getByRole("listitem");
}

async function wordsOf(panel: Panel): Promise<string> {
  const list = panel.region.getByRole("list", { name: "Words to compare" }).getByRole("listitem");
  await count(list, 8);
  return (await list.allInnerTexts()).join(" ");
}

/** Light, dark and narrow: nothing to complain about, and nothing beyond the edge. */
async function accessible(page: Page): Promise<void> {
  expect(await violations(page)).toEqual([]);
  await page.emulateMedia({ colorScheme: "dark", reducedMotion: "reduce" });
  expect(await violations(page)).toEqual([]);
  await page.emulateMedia({ colorScheme: "light", reducedMotion: "reduce" });
  await page.setViewportSize({ width: 360, height: 760 });
  expect(await violations(page)).toEqual([]);
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  expect(overflow).toBeLessThanOrEqual(0);
  await page.setViewportSize({ width: 1600, height: 1000 });
}

async function closeNotices(panel: Panel): Promise<void> {
  const close = panel.region.getByRole("button", { name: "Close this notice" });
  await closeAll(close);
}

describe.sequential("alice's devices", () => {
  test("one device: it has a name of its own, and she is told that she has no way back", async () => {
    await alice.button("Continue as alice").click();
    await alice.region.getByLabel("Name of the workspace").fill(WORKSPACE);
    await alice.button("Create").click();
    await alice.write(FERRY);
    await alice.button("Devices and recovery of alice").click();
    await shows(devicesOf(alice), /This one/);
    await shows(alice.region, "There is no way back yet");
    await alice.button("Rename this device").click();
    await alice.region.getByLabel("Name", { exact: true }).fill("alice’s laptop");
    await alice.button("Rename").click();
    await shows(devicesOf(alice), "alice’s laptop");
  });

  test("another browser asks, both show the same words, and alice lets it in", async () => {
    phone = await stage.device();
    onPhone = phone.person("alice");
    await onPhone.button("Continue as alice").click();
    await shows(onPhone.region, "alice has an account already");
    expect(await violations(phone.page)).toEqual([]);
    await onPhone.button("Ask another device").click();
    const shown = await wordsOf(onPhone);
    await shows(alice.arrivals, "A new device asks to be let in");
    expect(await wordsOf(alice)).toBe(shown);
    expect(await onPhone.region.innerText()).not.toContain(WORKSPACE);
    const code = onPhone.region.getByRole("img", { name: /^Code of this device/ });
    expect(await code.locator("path").last().getAttribute("d")).toMatch(/^(M\d+ \d+h1v1h-1z){200,}$/);
    await accessible(phone.page);
    await accessible(stage.page);
    await picture(phone.page, "demo-new-device");
    await picture(stage.page, "demo-device-asks");
    await alice.button("The same words: let it in").click();
    await shows(onPhone.notes, FERRY);
    await count(devicesOf(alice), 2);
  });

  test("the new device asks no more, is listed on both, and hears when it is named", async () => {
    await count(alice.region.getByRole("list", { name: "Words to compare" }), 0);
    await onPhone.button("Devices and recovery of alice").click();
    await count(devicesOf(onPhone), 2);
    await onPhone.button("Rename this device").click();
    await onPhone.region.getByLabel("Name", { exact: true }).fill("alice’s phone");
    await onPhone.button("Rename").click();
    await shows(devicesOf(alice), "alice’s phone");
    await shows(devicesOf(alice), "Let in by alice’s laptop");
    await onPhone.button("Devices and recovery of alice").click();
  });

  test("one that asks by its code is declined, and one that asks again is let in by it", async () => {
    const other = await stage.device();
    const panel = other.person("alice");
    await panel.button("Continue as alice").click();
    await panel.button("Ask another device").click();
    await wordsOf(panel);
    await wordsOf(alice);
    await alice.button("No, or it is not mine").click();
    await shows(panel.region, "It was declined, or nobody answered in time");
    await panel.button("Another way").click();
    await panel.button("Ask another device").click();
    await wordsOf(panel);
    const code = await panel.region.locator(".code").innerText();
    await alice.region.getByLabel("Code that the new device shows").fill(`${code.slice(0, -4)}AAAA`);
    await alice.button("Let it in").click();
    await shows(alice.errors, "BadCode");
    await closeNotices(alice);
    await alice.region.getByLabel("Code that the new device shows").fill(code);
    await alice.button("Let it in").click();
    await shows(panel.notes, FERRY);
    await count(devicesOf(alice), 3);
    await other.page.context().close();
  });

  test("a paper key: 24 words, shown once, on a page made for printing", async () => {
    await alice.button("Make a paper key").click();
    await alice.button("Make it").click();
    const list = alice.region.getByRole("list", { name: "Paper key" }).getByRole("listitem");
    await count(list, 24);
    words = (await list.allInnerTexts()).join(" ");
    expect(words).toMatch(/^[a-z]+( [a-z]+){23}$/);
    expect(await violations(stage.page)).toEqual([]);
    await stage.page.emulateMedia({ media: "print" });
    const sheet = stage.page.locator(".sheet");
    await shows(sheet, "What to do with it");
    await shows(sheet, "Account of\nalice");
    expect((await sheet.locator("ol li").allInnerTexts()).join(" ")).toBe(words);
    expect(await alice.region.isVisible()).toBe(false);
    await stage.page.setViewportSize({ width: 794, height: 1123 });
    await picture(stage.page, "demo-paper-key");
    await stage.page.setViewportSize({ width: 1600, height: 1000 });
    await stage.page.emulateMedia({ media: "screen" });
    // Not lost by a slip of the hand.
    await stage.page.keyboard.press("Escape");
    await count(list, 24);
    await alice.button("I have it on paper").click();
    await count(stage.page.locator(".sheet"), 0);
    await shows(waysOf(alice), "Paper key");
    await shows(alice.region, "one of these brings everything back");
  });

  test("shares and a password are made, and go only by what they are", async () => {
    await alice.button("Make shares").click();
    await alice.button("Make them").click();
    await count(alice.region.getByRole("list", { name: "Shares" }).getByRole("listitem"), 3);
    expect(await violations(stage.page)).toEqual([]);
    await alice.button("They are kept").click();
    await alice.button("Set a password").click();
    await alice.region.getByLabel("Password, eight characters or more").fill(PASSWORD);
    await alice.button("Set it").click();
    await count(waysOf(alice), 3);
    await accessible(stage.page);
    await picture(stage.page, "demo-recovery");
    const password = waysOf(alice).filter({ hasText: "Password" });
    await password.getByRole("button", { name: "Remove" }).click();
    await alice.region.getByLabel("The password").fill("another one");
    await alice.button("Remove it").click();
    await shows(alice.region.getByRole("dialog"), /wrong|not/);
    await alice.region.getByLabel("The password").fill(PASSWORD);
    await alice.button("Remove it").click();
    await count(waysOf(alice), 2);
  });

  test("the phone is lost: it goes dark, and reads nothing that comes", async () => {
    await shows(onPhone.notes, FERRY);
    await devicesOf(alice)
      .filter({ hasText: "alice’s phone" })
      .getByRole("button", { name: "Take out" })
      .click();
    expect(await violations(stage.page)).toEqual([]);
    await alice.button("Take it out").click();
    await shows(onPhone.region, "This device was taken out of alice’s account.");
    await count(devicesOf(alice).filter({ hasText: "alice’s phone" }), 0);
    await alice.button("Devices and recovery of alice").click();
    await alice.write(AFTERWARDS);
    await shows(alice.notes.filter({ hasText: AFTERWARDS }), "sealed under key 3");
    await shows(onPhone.notes, "Sealed under a key that you do not have");
    await shows(onPhone.notes, FERRY);
    expect(await onPhone.region.innerText()).not.toContain(AFTERWARDS);
    expect(await onPhone.region.getByRole("textbox", { name: "New note" }).count()).toBe(0);
    await accessible(phone.page);
    await picture(phone.page, "demo-lost-device");
    // It is still out when the page is loaded anew, and can be emptied.
    await phone.page.reload();
    await shows(onPhone.region, "This device was taken out of alice’s account.");
    await onPhone.button("Remove what is on it").click();
    await shows(onPhone.region, "Nobody is signed in here");
  });

  test("every device is lost: a new one comes back with the words, and takes the others out", async () => {
    tablet = await stage.device();
    onTablet = tablet.person("alice");
    await onTablet.button("Continue as alice").click();
    await onTablet.button("Use what you kept").click();
    const typed = onTablet.region.getByLabel("The 24 words");
    await typed.fill(words.split(" ").reverse().join(" "));
    await onTablet.button("Come back").click();
    await shows(onTablet.region, /checksum|words/);
    await shows(onTablet.region.locator(".wrong"), /\w/);
    await accessible(tablet.page);
    await picture(tablet.page, "demo-come-back");
    await typed.fill(words.toUpperCase().replaceAll(" ", "\n"));
    await onTablet.button("Come back").click();
    await shows(onTablet.notes, FERRY);
    await shows(onTablet.notes, AFTERWARDS);
    await shows(alice.region, "This device was taken out of alice’s account.");
    await onTablet.button("Devices and recovery of alice").click();
    await count(devicesOf(onTablet), 1);
    await shows(devicesOf(onTablet), "Let in by a way back");
  });

  test("whoever has neither is told so, and no account is made by itself", async () => {
    await onPhone.button("Continue as alice").click();
    await onPhone.button("I have neither").click();
    await shows(onPhone.region, "Then what was encrypted stays closed");
    expect(await violations(phone.page)).toEqual([]);
    await onPhone.button("Another way").click();
    await shows(onPhone.region, "alice has an account already");
    await count(devicesOf(onTablet), 1);
  });

  test("another window of the same browser is a device of its own, if it is opened as one", async () => {
    const [opened] = await Promise.all([
      tablet.page.context().waitForEvent("page"),
      onTablet.region.getByRole("link", { name: "in another window as a second device" }).click(),
    ]);
    const second = new Device(opened).person("alice");
    await second.button("Continue as alice").click();
    await second.button("Ask another device").click();
    await wordsOf(second);
    await onTablet.button("The same words: let it in").click();
    await shows(second.notes, AFTERWARDS);
    await count(devicesOf(onTablet), 2);
  });

  test("the pages complained about nothing, their own policy included", () => {
    expect(stage.complaints).toEqual([]);
  });
});
