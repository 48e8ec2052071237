/**
 * The server is killed while a client bans somebody, at moments from before the request to after the answer. Afterwards
 * he is banned and there is a new key, or he is not banned: never the one without the other.
 */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect } from "vitest";
import { eventually } from "../src/assert.ts";
import { type Keyfold, test } from "../src/harness/index.ts";
import { Tab } from "../src/tab.ts";

/** How often the server is killed in one place. */
const ROUNDS = 12;

/** What the test asks of a client, wherever it runs. */
type Call = Tab["call"];

interface People {
  readonly alice: Call;
  readonly bob: Call;
  readonly carol: Call;
}

/** A keychain of alice's with bob and carol in it. */
async function circle({ alice, bob, carol }: People, purpose: string): Promise<string> {
  const { keychainFingerprint: kc } = await alice("createNewKeychain", purpose, "secretBox");
  await alice("shareMostRecentKey", kc, [{ userId: "bob" }, { userId: "carol" }]);
  await bob("sync");
  await carol("sync");
  return kc;
}

/** Bans bob a dozen times, each time in a keychain of its own, and kills the server meanwhile. */
async function killedInBans(people: People, keyfold: Keyfold): Promise<void> {
  const { alice, bob, carol } = people;
  // How long an undisturbed ban takes here says where to cut.
  const undisturbed = await circle(people, "undisturbed");
  const started = performance.now();
  await alice("banUser", "bob", undisturbed);
  const length = performance.now() - started;

  for (let round = 0; round < ROUNDS; round += 1) {
    const kc = await circle(people, `round ${round}`);
    const first = (await alice("findKeyByKeychainFingerprint", kc))?.keyFingerprint;
    const ban = alice("banUser", "bob", kc).then(
      () => true,
      () => false,
    );
    await new Promise((resolve) => setTimeout(resolve, (length * 1.2 * round) / ROUNDS));
    await keyfold.restart();
    const acknowledged = await ban;

    // Carol takes in what the server has now, and verifies every entry of it.
    await eventually("the server answers again", () =>
      carol("sync").then(
        () => true,
        () => false,
      ),
    );
    const members = await carol("getParticipants", kc, null, { pending: true });
    const isOut = !members.some(({ userId }) => userId === "bob");
    const current = (await carol("findKeyByKeychainFingerprint", kc))?.keyFingerprint;
    expect({ round, newKey: current !== first }).toEqual({ round, newKey: isOut });
    if (acknowledged) expect(isOut, "an acknowledged ban stays").toBe(true);

    // It goes on: whoever was not answered does it again, and what is written then bob cannot read.
    if (!isOut) await alice("banUser", "bob", kc);
    const text = await carol("encrypt", "after the ban", kc);
    expect(await alice("decrypt", text)).toBe("after the ban");
    await bob("sync").catch(() => undefined);
    await expect(bob("decrypt", text)).rejects.toMatchObject({ code: "NoSlot" });
  }
}

const NAMES = ["alice", "bob", "carol"] as const;

describe("ban under crash", () => {
  test("S13 ban under crash: a server killed anywhere in a ban by a client in Node", async ({ keyfold }) => {
    const { Client } = await import("@keyfold/client");
    const folder = await mkdtemp(join(tmpdir(), "keyfold-homes-"));
    const clients = NAMES.map(
      (name) =>
        new Client({
          serverURL: keyfold.url,
          serverSignaturePublicKey: keyfold.key,
          storage: join(folder, name),
          handleNotifications: false,
        }),
    );
    try {
      const [alice, bob, carol] = clients.map((client): Call => async (method, ...args) => {
        const run = client[method] as (...args: unknown[]) => unknown;
        return (await run.apply(client, args)) as never;
      }) as [Call, Call, Call];
      await alice("signup", "alice");
      await bob("signup", "bob");
      await carol("signup", "carol");
      await killedInBans({ alice, bob, carol }, keyfold);
    } finally {
      for (const client of clients) client.close();
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    }
  });

  test("S13 ban under crash: a server killed anywhere in a ban by a client in Chromium", async ({
    keyfold,
    arrive,
  }) => {
    const tabs: Record<string, Call> = {};
    for (const name of NAMES) {
      const tab = await Tab.open(await arrive(), keyfold, { handleNotifications: false });
      tabs[name] = (method, ...args) => tab.call(method, ...args);
      await tab.call("signup", name);
    }
    await killedInBans(tabs as unknown as People, keyfold);
  });
});
