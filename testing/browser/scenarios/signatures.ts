/**
 * Confusion of signatures: whatever the client signs or seals for one purpose is offered for each other one. The kinds
 * are those that its public calls make and take: application signatures, signed files, values, identities, ledgers and
 * receipts in an audit.
 */

import type { Client } from "@keyfold/client";
import { equal, ok } from "../src/assert.ts";
import type { Scenarios } from "../src/scenario.ts";
import { type World, scenario } from "./world.ts";

/** An Ed25519 signature, bytes. */
const SIGNATURE = 64;

/** What a signed file ends with, bytes: account, generation, head, and the signature. */
const TRAILER = 144;

/** Alice, who has made one thing of each kind. */
interface Made {
  readonly alice: Client;
  readonly kc: string;
  readonly file: Uint8Array<ArrayBuffer>;
  readonly audit: Uint8Array<ArrayBuffer>;
}

async function made(world: World): Promise<Made> {
  const [alice, bob] = [await world.person("alice"), await world.person("bob")];
  const { keychainFingerprint: kc } = await alice.createNewKeychain("notes", "secretBox");
  await alice.shareMostRecentKey(kc, { userId: "bob" });
  await bob.sync();
  const { encryptedFile } = await alice.encryptFile(new File(["a plan"], "plan"), kc, { sign: true });
  equal((await alice.decryptFile(encryptedFile)).signedBy, "alice", "the true file");
  return {
    ...{ alice, kc },
    file: new Uint8Array(await encryptedFile.arrayBuffer()),
    audit: await alice.audit.export(kc),
  };
}

/** Where signatures stand in an audit: byte strings of 64 bytes, of receipts, entries, and the accounts' keys. */
function signaturesIn(audit: Uint8Array): number[] {
  const at: number[] = [];
  for (let byte = 0; byte + 2 + SIGNATURE <= audit.length; byte += 1) {
    if (audit[byte] !== 0x58 || audit[byte + 1] !== SIGNATURE) continue;
    at.push(byte + 2);
    byte += 1 + SIGNATURE;
  }
  return at;
}

/** The same bytes with a signature put in the place of another. */
function spliced(bytes: Uint8Array, at: number, signature: Uint8Array): Uint8Array<ArrayBuffer> {
  const altered = new Uint8Array(bytes);
  altered.set(signature, at);
  return altered;
}

function cut(bytes: Uint8Array, at: number, length = SIGNATURE): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes.subarray(at, at + length));
}

/** @throws If it is accepted, or refused by anything but an error of the client's. */
async function refused(what: string, offer: () => Promise<unknown>): Promise<string> {
  const outcome = await offer().then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  if ("value" in outcome) {
    equal(outcome.value, false, what);
    return "false";
  }
  const { error } = outcome;
  ok(error instanceof Error && "code" in error, `${what}: ${String(error)}`);
  ok(error.code !== "Internal", `${what}: ${error.message}`);
  return String(error.code);
}

export const scenarios: Scenarios = {
  "S15 confusion of signatures: no signature of a file or a ledger is one of the application": scenario(
    async (world) => {
      const { alice, file, audit } = await made(world);
      const { signaturePublicKey, ledgerPublicKey, publicationPublicKey } =
        alice.publicIdentity ?? ({} as never);
      const keys = [signaturePublicKey, ledgerPublicKey, publicationPublicKey, world.environment.serverKey];
      const trailer = file.length - TRAILER;
      const all = [cut(file, file.length - SIGNATURE), ...signaturesIn(audit).map((at) => cut(audit, at))];
      ok(all.length > 8, `${all.length} signatures`);
      const said: (string | Uint8Array)[][] = [
        [],
        [file],
        [audit],
        [cut(file, trailer, TRAILER - SIGNATURE)],
      ];
      for (const signature of all) {
        for (const key of keys) {
          for (const items of said) {
            const verified = await alice.verifySignature(alice.encode(signature), key, ...items);
            equal(verified, false, "a signature of something else");
          }
        }
      }
    },
  ),

  "S15 confusion of signatures: none of the application stands in a file or a ledger": scenario(
    async (world) => {
      const { alice, file, audit, kc } = await made(world);
      const trailer = file.length - TRAILER;
      const statement = cut(file, trailer, TRAILER - SIGNATURE);
      // An application that gets people to sign what it likes: the very bytes that are signed elsewhere.
      for (const items of [[], [""], [statement], [file.subarray(0, trailer)], [file], [audit]]) {
        const signature = alice.decode(await alice.sign(...items));
        equal(signature.length, SIGNATURE, "bytes");
        const asTrailer = spliced(file, file.length - SIGNATURE, signature);
        equal(
          await refused("as a file's", () => alice.decryptFile(new Blob([asTrailer]))),
          "Unauthentic",
          "as a file's",
        );
        for (const at of signaturesIn(audit)) {
          const asEntry = spliced(audit, at, signature);
          equal(await refused("in a ledger", () => alice.audit.verify(asEntry)), "NotProved", "in a ledger");
          equal(
            await refused("in a ledger", () => alice.audit.compare(kc, asEntry)),
            "NotProved",
            "in a ledger that is compared",
          );
        }
      }
    },
  ),

  "S15 confusion of signatures: all pairs of those in a file and in a ledger": scenario(async (world) => {
    const { alice, file, audit } = await made(world);
    const places = signaturesIn(audit);
    const all = [cut(file, file.length - SIGNATURE), ...places.map((at) => cut(audit, at))];
    for (const [from, signature] of all.entries()) {
      if (from > 0) {
        const asTrailer = new Blob([spliced(file, file.length - SIGNATURE, signature)]);
        equal(
          await refused("a file", () => alice.decryptFile(asTrailer)),
          "Unauthentic",
          "a ledger's on a file",
        );
      }
      for (const [to, at] of places.entries()) {
        if (to + 1 === from) continue;
        const moved = spliced(audit, at, signature);
        equal(
          await refused("moved", () => alice.audit.verify(moved)),
          "NotProved",
          `${from} in place ${to + 1}`,
        );
      }
    }
    equal((await alice.audit.verify(audit)).kind, "keychain", "the true one");
  }),

  "S15 confusion of signatures: no document is taken for one of another kind": scenario(async (world) => {
    const { alice, kc, file, audit } = await made(world);
    const identity = alice.publicIdentity ?? ({} as never);
    const utf8 = new TextEncoder();
    const bob = await alice.getUserIdentity("bob");
    const texts: Record<string, string> = {
      value: await alice.encrypt("a plan", kc),
      "application signature": await alice.sign("a plan"),
      identity: bob?.uri ?? "",
      "safety words": await alice.safetyWords("bob"),
    };
    const documents: Record<string, Uint8Array<ArrayBuffer>> = { "signed file": file, audit };
    const asText = { ...texts };
    for (const [kind, bytes] of Object.entries(documents)) asText[kind] = alice.encode(bytes);
    const asBytes = { ...documents };
    for (const [kind, text] of Object.entries(texts)) asBytes[kind] = new Uint8Array(utf8.encode(text));

    type Reader = (kind: string) => Promise<unknown>;
    const key = identity.signaturePublicKey;
    const readers: Record<string, { reads: readonly string[]; reader: Reader }> = {
      open: { reads: ["value"], reader: (kind) => alice.open(asText[kind] ?? "") },
      verifySignature: {
        reads: ["application signature"],
        reader: (kind) => alice.verifySignature(asText[kind] ?? "", key, "a plan"),
      },
      verifyIdentity: {
        reads: ["identity", "safety words"],
        reader: (kind) => alice.verifyIdentity("bob", asText[kind] ?? ""),
      },
      decryptFile: {
        reads: ["signed file"],
        reader: (kind) => alice.decryptFile(new Blob([asBytes[kind] ?? new Uint8Array()])),
      },
      "audit.verify": {
        reads: ["audit"],
        reader: (kind) => alice.audit.verify(asBytes[kind] ?? new Uint8Array()),
      },
      "audit.compare": {
        reads: ["audit"],
        reader: (kind) => alice.audit.compare(kc, asBytes[kind] ?? new Uint8Array()),
      },
    };
    for (const [call, { reads, reader }] of Object.entries(readers)) {
      for (const kind of Object.keys(asText)) {
        if (!reads.includes(kind)) await refused(`${kind} by ${call}`, () => reader(kind));
      }
    }
    equal((await alice.getUserIdentity("bob"))?.verified, false, "bob, whom nothing of this verified");
    for (const [call, { reads, reader }] of Object.entries(readers)) {
      for (const kind of reads) ok(await reader(kind), `${kind} by ${call}`);
    }
  }),
};
