/**
 * S16 through WebAssembly: every entry of the vectors stands at the end of an audit file, and the client that reads it
 * names the same rule as the replay on servers and native clients. What is right reaches the receipt, which nobody
 * signed.
 */

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client, KeyfoldError } from "@keyfold/client";
import { describe, expect } from "vitest";
import { compare, concat, fromHex, u8, utf8 } from "../../reader/src/bytes.ts";
import { encode } from "../../reader/src/cbor.ts";
import { entryHash, NOTHING_BEFORE, parseEntry } from "../../reader/src/entry.ts";
import { hash } from "../../reader/src/hash.ts";
import { readFolder, VECTORS } from "../../reader/test/vectors.ts";
import { test } from "../src/harness/index.ts";
import { Tab } from "../src/tab.ts";

/** A ledger's entries, as a vector has them. */
type Entries = readonly string[];

interface LedgerVector {
  readonly expect: string;
  readonly entries: Entries;
  readonly last: string;
  readonly accounts?: Record<string, Entries>;
}

interface GroupVector {
  readonly expect: string;
  readonly scopes: readonly { readonly name: string; readonly entries: Entries }[];
  readonly scope: string;
  readonly last: string;
}

/** A vector as an audit file, and the rule that whoever verifies it must name. */
interface Case {
  readonly name: string;
  readonly file: Uint8Array;
  readonly expected: string;
}

const NOBODY = new Uint8Array(32).fill(7);
const UNSIGNED = encode([[1n, hash("KF1 server id", NOBODY), NOBODY, [0n, NOBODY], 0n], new Uint8Array(64)]);

/** An array of items that are encoded already, whether they are canonical or not. */
function array(items: readonly Uint8Array[]): Uint8Array {
  const size = items.length;
  const head = size < 24 ? u8(0x80 + size) : concat(u8(0x98), u8(size));
  return concat(head, ...items);
}

const ledger = (entries: Entries) => array(entries.map(fromHex));

/** A ledger's id is the hash of its first entry. */
function id([first = ""]: Entries): Uint8Array {
  return entryHash(NOTHING_BEFORE, 0, parseEntry(fromHex(first)).signed);
}

function auditFile(entries: Entries, accounts: readonly Entries[], groups: readonly Entries[]): Uint8Array {
  const people = accounts.toSorted((a, b) => compare(id(a), id(b)));
  const body = array([
    encode(0n),
    encode(NOBODY),
    UNSIGNED,
    ledger(entries),
    array(people.map(ledger)),
    array(groups.map(ledger)),
  ]);
  return concat(u8(0x89), utf8("KFAUDIT"), u8(1), body);
}

async function people(folder: string): Promise<Record<string, Entries>> {
  return JSON.parse(await readFile(join(VECTORS, folder, "accounts.json"), "utf8")) as Record<
    string,
    Entries
  >;
}

async function ledgers(): Promise<Case[]> {
  const everybody = await people("ledger");
  const vectors = readFolder<LedgerVector>("ledger").filter(({ name }) => name !== "accounts");
  return vectors.map(({ name, vector }) => {
    const accounts = Object.values({ ...everybody, ...vector.accounts });
    const file = auditFile([...vector.entries, vector.last], accounts, []);
    return { name, file, expected: vector.expect };
  });
}

/** Other groups stand beside the one that the last entry is for. */
async function groups(): Promise<Case[]> {
  const everybody = Object.values(await people("groups"));
  const vectors = readFolder<GroupVector>("groups").filter(({ name }) => name !== "accounts");
  return vectors.map(({ name, vector: { expect, scope, scopes, last } }) => {
    const entries = scopes.find((each) => each.name === scope)?.entries ?? [];
    const beside = scopes.filter((each) => each.name !== scope && each.name !== "keychain");
    const inOrder = beside.map((each) => each.entries).toSorted((a, b) => compare(id(a), id(b)));
    return { name, file: auditFile([...entries, last], everybody, inOrder), expected: expect };
  });
}

/** What a file cannot show: these are no entries at all, or need a ledger that no file may have beside its own. */
const OTHERWISE: Readonly<Record<string, string>> = {
  "bytes-entry-is-text": "NotProved",
  "bytes-entry-promises-3-mib": "NotProved",
  "bytes-entry-trailing": "NotProved",
  "bytes-entry-truncated": "NotProved",
  "share-with-a-keychain-as-a-group": "MissingLedger",
  "share-with-itself-through-three-groups": "MissingLedger",
};

/** What went wrong: the rule's code at the end of the message, or `ok` if all but the receipt was right. */
function verdict({ code, message }: { readonly code: string; readonly message: string }): string {
  if (message.includes("not signed by the server's key")) return "ok";
  return /\((\w+)\)$/.exec(message)?.[1] ?? code;
}

const SERVER = { url: "http://127.0.0.1:1", key: "A".repeat(43) };

const cases = [...(await ledgers()), ...(await groups())].map(({ name, file, expected }) => {
  return { name, file, expected: OTHERWISE[name] ?? expected };
});
const expected = cases.map(({ name, expected }) => `${name}: ${expected}`);

describe("S16 invalid entries", () => {
  test(`in Node: ${cases.length} vectors are judged as by servers and native clients`, async () => {
    const storage = await mkdtemp(join(tmpdir(), "keyfold-invalid-"));
    const client = new Client({ serverURL: SERVER.url, serverSignaturePublicKey: SERVER.key, storage });
    const said: string[] = [];
    for (const { name, file } of cases) {
      const error: unknown = await client.audit.verify(file).catch((error: unknown) => error);
      said.push(`${name}: ${error instanceof KeyfoldError ? verdict(error) : "believed"}`);
    }
    expect(said).toEqual(expected);
    await rm(storage, { recursive: true });
  });

  test(`in Chromium: ${cases.length} vectors are judged as by servers and native clients`, async ({
    arrive,
  }) => {
    const tab = await Tab.open(await arrive(), SERVER);
    const files = cases.map(({ file }) => Buffer.from(file).toString("base64"));
    const refusals = await tab.page.evaluate(async (files) => {
      const client = globalThis.kept["client"] as Client;
      const refusals: { code: string; message: string }[] = [];
      for (const file of files) {
        const bytes = Uint8Array.from(atob(file), (char) => char.charCodeAt(0));
        const read = client.audit.verify(bytes).then(() => new Error("believed"));
        const { code = "believed", message } = (await read.catch((error: unknown) => error)) as {
          code?: string;
          message: string;
        };
        refusals.push({ code, message });
      }
      return refusals;
    }, files);
    expect(refusals.map((refusal, at) => `${cases[at]?.name}: ${verdict(refusal)}`)).toEqual(expected);
  });
});
