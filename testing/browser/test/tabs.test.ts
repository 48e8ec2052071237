/** Several tabs of one person: one leads, all see the same, and whichever dies is not missed. */

import { Client } from "@keyfold/client";
import { describe, expect } from "vitest";
import { eventually, fails } from "../src/assert.ts";
import { type Keyfold, test, type Visitor } from "../src/harness/index.ts";
import { Tab } from "../src/tab.ts";

/** Somebody else, in this Node. */
async function somebody(keyfold: Keyfold, userId: string): Promise<Client> {
  const client = new Client({
    serverURL: keyfold.url,
    serverSignaturePublicKey: keyfold.key,
    storage: { memory: true },
  });
  await client.signup(userId);
  return client;
}

/** Tabs of bob's, all logged in, all listening. */
async function tabsOfBob(visitor: Visitor, keyfold: Keyfold, count: number): Promise<Tab[]> {
  const first = await Tab.open(visitor, keyfold);
  await first.call("signup", "bob");
  const tabs = [first];
  while (tabs.length < count) tabs.push(await Tab.open(visitor, keyfold));
  for (const tab of tabs) await tab.listen();
  for (const tab of tabs) await online(tab);
  return tabs;
}

const online = (tab: Tab): Promise<unknown> =>
  eventually("the tab is logged in and online", async () => {
    const { status, sync } = await tab.state();
    return status === "in" && sync === "online";
  });

async function leaders(tabs: readonly Tab[]): Promise<Tab[]> {
  const states = await Promise.all(tabs.map((tab) => tab.state()));
  return tabs.filter((_, at) => states[at]?.leader);
}

/** Alice makes a keychain and shares it with bob; answers the key. */
async function share(alice: Client, purpose: string): Promise<string> {
  const { keychainFingerprint, keyFingerprint } = await alice.createNewKeychain(purpose, "secretBox");
  await alice.shareMostRecentKey(keychainFingerprint, { userId: "bob" });
  return keyFingerprint;
}

/** Has the page ask who is in a keychain when it is told that they may be others, and never else. */
async function showParticipants(tab: Tab): Promise<void> {
  await tab.page.evaluate(() => {
    const client = globalThis.kept["client"] as Client;
    globalThis.kept["participants"] = [];
    client.on("participantsUpdated", async ({ keychainFingerprint }) => {
      const participants = await client.getParticipants(keychainFingerprint);
      globalThis.kept["participants"] = participants
        .map(({ userId, permissions }) => (permissions.allowRotation ? `${userId} may rotate` : userId))
        .sort();
    });
  });
}

const received = (tab: Tab, key: string): Promise<unknown> =>
  eventually(`the tab was told of ${key}`, async () => (await tab.told()).includes(`keyReceived ${key}`));

const keychains = async (tab: Tab): Promise<string[]> =>
  (await tab.state()).keychains.map(({ purpose }) => purpose);

describe("several tabs", () => {
  for (const count of [2, 10]) {
    test(`${count} tabs: one leads, and each is told of a share once`, async ({ keyfold, arrive }) => {
      const alice = await somebody(keyfold, "alice");
      const tabs = await tabsOfBob(await arrive(), keyfold, count);
      expect(await leaders(tabs)).toHaveLength(1);
      const keys = [await share(alice, "one"), await share(alice, "two"), await share(alice, "three")];
      const orders = new Set<string>();
      for (const tab of tabs) {
        for (const key of keys) await received(tab, key);
        const told = (await tab.told()).filter((event) => event.startsWith("keyReceived"));
        // Keychains that come in one batch have no order of their own; each comes once.
        expect(told.toSorted()).toEqual(keys.map((key) => `keyReceived ${key}`).toSorted());
        orders.add(told.join());
        expect(await keychains(tab)).toEqual(["one", "three", "two"]);
      }
      expect(orders.size).toBe(1);
      alice.close();
    });
  }

  test("who asks for participants whenever he is told to shows the truth, in every tab", async ({
    keyfold,
    arrive,
  }) => {
    const [alice, carol] = [await somebody(keyfold, "alice"), await somebody(keyfold, "carol")];
    const tabs = await tabsOfBob(await arrive(), keyfold, 2);
    for (const tab of tabs) await showParticipants(tab);
    const { keychainFingerprint } = await alice.createNewKeychain("notes", "secretBox");
    await alice.shareMostRecentKey(keychainFingerprint, [{ userId: "bob" }, { userId: "carol" }]);
    const allShow = async (expected: readonly string[]): Promise<void> => {
      for (const tab of tabs) {
        await eventually(`the tab shows ${expected.join(", ")}`, async () => {
          const shown = await tab.page.evaluate(() => globalThis.kept["participants"] as string[]);
          return shown.join() === expected.join();
        });
      }
    };
    await allShow(["alice may rotate", "bob", "carol"]);
    await alice.setPermissions("carol", keychainFingerprint, { allowRotation: true });
    await allShow(["alice may rotate", "bob", "carol may rotate"]);
    await alice.banUser("carol", keychainFingerprint);
    await allShow(["alice may rotate", "bob"]);
    for (const client of [alice, carol]) client.close();
  });

  test("the leader is closed: another takes over, and shares still arrive", async ({ keyfold, arrive }) => {
    const alice = await somebody(keyfold, "alice");
    let tabs = await tabsOfBob(await arrive(), keyfold, 3);
    while (tabs.length > 1) {
      const [leader] = await leaders(tabs);
      if (leader === undefined) throw new Error("nobody leads");
      await leader.page.close();
      tabs = tabs.filter((tab) => tab !== leader);
      await eventually("another leads", async () => (await leaders(tabs)).length === 1);
      const key = await share(alice, `after ${tabs.length}`);
      for (const tab of tabs) await received(tab, key);
    }
    alice.close();
  });

  test("the leader crashes: what was on its way is not lost", async ({ keyfold, arrive }) => {
    const alice = await somebody(keyfold, "alice");
    const visitor = await arrive();
    const tabs = await tabsOfBob(visitor, keyfold, 2);
    const [leader] = await leaders(tabs);
    const follower = tabs.find((tab) => tab !== leader);
    if (leader === undefined || follower === undefined) throw new Error("nobody leads");
    const shared = share(alice, "meanwhile");
    await visitor.kill(leader.page);
    await received(follower, await shared);
    alice.close();
  });

  test("logging out in one tab logs out all, and logging in logs in all", async ({ keyfold, arrive }) => {
    const tabs = await tabsOfBob(await arrive(), keyfold, 3);
    const { keychainFingerprint } = await (tabs[0] as Tab).call("createNewKeychain", "notes", "secretBox");
    const text = await (tabs[1] as Tab).call("encrypt", "secret", keychainFingerprint);
    await (tabs[2] as Tab).call("logout");
    for (const tab of tabs) {
      await eventually("it is out", async () => (await tab.state()).status === "out");
      expect((await tab.state()).keychains).toEqual([]);
      expect(await tab.told()).toContain("identityUpdated nobody");
      await fails("LoggedOut", () => tab.call("decrypt", text));
    }
    await (tabs[0] as Tab).call("login");
    for (const tab of tabs) {
      await online(tab);
      expect(await tab.call("decrypt", text)).toBe("secret");
    }
  });

  test("a tab that was frozen catches up when it is shown", async ({ keyfold, arrive }) => {
    const alice = await somebody(keyfold, "alice");
    const visitor = await arrive();
    const tabs = await tabsOfBob(visitor, keyfold, 2);
    const [leader] = await leaders(tabs);
    for (const frozen of [tabs.find((tab) => tab !== leader), leader]) {
      const other = tabs.find((tab) => tab !== frozen);
      if (frozen === undefined || other === undefined) throw new Error("nobody leads");
      const wake = await visitor.freeze(frozen.page);
      const key = await share(alice, frozen === leader ? "while the leader slept" : "while a follower slept");
      // Whoever is awake works, whatever the other does.
      await other.call("sync");
      await received(other, key);
      await wake();
      await received(frozen, key);
    }
    alice.close();
  });

  test("ten tabs race to create, rotate and share: one state for all, each event once and in one order", async ({
    keyfold,
    arrive,
  }) => {
    const alice = await somebody(keyfold, "alice");
    const tabs = await tabsOfBob(await arrive(), keyfold, 10);
    const { keychainFingerprint } = await (tabs[0] as Tab).call("createNewKeychain", "common", "secretBox");
    const made = await Promise.all(
      tabs.map(async (tab, at) => {
        const own = await tab.call("createNewKeychain", `of tab ${at}`, "secretBox");
        const rotated = await tab.call("rotateKey", keychainFingerprint);
        await tab.call("shareMostRecentKey", own.keychainFingerprint, { userId: "alice" });
        return { own, rotated };
      }),
    );
    const numbers = made.map(({ rotated }) => rotated.keyNumber).sort((a, b) => a - b);
    expect(numbers).toEqual(Array.from({ length: 10 }, (_, at) => at + 2));
    await eventually("all tabs show the same", async () => {
      const states = await Promise.all(
        tabs.map(async (tab) => JSON.stringify((await tab.state()).keychains)),
      );
      return states.every((state) => state === states[0]);
    });
    expect((await (tabs[9] as Tab).state()).keychains).toHaveLength(11);
    const order = await eventually("all tabs were told the same", async () => {
      const told = await Promise.all(tabs.map(async (tab) => JSON.stringify(changes(await tab.told()))));
      return told.every((one) => one === told[0]) && told[0];
    });
    const rotations = (JSON.parse(order) as string[]).filter((event) => event.startsWith("keyRotated"));
    expect(rotations).toHaveLength(new Set(rotations).size);
    for (const { rotated } of made) expect(rotations).toContain(`keyRotated ${rotated.keyFingerprint}`);
    // And what all of them believe is what is true.
    await alice.sync();
    expect(alice.state.keychains.map(({ purpose }) => purpose)).toEqual(tabs.map((_, at) => `of tab ${at}`));
    for (const { own } of made) {
      const text = await alice.encrypt("from alice", own.keychainFingerprint);
      expect(await (tabs[5] as Tab).call("decrypt", text)).toBe("from alice");
    }
    alice.close();
  });
});

/** Without who is logged in: tabs came at different times. */
function changes(told: readonly string[]): string[] {
  return told.filter((event) => !event.startsWith("identityUpdated"));
}
