/** How long it takes until a page that was just opened has decrypted its first value. */
import type { BrowserContext, Page } from "playwright-core";
import type { Options } from "./main.js";
import { openPage } from "./page.js";
import { atMost, keep, keyfold } from "./table.js";

const TURNS = 15;
const PIN = "271828";

export async function start(options: Options): Promise<void> {
  console.log("From the first call to the first decryption …");
  const world = await openPage(options);
  const took: number[] = [];
  const longest: number[] = [];
  const passkeys: number[] = [];
  const pins: number[] = [];
  const unlockingLongest: number[] = [];
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
    for (const [secret, samples] of [
      [{ passkey: true }, passkeys],
      [{ pin: PIN }, pins],
    ] as const) {
      // Passkeys belong to names.
      const page = await world.open("localhost");
      await withPasskeys(world.context, page);
      const { text } = await world.callOn(page, "signUp", world.place, Object.keys(secret).join());
      for (let turn = 0; turn < TURNS; turn++) {
        await world.callOn(page, "lock", turn === 0 ? secret : undefined);
        const result = await world.callOn(page, "decryptionBehind", secret, text);
        samples.push(result.took);
        unlockingLongest.push(result.longest);
      }
      await world.callOn(page, "forget");
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
        "time for which the page's thread did not answer. Behind a lock, the page waits locked until the secret is " +
        `given; ${TURNS} turns each. A PIN costs Argon2id (64 MiB, 3 passes), in the worker and on purpose.`,
      lines: [
        keyfold("first call to first decryption", "ms", took, atMost(150, "ms")),
        keyfold("longest task on the page's thread", "ms", longest, atMost(50, "ms")),
        keyfold("passkey to first decryption", "ms", passkeys, atMost(150, "ms")),
        keyfold("PIN to first decryption, Argon2id included", "ms", pins),
        keyfold(
          "longest task on the page's thread while unlocking",
          "ms",
          unlockingLongest,
          atMost(50, "ms"),
        ),
      ],
    },
    options.versions,
  );
}

/** An authenticator of the page's own, which agrees to everything at once. */
async function withPasskeys(context: BrowserContext, page: Page): Promise<void> {
  const devtools = await context.newCDPSession(page);
  await devtools.send("WebAuthn.enable");
  await devtools.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      ctap2Version: "ctap2_1",
      transport: "internal",
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      hasPrf: true,
      automaticPresenceSimulation: true,
    },
  });
}
