/** Files: metadata apart from the contents, cuts noticed wherever they are, progress, and an end on request. */

import { equal, fails, ok } from "../src/assert.ts";
import type { Scenarios } from "../src/scenario.ts";
import { next } from "./events.ts";
import { scenario } from "./world.ts";

/** A segment of plaintext, and what it is sealed: docs/spec/envelope.md. */
const SEGMENT = 65_536;
const SEALED_SEGMENT = SEGMENT + 16;

/** Bytes that differ from one segment to the next. `getRandomValues` fills at most 64 KiB at once. */
function bytes(length: number): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(length);
  for (let at = 0; at < length; at += SEGMENT) crypto.getRandomValues(all.subarray(at, at + SEGMENT));
  return all;
}

async function hash(blob: Blob): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", await blob.arrayBuffer());
  return [...new Uint8Array(digest)].join(" ");
}

/** The first byte of the first segment. */
async function headLength(envelope: Blob): Promise<number> {
  const start = new DataView(await envelope.slice(0, 13).arrayBuffer());
  return 13 + start.getUint32(9) + 32;
}

export const scenarios: Scenarios = {
  "encryptFile, decryptFileContents: contents and metadata come back": scenario(async (world) => {
    const alice = await world.person("alice");
    const { keychainFingerprint } = await alice.createNewKeychain("files", "secretBox");
    for (const length of [0, 1, SEGMENT - 1, SEGMENT, SEGMENT + 1, 5 * SEGMENT + 7]) {
      const file = new File([bytes(length)], "Übersicht 🗻.txt", {
        type: "text/plain",
        lastModified: 1_700_000_000_000,
      });
      const { metadata, encryptedFile } = await alice.encryptFile(file, keychainFingerprint);
      const { name, type, lastModified, size } = metadata;
      equal(
        [name, type, lastModified, size],
        [file.name, "text/plain", file.lastModified, length],
        "metadata",
      );
      // As e2esdk's users do: the metadata is encrypted like a value, and kept beside.
      const kept = await alice.encrypt({ ...metadata }, keychainFingerprint);
      const opened = await alice.decryptFileContents(
        encryptedFile,
        (await alice.decrypt(kept)) as typeof metadata,
      );
      equal(
        [opened.name, opened.type, opened.lastModified, opened.size],
        [name, type, lastModified, size],
        "the file",
      );
      equal(await hash(opened), await hash(file), `contents of ${length} bytes`);
    }
  }),

  "encryptFile, decryptFile: a participant opens what another encrypted": scenario(async (world) => {
    const [alice, bob] = [await world.person("alice"), await world.person("bob")];
    const { keychainFingerprint } = await alice.createNewKeychain("files", "secretBox");
    const received = next(bob, "keyReceived");
    await alice.shareMostRecentKey(keychainFingerprint, { userId: "bob" });
    await received;
    const file = new File([bytes(3 * SEGMENT)], "plan.bin");
    const { encryptedFile } = await alice.encryptFile(file, keychainFingerprint, { sign: true });
    const opened = await bob.decryptFile(encryptedFile);
    equal(
      [opened.file.name, opened.signedBy, opened.current],
      ["plan.bin", "alice", true],
      "what bob learns",
    );
    equal(await hash(opened.file), await hash(file), "contents");
    const stranger = await world.person("carol");
    await fails("NoSlot", () => stranger.decryptFile(encryptedFile));
  }),

  "decryptFileContents: metadata of another file is refused": scenario(async (world) => {
    const alice = await world.person("alice");
    const { keychainFingerprint } = await alice.createNewKeychain("files", "secretBox");
    const one = await alice.encryptFile(new File(["one"], "one"), keychainFingerprint);
    const other = await alice.encryptFile(new File(["other"], "other"), keychainFingerprint);
    await fails("Unauthentic", () => alice.decryptFileContents(one.encryptedFile, other.metadata));
  }),

  "decryptFile: cut at a segment's border, in a segment, in the head": scenario(async (world) => {
    const alice = await world.person("alice");
    const { keychainFingerprint } = await alice.createNewKeychain("files", "secretBox");
    const file = new File([bytes(4 * SEGMENT + 100)], "f");
    const { encryptedFile, metadata } = await alice.encryptFile(file, keychainFingerprint);
    const head = await headLength(encryptedFile);
    for (const segments of [1, 2, 4]) {
      const cut = encryptedFile.slice(0, head + segments * SEALED_SEGMENT);
      await fails("Truncated", () => alice.decryptFile(cut));
      await fails("Truncated", () => alice.decryptFileContents(cut, metadata));
    }
    await fails("Truncated", () => alice.decryptFile(encryptedFile.slice(0, head)));
    await fails("Truncated", () => alice.decryptFile(encryptedFile.slice(0, head - 1)));
    await fails("Truncated", () => alice.decryptFile(encryptedFile.slice(0, 20)));
    await fails("Unauthentic", () => alice.decryptFile(encryptedFile.slice(0, head + SEALED_SEGMENT + 500)));
    await fails("Unauthentic", () => alice.decryptFile(new Blob([encryptedFile, "more"])));
  }),

  "decryptFile: segments swapped, repeated, spliced, altered": scenario(async (world) => {
    const alice = await world.person("alice");
    const { keychainFingerprint } = await alice.createNewKeychain("files", "secretBox");
    const make = async (): Promise<Blob> =>
      (await alice.encryptFile(new File([bytes(3 * SEGMENT + 9)], "f"), keychainFingerprint)).encryptedFile;
    const [one, other] = [await make(), await make()];
    const head = await headLength(one);
    const part = (of: Blob, segment: number): Blob =>
      of.slice(head + segment * SEALED_SEGMENT, head + (segment + 1) * SEALED_SEGMENT);
    const start = one.slice(0, head);
    const [a, b, c, last] = [0, 1, 2, 3].map((segment) => part(one, segment)) as [Blob, Blob, Blob, Blob];
    const spoiled = new Uint8Array(await b.arrayBuffer());
    spoiled[7] = (spoiled[7] ?? 0) ^ 1;
    const forged = {
      swapped: [start, b, a, c, last],
      repeated: [start, a, a, c, last],
      spliced: [start, a, part(other, 1), c, last],
      altered: [start, a, spoiled, c, last],
      "without one": [start, a, c, last],
      "with another's head": [other.slice(0, head), a, b, c, last],
    };
    for (const [what, parts] of Object.entries(forged)) {
      const error = await fails("Unauthentic", () => alice.decryptFile(new Blob(parts)));
      ok(error.message !== "", `${what} is refused`);
    }
    await alice.decryptFile(new Blob([start, a, b, c, last]));
  }),

  "decryptFile: the context must match; what is no envelope is none": scenario(async (world) => {
    const alice = await world.person("alice");
    const { keychainFingerprint } = await alice.createNewKeychain("files", "secretBox");
    const file = new File(["text"], "f");
    const { encryptedFile } = await alice.encryptFile(file, keychainFingerprint, { context: "folder 1" });
    equal(await (await alice.decryptFile(encryptedFile, { context: "folder 1" })).file.text(), "text");
    await fails("Unauthentic", () => alice.decryptFile(encryptedFile));
    await fails("Unauthentic", () => alice.decryptFile(encryptedFile, { context: "folder 2" }));
    await fails("NotAnEnvelope", () =>
      alice.decryptFile(new Blob(["%PDF-1.7 and so on, long enough to have a head"])),
    );
  }),

  "decryptFileRange: any range, and nothing of a cut envelope": scenario(async (world) => {
    const alice = await world.person("alice");
    const { keychainFingerprint } = await alice.createNewKeychain("files", "secretBox");
    const contents = bytes(3 * SEGMENT + 11);
    const { encryptedFile } = await alice.encryptFile(new File([contents], "f"), keychainFingerprint);
    for (const [start, end] of [
      [0, 5],
      [SEGMENT - 2, SEGMENT + 2],
      [2 * SEGMENT, 3 * SEGMENT + 11],
      [7, 7],
    ] as const) {
      equal(
        await alice.decryptFileRange(encryptedFile, { start, end }),
        contents.slice(start, end),
        `${start} to ${end}`,
      );
    }
    const cut = encryptedFile.slice(0, (await headLength(encryptedFile)) + 2 * SEALED_SEGMENT);
    await fails("Truncated", () => alice.decryptFileRange(cut, { start: 0, end: 5 }));
  }),

  "encryptFile, decryptFile: progress grows and ends at the whole": scenario(async (world) => {
    const alice = await world.person("alice");
    const { keychainFingerprint } = await alice.createNewKeychain("files", "secretBox");
    const seen: { loaded: number; total: number | null }[] = [];
    const onProgress = (progress: { loaded: number; total: number | null }): void =>
      void seen.push({ ...progress });
    const check = (what: string, given: Blob): void => {
      const loaded = seen.splice(0);
      ok(loaded.length > 0, `${what} tells something`);
      ok(
        loaded.every(({ loaded: now }, at) => now >= (loaded[at - 1]?.loaded ?? 0)),
        `${what} never goes back`,
      );
      equal(loaded.at(-1)?.loaded, given.size, `${what} ends at the whole`);
      ok(
        loaded.every(({ loaded: now, total }) => total === given.size && now <= total),
        `${what} tells how much there is`,
      );
    };
    const file = new File([bytes(8 << 20)], "f");
    const { encryptedFile } = await alice.encryptFile(file, keychainFingerprint, { onProgress });
    check("encrypting", file);
    const opened = await alice.decryptFile(encryptedFile, { onProgress });
    check("decrypting", encryptedFile);
    equal(await hash(opened.file), await hash(file), "contents");
  }),

  "encryptFile, decryptFile: an AbortSignal ends it with Cancelled": scenario(async (world) => {
    const alice = await world.person("alice");
    const { keychainFingerprint } = await alice.createNewKeychain("files", "secretBox");
    const file = new File([bytes(8 << 20)], "f");
    const halfway = (): { signal: AbortSignal; onProgress: () => void } => {
      const control = new AbortController();
      return { signal: control.signal, onProgress: () => control.abort("enough") };
    };
    const error = await fails("Cancelled", () => alice.encryptFile(file, keychainFingerprint, halfway()));
    equal(error.cause, "enough", "its cause");
    const { encryptedFile } = await alice.encryptFile(file, keychainFingerprint);
    await fails("Cancelled", () => alice.decryptFile(encryptedFile, halfway()));
    await fails("Cancelled", () => alice.decryptFile(encryptedFile, { signal: AbortSignal.abort() }));
    // Nothing is left behind that would stop the next one.
    equal(await hash((await alice.decryptFile(encryptedFile)).file), await hash(file), "contents");
  }),
};
