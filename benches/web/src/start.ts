/** How long it takes until a page that was just opened has decrypted its first value. */
import type { Options } from "./main.js";
import { openPage } from "./page.js";
import { atMost, keep, keyfold } from "./table.js";

const TURNS = 15;

export async function start(options: Options): Promise<void> {
  console.log("From the first call to the first decryption …");
  const world = await openPage(options);
  const took: number[] = [];
  const longest: number[] = [];
  try {
    const { keychain, text } = await world.call("signUp", world.place, "alice");
    await world.page.close();
    for (let turn = 0; turn < TURNS; turn++) {
      const page = await world.open();
      const result = await world.callOn(page, "firstDecryption", world.place, text, keychain);
      took.push(result.took);
      longest.push(result.longest);
      await page.close();
    }
  } finally {
    await world.stop();
  }
  await keep(
    options.samples,
    {
      id: "7-browser-start",
      title: "From the first call to the first decryption, in Chromium",
      note:
        `A page with a stored device: \`new Client\`, then \`decrypt\`. Worker, WebAssembly, storage and keys are ` +
        `loaded on the way; ${TURNS} pages, the first with an empty HTTP cache. The longest task is the longest ` +
        "time for which the page's thread did not answer.",
      lines: [
        keyfold("first call to first decryption", "ms", took, atMost(150, "ms")),
        keyfold("longest task on the page's thread", "ms", longest, atMost(50, "ms")),
      ],
    },
    options.versions,
  );
}
