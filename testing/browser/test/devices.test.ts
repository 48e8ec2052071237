/** Several devices of one person: in both places, and what only browsers have: pages loaded anew, tabs, lost storage. */

import { describe, expect } from "vitest";
import { eventually, fails } from "../src/assert.ts";
import { clear } from "../src/clear.ts";
import { type Keyfold, runInChromium, runInNode, test, type Visitor } from "../src/harness/index.ts";
import { Tab } from "../src/tab.ts";

await runInNode("devices");
await runInChromium("devices");

/** Alice's laptop, with what is sealed there. */
async function laptop(
  visitor: Visitor,
  keyfold: Keyfold,
): Promise<{ tab: Tab; notes: string; sealed: string }> {
  const tab = await Tab.open(visitor, keyfold);
  await tab.call("signup", "alice");
  const { keychainFingerprint: notes } = await tab.call("createNewKeychain", "notes", "secretBox");
  return { tab, notes, sealed: await tab.call("encrypt", "hello", notes) };
}

/** The page of a device, loaded anew. */
async function again({ visitor, page }: Tab, keyfold: Keyfold): Promise<Tab> {
  await page.close();
  return Tab.open(visitor, keyfold);
}

const online = (tab: Tab): Promise<unknown> =>
  eventually("the tab is logged in and online", async () => {
    const { status, sync } = await tab.state();
    return status === "in" && sync === "online";
  });

describe("a page that is loaded anew while it asks", () => {
  test("waits on, and is let in", async ({ keyfold, arrive }) => {
    const { tab: alice, sealed } = await laptop(await arrive(), keyfold);
    const before = await Tab.open(await arrive(), keyfold);
    const asked = await before.ask("devices", "request", "alice", { label: "phone" });
    const phone = await again(before, keyfold);
    // It shows what it showed.
    const { code, words } = await phone.ask("devices", "request", "alice", { label: "phone" });
    expect([code, words]).toEqual([asked.code, asked.words]);
    const approval = phone.ask("devices", "approval");
    await alice.ask("devices", "approve", code);
    expect((await approval).userId).toBe("alice");
    expect(await phone.call("decrypt", sealed)).toBe("hello");
  });

  test("and was let in while it was closed: it is in as soon as somebody listens", async ({
    keyfold,
    arrive,
  }) => {
    const { tab: alice, sealed } = await laptop(await arrive(), keyfold);
    const before = await Tab.open(await arrive(), keyfold);
    const { visitor } = before;
    const { deviceId } = await before.ask("devices", "request", "alice", { label: "phone" });
    await before.page.close();
    await alice.ask("devices", "approve", deviceId);
    const phone = await Tab.open(visitor, keyfold);
    await phone.listen();
    await online(phone);
    expect(await phone.call("decrypt", sealed)).toBe("hello");
  });

  test("and was declined meanwhile: it is told so, and this browser is nobody's", async ({
    keyfold,
    arrive,
  }) => {
    const { tab: alice } = await laptop(await arrive(), keyfold);
    const before = await Tab.open(await arrive(), keyfold);
    const { code } = await before.ask("devices", "request", "alice");
    const phone = await again(before, keyfold);
    await alice.ask("devices", "decline", code);
    await fails("UnknownEnrolment", () => phone.ask("devices", "approval"));
    await fails("NoHome", () => phone.call("login"));
    await phone.call("signup", "bob");
  });
});

describe("ten tabs of each device", () => {
  test("are told who asks, come in, and are told that they are out, each once", async ({
    keyfold,
    arrive,
  }) => {
    const tabs = async (first: Tab): Promise<Tab[]> => {
      const all = [first];
      while (all.length < 10) all.push(await Tab.open(first.visitor, keyfold));
      for (const tab of all) await tab.listen();
      return all;
    };
    const all = async (those: readonly Tab[], event: string): Promise<void> => {
      for (const tab of those) {
        await eventually(event, async () => (await tab.told()).includes(event as never));
      }
    };
    const { tab: first, sealed } = await laptop(await arrive(), keyfold);
    const alices = await tabs(first);
    for (const tab of alices) await online(tab);
    const phones = await tabs(await Tab.open(await arrive(), keyfold));
    const [phone, other] = phones as [Tab, Tab];
    const asked = await phone.ask("devices", "request", "alice", { label: "phone" });
    // Whichever tab asks, it is one device that does.
    expect((await other.ask("devices", "request", "alice", { label: "phone" })).code).toBe(asked.code);
    await all(alices, `deviceRequested ${asked.deviceId}`);
    const approvals = [phone, other].map((tab) => tab.ask("devices", "approval"));
    await (alices[7] as Tab).ask("devices", "approve", asked.code);
    for (const approval of approvals) expect((await approval).userId).toBe("alice");
    for (const tab of phones) {
      await online(tab);
      expect(await tab.call("decrypt", sealed)).toBe("hello");
    }
    await (alices[3] as Tab).ask("devices", "revoke", "phone");
    await all([...alices, ...phones], `deviceRevoked ${asked.deviceId}`);
    for (const tab of [...alices, ...phones]) {
      const told = await tab.told();
      expect(told.filter((event) => event.startsWith("deviceRevoked"))).toHaveLength(1);
    }
    for (const tab of alices) {
      // Once each time that it asked.
      const requested = (await tab.told()).filter((event) => event.startsWith("deviceRequested"));
      expect(requested).toHaveLength(2);
    }
    for (const tab of phones) await fails("UnknownDevice", () => tab.call("sync"));
  }, 120_000);
});

describe("storage that was lost", () => {
  test("is told, and another device lets this one in again: the same account, and everything is there", async ({
    keyfold,
    arrive,
  }) => {
    const { tab: alice, sealed } = await laptop(await arrive(), keyfold);
    const before = await Tab.open(await arrive(), keyfold);
    await before.ask("devices", "register", await alice.ask("devices", "enroll", { label: "phone" }));
    const { deviceId: lost } = await before.state();
    await clear(before, "indexeddb");
    const phone = await again(before, keyfold);
    await fails("StorageLost", () => phone.call("login"));
    await fails("StorageLost", () => phone.call("signup", "alice"));
    const { code } = await phone.ask("devices", "request", "alice", { label: "phone again" });
    await alice.ask("devices", "approve", code);
    await phone.ask("devices", "approval");
    expect(await phone.call("decrypt", sealed)).toBe("hello");
    // What it was is a device of the account until somebody takes it out.
    const { deviceIds } = await phone.ask("devices", "revoke", lost);
    expect(deviceIds).toEqual([lost]);
    expect((await alice.ask("devices", "list")).map(({ label }) => label?.slice(0, 5))).toEqual([
      undefined,
      "phone",
    ]);
  });
});

describe("what a device calls itself that nobody named", () => {
  test("is its program and system", async ({ keyfold, arrive }) => {
    const { tab: alice } = await laptop(await arrive(), keyfold);
    const phone = await Tab.open(await arrive(), keyfold);
    await phone.ask("devices", "request", "alice");
    const [asking] = await alice.ask("devices", "requests");
    expect(asking?.label).toMatch(/^(Chrome|Edge) on Linux$/);
  });
});
