/** One person with ten tabs: how long until all of them know, and what they cost. */
import type { Options } from "./main.js";
import { renderers, resident } from "./memory.js";
import { openPage } from "./page.js";
import { keep, keyfold } from "./table.js";
import { Client } from "@keyfold/client";

const TABS = 10;
const TURNS = 9;

export async function tabs(options: Options): Promise<void> {
  console.log(`${TABS} tabs of one person …`);
  const world = await openPage(options);
  const bob = new Client({ ...world.place, storage: { memory: true } });
  const opened: number[] = [];
  const told: number[] = [];
  let memory = Number.NaN;
  try {
    await world.call("signUp", world.place, "alice");
    await bob.signup("bob");
    await world.page.close();
    const pages = [];
    const before = await resident(await renderers(world.context));
    for (let tab = 0; tab < TABS; tab++) {
      const page = await world.open();
      const start = performance.now();
      await world.callOn(page, "follow", world.place);
      opened.push(performance.now() - start);
      pages.push(page);
    }
    memory = (await resident(await renderers(world.context))) - before;
    const alice = await bob.getUserIdentity("alice");
    if (!alice) throw new Error("alice is not there");
    for (let turn = 0; turn < TURNS; turn++) {
      const { keychainFingerprint } = await bob.createNewKeychain(`shared ${turn}`, "secretBox");
      const start = performance.now();
      await bob.shareMostRecentKey(keychainFingerprint, alice);
      await Promise.all(
        pages.map((page) =>
          page.waitForFunction(
            (wanted) => (window as unknown as { received: string[] }).received.includes(wanted),
            keychainFingerprint,
            { polling: 5 },
          ),
        ),
      );
      told.push(performance.now() - start);
    }
  } finally {
    await bob.close();
    await world.stop();
  }
  await keep(
    options.samples,
    {
      id: "9-tabs",
      title: "Ten tabs of one person, in Chromium",
      note:
        `One profile, ${TABS} tabs with a client each, one connection among them. All stand on one machine of two ` +
        "cores, with the sharer and the server. Memory is what the page processes hold privately, the empty pages " +
        "included. The tabs are asked every 5 ms whether they know.",
      lines: [
        keyfold("a tab opens and knows who is logged in", "ms", opened),
        keyfold(`a share reaches all ${TABS} tabs`, "ms", told),
        keyfold(`${TABS} tabs, in all`, "MiB", [memory]),
      ],
    },
    options.versions,
  );
}
