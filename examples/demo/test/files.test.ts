/** Files of a workspace: two people at one vault, folders, versions, pictures, sound that is played while it comes. */

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { violations } from "./accessibility.js";
import { count, picture, shows } from "./looking.js";
import { type Panel, Stage } from "./stage.js";

const SONG = "Song of the northern lighthouse.wav";
const PLAN = "Plan of the harbour.txt";

let stage: Stage;
let alice: Panel;
let bob: Panel;

beforeAll(async () => {
  stage = await Stage.open();
  [alice, bob] = [stage.person("alice"), stage.person("bob")];
});

afterAll(async () => {
  await stage?.close();
});

/** Sound of so many seconds: one tone. */
function sound(seconds: number): Buffer {
  const [rate, head] = [22_050, Buffer.alloc(44)];
  const samples = Buffer.alloc(seconds * rate * 2);
  for (let at = 0; at < seconds * rate; at += 1)
    samples.writeInt16LE(Math.round(3_000 * Math.sin((at * 2 * Math.PI * 440) / rate)), at * 2);
  head.write("RIFF", 0);
  head.writeUInt32LE(36 + samples.length, 4);
  head.write("WAVEfmt ", 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(rate, 24);
  head.writeUInt32LE(rate * 2, 28);
  head.writeUInt16LE(2, 32);
  head.writeUInt16LE(16, 34);
  head.write("data", 36);
  head.writeUInt32LE(samples.length, 40);
  return Buffer.concat([head, samples]);
}

/** A picture of this size, as a camera would make it: painted by the page. */
async function photo(width: number, height: number): Promise<Buffer> {
  const bytes = await stage.page.evaluate(
    async ([width, height]) => {
      const canvas = new OffscreenCanvas(width, height);
      const paint = canvas.getContext("2d");
      if (paint === null) throw new Error("nothing to paint on");
      const sky = paint.createLinearGradient(0, 0, 0, height);
      sky.addColorStop(0, "#24406b");
      sky.addColorStop(0.6, "#e9b872");
      sky.addColorStop(1, "#2c4a52");
      paint.fillStyle = sky;
      paint.fillRect(0, 0, width, height);
      paint.fillStyle = "#f4efe6";
      paint.fillRect(width * 0.68, height * 0.25, width * 0.04, height * 0.45);
      paint.fillStyle = "#a8281e";
      paint.fillRect(width * 0.67, height * 0.2, width * 0.06, height * 0.06);
      const blob = await canvas.convertToBlob({ type: "image/jpeg" });
      return [...new Uint8Array(await blob.arrayBuffer())];
    },
    [width, height] as const,
  );
  return Buffer.from(bytes);
}

const file = (panel: Panel, name: string) => panel.files.filter({ hasText: name });

describe.sequential("files", () => {
  test("what one drops, the other sees as it is stored, and a picture is shown small", async () => {
    await alice.button("Continue as alice").click();
    await bob.button("Continue as bob").click();
    await alice.region.getByLabel("Name of the workspace").fill("Summer");
    await alice.button("Create").click();
    await alice.section("People");
    await alice.button("Invite").click();
    await shows(bob.region, "Shared by alice");
    await alice.section("Files");
    await bob.section("Files");
    await shows(bob.region, "No files yet.");
    await alice.drop(PLAN, "text/plain", Buffer.from("Meet at the pier at eight."));
    await shows(file(bob, PLAN), "26 B");
    await bob.drop("Evening.jpg", "image/jpeg", await photo(1_600, 1_000));
    for (const panel of [alice, bob]) {
      const image = panel.files.getByRole("img", { name: "Evening.jpg" });
      await expect
        .poll(() => image.evaluate((shown) => (shown as HTMLImageElement).naturalHeight).catch(() => 0), {
          timeout: 20_000,
          interval: 25,
        })
        .toBe(440);
    }
    await shows(alice.region.getByRole("tab", { name: "Files" }), "2");
  });

  test("sound is played from wherever one wants to hear it, while it is fetched", async () => {
    await alice.drop(SONG, "audio/wav", sound(120));
    await shows(file(bob, SONG), "5.3 MB");
    await file(bob, SONG).getByRole("button", { name: "Play" }).click();
    const player = bob.files.locator("audio");
    const seen = async (): Promise<{ at: number; lasts: number; ready: boolean; error: string }> =>
      player.evaluate((element) => {
        const { currentTime, duration, readyState, error } = element as HTMLAudioElement;
        return { at: currentTime, lasts: duration, ready: readyState >= 2, error: error?.message ?? "" };
      });
    const patience = { timeout: 20_000, interval: 50 };
    await expect.poll(seen, patience).toMatchObject({ lasts: 120, ready: true, error: "" });
    await player.evaluate((element) => {
      (element as HTMLAudioElement).pause();
      (element as HTMLAudioElement).currentTime = 90;
    });
    await expect.poll(seen, patience).toMatchObject({ at: 90, ready: true, error: "" });
    // Whoever opens its address finds no page of somebody else's making.
    const address = (await player.getAttribute("src")) ?? "";
    expect(
      await stage.page.evaluate(
        async (address) => (await fetch(address)).headers.get("content-security-policy"),
        address,
      ),
    ).toBe("sandbox");
  });

  test("folders are made, opened, moved into and removed, and both see it", async () => {
    await alice.button("New folder").click();
    await alice.region.getByLabel("Name of the folder").fill("Trip");
    await alice.button("Make").click();
    await file(bob, "Trip").getByRole("button", { name: "Trip", exact: true }).click();
    await shows(bob.region, "Nothing is in this folder.");
    await alice.button(`Rename ${PLAN}`).click();
    await alice.region.getByLabel("Name, or a path to move it").fill("Trip/Plan.txt");
    await alice.button("Rename").click();
    await shows(bob.files, "Plan.txt");
    await count(file(alice, "Plan"), 0);
    await bob.drop("Tickets.pdf", "application/pdf", Buffer.from("two"));
    await count(bob.files, 2);
    await alice.button("Rename Trip").click();
    await alice.region.getByLabel("Name, or a path to move it").fill("Journey");
    await alice.button("Rename").click();
    await shows(bob.region, "there is no");
    await bob.button("All files").click();
    await file(bob, "Journey").getByRole("button", { name: "Journey", exact: true }).click();
    await count(bob.files, 2);
    await bob.button("Delete Tickets.pdf").click();
    await count(bob.files, 1);
  });

  test("a file is what it was before, if somebody wants that", async () => {
    await bob.drop("Plan.txt", "text/plain", Buffer.from("Meet at the pier at nine, and bring a lamp."));
    await shows(file(bob, "Plan.txt"), "version 2");
    await bob.button("Versions of Plan.txt").click();
    await shows(
      bob.region.getByRole("list", { name: "Versions of Plan.txt" }),
      /Version 2[^]*Now[^]*Version 1/,
    );
    await bob.button("Restore version 1 of Plan.txt").click();
    await shows(file(bob, "Plan.txt"), /26 B[^]*version 3/);
    const downloading = stage.page.waitForEvent("download");
    await bob.button("Download Plan.txt").click();
    const stream = await (await downloading).createReadStream();
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    expect(Buffer.concat(chunks).toString()).toBe("Meet at the pier at eight.");
    await bob.button("All files").click();
  });

  test("the server sees objects of some sizes", async () => {
    const objects = stage.server.getByRole("list", { name: "Sealed objects" });
    await shows(objects, "of 1,048,832 bytes");
    await shows(stage.server, "stores sealed objects");
  });

  test("files are accessible, in light, in dark, and on a narrow screen", async () => {
    await picture(stage.page, "demo-files");
    expect(await violations(stage.page)).toEqual([]);
    await alice.button("Rename Journey").click();
    await stage.page.emulateMedia({ colorScheme: "dark", reducedMotion: "reduce" });
    expect(await violations(stage.page)).toEqual([]);
    await alice.button("Cancel").click();
    await picture(stage.page, "demo-files-dark");
    await stage.page.emulateMedia({ colorScheme: "light", reducedMotion: "reduce" });
    await stage.page.setViewportSize({ width: 360, height: 760 });
    await stage.page.getByRole("tab", { name: "alice" }).click();
    await picture(stage.page, "demo-files-narrow");
    expect(await violations(stage.page)).toEqual([]);
    const overflow = await stage.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    expect(overflow).toBeLessThanOrEqual(0);
    const inPanel = await alice.region
      .locator(".panel-body")
      .first()
      .evaluate((body) => body.scrollWidth - body.clientWidth);
    expect(inPanel).toBeLessThanOrEqual(0);
    await stage.page.setViewportSize({ width: 1600, height: 1000 });
  });

  test("who is put out sees no files any more, and nothing of them is readable where they are stored", async () => {
    await alice.button("Delete Journey").click();
    await stage.page.getByRole("dialog").getByRole("button", { name: "Delete it" }).click();
    await count(file(bob, "Journey"), 0);
    await alice.section("People");
    await alice.member("bob").getByRole("button", { name: "Remove" }).click();
    await stage.page.getByRole("dialog").getByRole("button", { name: "Remove bob" }).click();
    await shows(bob.region, "Files are read from the server, which shows them to members only.");
    const stored = await stage.stored();
    for (const [path, bytes] of stored)
      for (const text of [
        SONG,
        "lighthouse",
        "Plan of the",
        "Plan.txt",
        "Evening",
        "pier at",
        "image/jpeg",
        "WAVEfmt",
        "Journey",
      ])
        expect(bytes.includes(text), `${text} in ${path}`).toBe(false);
    expect(stage.complaints).toEqual([]);
  });
});
