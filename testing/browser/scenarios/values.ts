/** Values of every type come back as what they were, and only to whoever has the key and names the context. */

import { equal, fails, ok } from "../src/assert.ts";
import type { Scenarios } from "../src/scenario.ts";
import { scenario } from "./world.ts";

/** By what is special about them. */
const VALUES: Readonly<Record<string, unknown>> = {
  "a string": "hello",
  "the empty string": "",
  "unicode, composed and not": "Zürich Zu\u0308rich 日本語 🏔️ \u{10FFFF}",
  "line ends and control characters": "a\r\nb\n\u0000c\u007f",
  "a string that looks like a value": "kf1.AAAA",
  "a string that looks like a number": "1e3",
  zero: 0,
  "minus zero": -0,
  "a fraction": 0.1,
  "the largest safe integer": Number.MAX_SAFE_INTEGER,
  "the smallest number": Number.MIN_VALUE,
  "the largest number": -Number.MAX_VALUE,
  true: true,
  false: false,
  "a date": new Date("2026-11-22T00:00:00.123Z"),
  "a date before 1970": new Date(-1),
  "the last date": new Date(8.64e15),
  bytes: new Uint8Array([0, 1, 127, 128, 255]),
  "no bytes": new Uint8Array(),
  null: null,
  "an array": [1, "two", [3, [true, null]], {}],
  "an object": { nested: { deeper: { list: [1, 2, 3], text: "ü" } }, "": "empty name", "a b": -1.5e-7 },
  "an empty object": {},
  "an object with __proto__": JSON.parse('{"__proto__": {"polluted": true}}'),
};

export const scenarios: Scenarios = {
  "encrypt, decrypt: every type comes back as what it was": scenario(async (world) => {
    const alice = await world.person("alice");
    const { keychainFingerprint } = await alice.createNewKeychain("notes", "secretBox");
    for (const [what, value] of Object.entries(VALUES)) {
      const text = await alice.encrypt(value as never, keychainFingerprint);
      ok(/^kf1\.[A-Za-z0-9_-]+$/.test(text), `${what} is encrypted to text for a column`);
      equal(await alice.decrypt(text), value, what);
    }
  }),

  "encrypt, decrypt: bytes of another view are those bytes": scenario(async (world) => {
    const alice = await world.person("alice");
    const { keychainFingerprint } = await alice.createNewKeychain("notes", "secretBox");
    const view = new Uint8Array([9, 1, 2, 3, 9]).subarray(1, 4);
    const encrypting = alice.encrypt(view, keychainFingerprint);
    view.fill(7);
    equal(await alice.decrypt(await encrypting), new Uint8Array([1, 2, 3]), "what stood there at the call");
  }),

  "encrypt, decrypt: a mebibyte, and not more than 16": scenario(async (world) => {
    const alice = await world.person("alice");
    const { keychainFingerprint } = await alice.createNewKeychain("notes", "secretBox");
    const large = "ä".repeat(512 * 1024);
    ok((await alice.decrypt(await alice.encrypt(large, keychainFingerprint))) === large, "it comes back");
    await fails("TooLarge", () => alice.encrypt("a".repeat((16 << 20) + 1), keychainFingerprint));
  }),

  "encrypt: the same value twice gives texts that nobody can tell to be the same": scenario(async (world) => {
    const alice = await world.person("alice");
    const { keychainFingerprint } = await alice.createNewKeychain("notes", "secretBox");
    const [one, other] = [
      await alice.encrypt("x", keychainFingerprint),
      await alice.encrypt("x", keychainFingerprint),
    ];
    ok(one !== other, "they differ");
    ok(
      one.length === (await alice.encrypt("longer", keychainFingerprint)).length,
      "short texts are as long as others",
    );
  }),

  "encrypt: what would not come back is refused": scenario(async (world) => {
    const alice = await world.person("alice");
    const { keychainFingerprint } = await alice.createNewKeychain("notes", "secretBox");
    const cyclic: Record<string, unknown> = {};
    cyclic["self"] = cyclic;
    const refused = [
      undefined,
      () => 1,
      Symbol("s"),
      1n,
      cyclic,
      { a: Number.NaN },
      [1n],
      { a: () => 1 },
      [undefined],
    ];
    const odd = [new Date(Number.NaN), "\ud800", { a: new Date(0) }, new Map(), new Set(), /x/];
    for (const value of [...refused, ...odd]) {
      await fails("Unsupported", () => alice.encrypt(value as never, keychainFingerprint));
    }
  }),

  "encrypt, decrypt: the associated data must match": scenario(async (world) => {
    const alice = await world.person("alice");
    const { keychainFingerprint } = await alice.createNewKeychain("notes", "secretBox");
    const bound = await alice.encrypt("secret", keychainFingerprint, "document 7");
    equal(await alice.decrypt(bound, keychainFingerprint, "document 7"), "secret", "with the same one");
    const asBytes = new TextEncoder().encode("document 7");
    equal(await alice.decrypt(bound, keychainFingerprint, asBytes), "secret", "as bytes");
    for (const other of ["document 8", "", "document 7 ", undefined]) {
      await fails("Unauthentic", () => alice.decrypt(bound, keychainFingerprint, other));
    }
    const free = await alice.encrypt("secret", keychainFingerprint);
    await fails("Unauthentic", () => alice.decrypt(free, keychainFingerprint, "document 7"));
    // A value of another keychain than the one that is named is none of it.
    const other = await alice.createNewKeychain("other", "secretBox");
    await fails("Unauthentic", () => alice.decrypt(free, other.keychainFingerprint));
  }),

  "decrypt: a text that was altered, cut or moved is refused": scenario(async (world) => {
    const alice = await world.person("alice");
    const one = await alice.createNewKeychain("one", "secretBox");
    const other = await alice.createNewKeychain("other", "secretBox");
    const text = await alice.encrypt("a secret of some length", one.keychainFingerprint);
    const bytes = alice.decode(text.slice("kf1.".length));
    const spoiled = (at: number): string => {
      const copy = bytes.slice();
      copy[at] = (copy[at] ?? 0) ^ 1;
      return `kf1.${alice.encode(copy)}`;
    };
    // Magic, version, form, fingerprint, salt, commitment, payload, tag: docs/spec/values.md.
    await fails("Malformed", () => alice.decrypt(spoiled(0)));
    await fails("Unsupported", () => alice.decrypt(spoiled(3)));
    await fails("NoSlot", () => alice.decrypt(spoiled(5)));
    for (const at of [37, 60, 61, 92, 93, bytes.length - 1]) {
      await fails("Unauthentic", () => alice.decrypt(spoiled(at)));
    }
    await fails("Truncated", () => alice.decrypt(`kf1.${alice.encode(bytes.slice(0, -1))}`));
    // The same text under the fingerprint of another key that alice has.
    const moved = bytes.slice();
    moved.set(alice.decode(other.keyFingerprint), 5);
    await fails("Unauthentic", () => alice.decrypt(`kf1.${alice.encode(moved)}`));
    equal(await alice.decrypt(text), "a secret of some length", "the true one");
  }),

  "decrypt: what is no value of Keyfold's is refused": scenario(async (world) => {
    const alice = await world.person("alice");
    await alice.createNewKeychain("notes", "secretBox");
    for (const text of ["hello", "kf1.", "kf1.AAAA", "kf1.not base64", "v1.secretbox.AAAA", "kf2.AAAA"]) {
      const error = await alice.decrypt(text).then(
        () => "nothing",
        (error: unknown) => (error as { code: string }).code,
      );
      ok(
        ["NotAnEnvelope", "Malformed", "Truncated", "Unsupported"].includes(error),
        `${text} is refused: ${error}`,
      );
    }
  }),

  "rotateKey: older keys still decrypt, and open() tells which it was": scenario(async (world) => {
    const alice = await world.person("alice");
    const first = await alice.createNewKeychain("notes", "secretBox");
    const old = await alice.encrypt("old", first.keychainFingerprint);
    const second = await alice.rotateKey(first.keychainFingerprint);
    const fresh = await alice.encrypt("fresh", first.keychainFingerprint);
    const [opened, newest] = [await alice.open(old), await alice.open(fresh)];
    equal(
      [opened.value, opened.keyFingerprint, opened.keyNumber, opened.current],
      ["old", first.keyFingerprint, 1, false],
    );
    equal(
      [newest.value, newest.keyFingerprint, newest.keyNumber, newest.current],
      ["fresh", second.keyFingerprint, 2, true],
    );
  }),

  "encrypt to a sealedBox: members decrypt": scenario(async (world) => {
    const alice = await world.person("alice");
    const { keychainFingerprint, publicKey } = await alice.createNewKeychain("inbox", "sealedBox");
    ok(typeof publicKey === "string" && publicKey !== "", "it has a public key");
    equal(await alice.decrypt(await alice.encrypt({ to: "alice" }, keychainFingerprint)), { to: "alice" });
  }),
};
