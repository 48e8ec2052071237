/** How long it takes until a page that was just opened shows rows of an index. */
import type { Options } from "./main.js";
import { openPage } from "./page.js";
import { atMost, beside, keep, keyfold } from "./table.js";

const ROWS = 100_000;
const SHOWN = 50;
const TURNS = 15;
/** What was read is written down when there is time. */
const SETTLED_MS = 3_000;

export async function vault(options: Options): Promise<void> {
  console.log(`${SHOWN} rows out of ${ROWS} in a page that was just opened …`);
  const world = await openPage(options);
  const first: number[] = [];
  const next: number[] = [];
  const longest: number[] = [];
  const nothingNear: number[] = [];
  try {
    const { keychain } = await world.call("signUp", world.place, "alice");
    await world.call("openRows", world.place, keychain);
    await world.call("fillRows", ROWS);
    await world.call("range", 0, ROWS);
    await new Promise((resolve) => setTimeout(resolve, SETTLED_MS));
    await world.page.close();
    for (const samples of [first, nothingNear]) {
      for (let turn = 0; turn < TURNS; turn++) {
        const page = await world.open();
        if (samples === nothingNear) await world.callOn(page, "forgetNear");
        await world.callOn(page, "openRows", world.place, keychain);
        // Elsewhere each time: 7,919 is prime.
        const at = ((turn + 1) * 7_919) % (ROWS - 2 * SHOWN);
        const result = await world.callOn(page, "range", at, SHOWN);
        samples.push(result.took);
        if (samples === first) {
          longest.push(result.longest);
          next.push((await world.callOn(page, "range", (at + ROWS / 2) % (ROWS - SHOWN), SHOWN)).took);
        }
        await page.close();
      }
    }
  } finally {
    await world.stop();
  }
  await keep(
    options.samples,
    {
      id: "7-browser-index",
      title: `${SHOWN} rows out of ${ROWS.toLocaleString("en")}, in Chromium`,
      note:
        "From the call to the rows, on a page that was just opened and whose client is connected; " +
        `${TURNS} pages, other rows each. Everything was read before by a page that is closed: what it read is kept ` +
        "near, in IndexedDB, sealed. The server, on the same machine, is asked for the newest state each time. Rows " +
        "are 100 bytes of JSON. The longest task is the longest time for which the page's thread did not answer.",
      lines: [
        keyfold("first range of a page", "ms", first, atMost(50, "ms")),
        keyfold("next range, elsewhere", "ms", next),
        keyfold("longest task on the page's thread", "ms", longest, atMost(50, "ms")),
        beside("Peer", "first range of a page, with nothing near", "ms", nothingNear),
      ],
    },
    options.versions,
  );
}
