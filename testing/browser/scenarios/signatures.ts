/**
 * Confusion of signatures: whatever the client signs or seals for one purpose is offered for each other one. The kinds
 * are those that its public calls make and take: application signatures, signed files, values, identities, ledgers and
 * receipts in an audit, and evidence.
 */

import type { Client } from "@keyfold/client";
import { equal, fails, ok } from "../src/assert.ts";
import type { Liar, LyingScenarios } from "../src/liar.ts";
import { type World, lied } from "./world.ts";

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
  /** The server's two receipts for two heads under one number. */
  readonly evidence: Uint8Array<ArrayBuffer>;
}

async function made(world: World, liar: Liar): Promise<Made> {
  // They ask when they are told to, and not by themselves.
  const alone = { handleNotifications: false };
  const [alice, bob] = [await world.person("alice", alone), await world.person("bob", alone)];
  const { keychainFingerprint: kc } = await alice.createNewKeychain("notes", "secretBox");
  await alice.shareMostRecentKey(kc, { userId: "bob" });
  await bob.sync();
  const { encryptedFile } = await alice.encryptFile(new File(["a plan"], "plan"), kc, { sign: true });
  equal((await alice.decryptFile(encryptedFile)).signedBy, "alice", "the true file");
  const audit = await alice.audit.export(kc);
  await liar.lie({ kind: "other-head", keychain: kc });
  await fails("Rollback", () => alice.sync());
  await liar.beHonest();
  const evidence = await alice.audit.evidence(kc);
  equal((await alice.audit.verify(evidence)).kind, "evidence", "the true evidence");
  return { ...{ alice, kc, audit, evidence }, file: new Uint8Array(await encryptedFile.arrayBuffer()) };
}

/** Where a signature stands, and how its document is read. */
interface Place {
  readonly what: string;
  readonly document: Uint8Array<ArrayBuffer>;
  readonly at: number;
  /** With which code the document is refused if another signature stands there. */
  readonly code: "Unauthentic" | "NotProved";
  readonly read: (document: Uint8Array<ArrayBuffer>) => Promise<unknown>;
}

/** The signatures of all documents. */
function places({ alice, kc, file, audit, evidence }: Made): Place[] {
  const read = (bytes: Uint8Array<ArrayBuffer>): Promise<unknown> => alice.decryptFile(new Blob([bytes]));
  const trailer = { what: "a file", document: file, at: file.length - SIGNATURE };
  const proof = (what: string, document: Uint8Array<ArrayBuffer>, read: Place["read"]): Place[] =>
    signaturesIn(document).map((at) => ({ what, document, at, code: "NotProved", read }));
  return [
    { ...trailer, code: "Unauthentic", read },
    ...proof("a ledger", audit, (bytes) => alice.audit.verify(bytes)),
    ...proof("a ledger that is compared", audit, (bytes) => alice.audit.compare(kc, bytes)),
    ...proof("evidence", evidence, (bytes) => alice.audit.verify(bytes)),
  ];
}

/**
 * Where signatures stand in what an audit makes: byte strings of 64 bytes, of receipts, entries, and accounts' keys. By
 * chance other bytes look so too, and may be no more altered than these.
 */
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

export const scenarios: LyingScenarios = {
  "S15 confusion of signatures: no signature of a document is one of the application": lied(
    async (world, liar) => {
      const all = await made(world, liar);
      const { alice, file, audit, evidence } = all;
      const { signaturePublicKey, ledgerPublicKey, publicationPublicKey } =
        alice.publicIdentity ?? ({} as never);
      const { serverKey } = world.environment;
      const keys = [signaturePublicKey, ledgerPublicKey, publicationPublicKey, serverKey];
      const statement = cut(file, file.length - TRAILER, TRAILER - SIGNATURE);
      const said: (string | Uint8Array)[][] = [[], [file], [audit], [evidence], [statement]];
      for (const { document, at, what } of places(all)) {
        const signature = alice.encode(cut(document, at));
        for (const key of keys) {
          for (const items of said)
            equal(await alice.verifySignature(signature, key, ...items), false, `one of ${what}`);
        }
      }
    },
  ),

  "S15 confusion of signatures: none of the application stands in a document": lied(async (world, liar) => {
    const all = await made(world, liar);
    const { alice, file, audit, evidence } = all;
    const trailer = file.length - TRAILER;
    const statement = cut(file, trailer, TRAILER - SIGNATURE);
    // An application that gets people to sign what it likes: the very bytes that are signed elsewhere.
    for (const items of [[], [""], [statement], [file.subarray(0, trailer)], [file], [audit], [evidence]]) {
      const signature = alice.decode(await alice.sign(...items));
      equal(signature.length, SIGNATURE, "bytes");
      for (const { what, document, at, code, read } of places(all)) {
        const altered = spliced(document, at, signature);
        equal(await refused(what, () => read(altered)), code, `in ${what}`);
      }
    }
  }),

  "S15 confusion of signatures: all pairs of those in documents": lied(async (world, liar) => {
    const all = await made(world, liar);
    const { alice } = all;
    const standing = places(all);
    const signatures = new Set(standing.map(({ document, at }) => alice.encode(cut(document, at))));
    ok(signatures.size > 8, `${signatures.size} signatures`);
    for (const { what, document, at, code, read } of standing) {
      const own = alice.encode(cut(document, at));
      for (const other of signatures) {
        if (other === own) continue;
        const moved = spliced(document, at, alice.decode(other));
        equal(await refused(what, () => read(moved)), code, `another one in ${what}`);
      }
      ok(await read(document), `the true one in ${what}`);
    }
  }),

  "S15 confusion of signatures: no document is taken for one of another kind": lied(async (world, liar) => {
    const { alice, kc, file, audit, evidence } = await made(world, liar);
    const identity = alice.publicIdentity ?? ({} as never);
    const utf8 = new TextEncoder();
    const bob = await alice.getUserIdentity("bob");
    const texts: Record<string, string> = {
      value: await alice.encrypt("a plan", kc),
      "application signature": await alice.sign("a plan"),
      identity: bob?.uri ?? "",
      "safety words": await alice.safetyWords("bob"),
    };
    const documents: Record<string, Uint8Array<ArrayBuffer>> = { "signed file": file, audit, evidence };
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
        reads: ["audit", "evidence"],
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
