// account-ledger.md: an account as a ledger of its devices and keys, read and replayed.

import { type AccountKeys, deviceId, type DeviceKeys } from "./account-keys.ts";
import { equal, hex, utf8 } from "./bytes.ts";
import { decode, type Item } from "./cbor.ts";
import { type Entry, entryHash, type Head, NOTHING_BEFORE, parseEntry, requireVersion } from "./entry.ts";
import { check, Failure } from "./failure.ts";
import { WRAPPING_KEY } from "./hpke.ts";
import { bytes, integer, list, nullable, text, tuple } from "./shape.ts";
import { verify } from "./signature.ts";

/** What others need of an account: its keys by generation, and its history to compare citations with. */
export interface Account {
  readonly id: Uint8Array;
  readonly userId: string;
  readonly nonce: Uint8Array;
  readonly head: Head;
  /** When the newest entry says that it was made; ms since 1970. */
  readonly time: number;
  /** Signing keys of those who may author entries, by their ids in hexadecimal. */
  readonly holders: ReadonlyMap<string, Uint8Array>;
  readonly generations: readonly AccountKeys[];
  /** For every `seq`. */
  readonly entries: readonly { readonly hash: Uint8Array; readonly generation: number }[];
}

interface Genesis {
  readonly nonce: Uint8Array;
  readonly userId: string;
  readonly device: DeviceKeys;
  readonly keys: AccountKeys;
}

interface AccountEntry {
  readonly scope: Uint8Array | null;
  readonly seq: number;
  readonly prev: Uint8Array | null;
  readonly author: Uint8Array;
  readonly time: number;
  readonly ops: readonly Genesis[];
}

const FORM = 0;
const GENESIS = 0;
const MOST_OPS = 16;
const LONGEST_USER_ID = 128;
const LONGEST_LABEL = 384;

/**
 * Replays one more entry on what came before; on nothing for the first one.
 * @throws Failure with the codes of account-ledger.md
 */
export function appendToAccount(account: Account | null, encoded: Uint8Array): Account {
  const entry = parseEntry(encoded);
  requireVersion(entry.signed);
  const parsed = decode(entry.signed, parseAccountEntry);
  return account === null ? found(entry, parsed) : refuseNext(account, parsed);
}

function found(entry: Entry, parsed: AccountEntry): Account {
  const [genesis, ...others] = parsed.ops;
  if (genesis === undefined || others.length > 0) throw new Failure("GenesisMisplaced");
  check(parsed.scope === null, "WrongScope");
  check(parsed.seq === 0, "WrongSeq");
  check(parsed.prev === null, "WrongPrev");
  check(equal(parsed.author, deviceId(genesis.device)), "NotAHolder");
  check(isSigned(entry, genesis), "BadSignature");
  const id = entryHash(NOTHING_BEFORE, 0, entry.signed);
  return {
    id,
    userId: genesis.userId,
    nonce: genesis.nonce,
    head: { seq: 0, hash: id },
    time: parsed.time,
    holders: new Map([[hex(parsed.author), genesis.device.signingKey]]),
    generations: [genesis.keys],
    entries: [{ hash: id, generation: 0 }],
  };
}

/** No op is known yet that a second entry could hold: it is refused, for the first reason that there is. */
function refuseNext(account: Account, parsed: AccountEntry): never {
  check(parsed.scope !== null && equal(parsed.scope, account.id), "WrongScope");
  check(parsed.seq === account.head.seq + 1, "WrongSeq");
  check(parsed.prev !== null && equal(parsed.prev, account.head.hash), "WrongPrev");
  check(account.holders.has(hex(parsed.author)), "NotAHolder");
  check(parsed.time >= account.time, "TimeGoesBack");
  throw new Failure("GenesisMisplaced");
}

/** The author's signature, then those of the new ledger, publication and signature key. */
function isSigned({ signed, signatures }: Entry, { device, keys }: Genesis): boolean {
  const expected = [
    ["KF1 entry", device.signingKey],
    ["KF1 account key", keys.ledgerKey],
    ["KF1 account key", keys.publicationKey],
    ["KF1 account key", keys.signatureKey],
  ] as const;
  return (
    signatures.length === expected.length &&
    expected.every(([label, key], index) => {
      const signature = signatures[index];
      return signature !== undefined && verify(key, label, signed, signature);
    })
  );
}

function parseAccountEntry(item: Item): AccountEntry {
  const fields = list(item);
  check(fields.length > 1 && integer(fields[1]) === FORM, "Unsupported");
  const [, , scope, seq, prev, author, time, ops] = tuple(fields, 8);
  const items = list(ops);
  check(items.length <= MOST_OPS, "TooMany");
  return {
    scope: nullable(scope, (item) => bytes(item, 32)),
    seq: integer(seq),
    prev: nullable(prev, (item) => bytes(item, 32)),
    author: bytes(author, 32),
    time: integer(time),
    ops: items.map(parseOp),
  };
}

function parseOp(item: Item): Genesis {
  const fields = list(item);
  check(integer(fields[0]) === GENESIS, "Unsupported");
  const [, nonce, userId, device, keys] = tuple(fields, 5);
  const [signingKey, wrappingKey, label] = tuple(device, 3);
  const [ledgerKey, sharingKey, publicationKey, signatureKey] = tuple(keys, 4);
  const sealedLabel = nullable(label, (sealed) => bytes(sealed));
  check(sealedLabel === null || sealedLabel.length <= LONGEST_LABEL, "TooLarge");
  return {
    nonce: bytes(nonce, 32),
    userId: parseUserId(userId),
    device: { signingKey: bytes(signingKey, 32), wrappingKey: bytes(wrappingKey, WRAPPING_KEY) },
    keys: {
      ledgerKey: bytes(ledgerKey, 32),
      sharingKey: bytes(sharingKey, WRAPPING_KEY),
      publicationKey: bytes(publicationKey, 32),
      signatureKey: bytes(signatureKey, 32),
    },
  };
}

function parseUserId(item: Item | undefined): string {
  const userId = text(item);
  check(utf8(userId).length <= LONGEST_USER_ID, "TooLarge");
  check(userId !== "" && userId.normalize("NFC") === userId && !/\p{Cc}/u.test(userId), "BadText");
  return userId;
}
