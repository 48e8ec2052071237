/** A large `File` in Chromium, beside WebCrypto alone and libsodium.js, in turns. */
import { open, rm } from "node:fs/promises";
import { randomFillSync } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import type { Options } from "./main.js";
import { MemoryWatch } from "./memory.js";
import { openPage } from "./page.js";
import { atMost, beside, keep, keyfold, times } from "./table.js";

/** The kinds of turns, by page. Decrypting takes what was encrypted before it. */
const PAGES = [
  ["encrypt", "decrypt"],
  ["rawEncrypt", "rawDecrypt"],
  ["worker encrypt", "worker decrypt"],
  ["sodium encrypt", "sodium decrypt"],
] as const;
const TURNS = PAGES.flat();
type Turn = (typeof TURNS)[number];

export async function bulk(options: Options): Promise<void> {
  const mebibytes = options.mebibytes;
  console.log(`A File of ${mebibytes} MiB in Chromium …`);
  const path = await randomFile(mebibytes);
  const world = await openPage(options);
  const rate: Record<string, number[]> = Object.fromEntries(TURNS.map((turn) => [turn, []]));
  const memory: Record<string, number[]> = Object.fromEntries(TURNS.map((turn) => [turn, []]));
  const longest: number[] = [];
  const heap: number[] = [];
  try {
    const { keychain } = await world.call("signUp", world.place, "alice");
    await world.call("warmBlobs");
    for (let turn = 0; turn < options.turns; turn++) {
      for (let place = 0; place < PAGES.length; place++) {
        // Everybody comes first once, and with no Blobs of another in the browser's memory.
        const kinds = PAGES[(turn + place) % PAGES.length] ?? [];
        const page = await world.open();
        await page.setInputFiles("input", path);
        await world.callOn(page, "open", world.place, keychain);
        for (const kind of kinds) {
          const took = await measure(page, kind);
          console.log(`  ${kind}: ${took.toFixed(0)} ms`);
          rate[kind]?.push((mebibytes * 1.048576) / (took / 1000));
        }
        await page.close();
      }
    }
  } finally {
    await world.stop();
    await rm(path, { force: true });
  }

  /** Everybody is watched alike: looking costs something too. */
  async function measure(page: Page, kind: Turn): Promise<number> {
    const watch = await MemoryWatch.start(world.context);
    const result = await world.callOn(page, kind);
    const most = await watch.stop();
    memory[kind]?.push(most);
    if (kind === "encrypt" || kind === "decrypt") {
      longest.push(result.longest);
      heap.push(await world.callOn(page, "heap"));
    }
    return result.took;
  }

  const of = (kind: Turn) => rate[kind] ?? [];
  await keep(
    options.samples,
    {
      id: "6-browser-file",
      title: `A File of ${mebibytes >= 1024 ? `${mebibytes / 1024} GiB` : `${mebibytes} MiB`} in Chromium`,
      note:
        `From a File on the disk to a Blob, medians of ${options.turns} turns; they take turns, each in a page of its own, which is closed after it. ` +
        "WebCrypto alone: the same reading and collecting, AES-256-GCM in segments of 64 KiB, 64 in flight, on the " +
        "page's thread and in a worker, as Keyfold's client works; no format, no checks. libsodium.js: secretstream in chunks of 64 KiB, in a " +
        "worker. Memory is what the page's process (worker included) held privately at most, beyond what it held " +
        "before; the Blobs lie in the browser's process and on its disk; the longest task is the longest time for which the page's thread did not answer.",
      lines: [
        keyfold("encryptFile", "MB/s", of("encrypt"), times(0.8, "WebCrypto alone", of("rawEncrypt"))),
        beside("Limit", "WebCrypto alone, encrypt", "MB/s", of("rawEncrypt")),
        beside("Limit", "WebCrypto alone in a worker, encrypt", "MB/s", of("worker encrypt")),
        beside("Peer", "libsodium.js, encrypt", "MB/s", of("sodium encrypt")),
        keyfold("decryptFile", "MB/s", of("decrypt"), times(0.8, "WebCrypto alone", of("rawDecrypt"))),
        beside("Limit", "WebCrypto alone, decrypt", "MB/s", of("rawDecrypt")),
        beside("Limit", "WebCrypto alone in a worker, decrypt", "MB/s", of("worker decrypt")),
        beside("Peer", "libsodium.js, decrypt", "MB/s", of("sodium decrypt")),
        keyfold("encryptFile, process", "MiB", memory["encrypt"] ?? [], atMost(100, "MiB")),
        keyfold("decryptFile, process", "MiB", memory["decrypt"] ?? [], atMost(100, "MiB")),
        beside("Limit", "WebCrypto alone, encrypt, process", "MiB", memory["rawEncrypt"] ?? []),
        beside(
          "Limit",
          "WebCrypto alone in a worker, encrypt, process",
          "MiB",
          memory["worker encrypt"] ?? [],
        ),
        keyfold("the page's JavaScript heap", "MiB", heap, atMost(100, "MiB")),
        keyfold("longest task on the page's thread", "ms", longest, atMost(50, "ms")),
      ],
    },
    options.versions,
  );
}

async function randomFile(mebibytes: number): Promise<string> {
  const path = join(tmpdir(), `keyfold-bench-${process.pid}.bin`);
  const file = await open(path, "w", 0o600);
  const block = Buffer.alloc(1 << 20);
  for (let written = 0; written < mebibytes; written++) await file.write(randomFillSync(block));
  await file.close();
  return path;
}
