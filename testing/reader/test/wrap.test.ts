// Wraps: each is made with the randomness that the vector lists, compared, edited and opened.

import { expect } from "vitest";

import { fromHex, hex } from "../src/bytes.ts";
import { wrappingKeyOf } from "../src/hpke.ts";
import { recorded } from "../src/random.ts";
import { encodeWrap, parseWrap, unwrapKey, type WrapPlace, wrapKey } from "../src/wrap.ts";
import { type Edit, edited, readFolder, runFolder, type Vector } from "./vectors.ts";

interface PlaceVector {
  readonly kind: number;
  readonly scope: string;
  readonly number: number;
  readonly recipient: string;
  readonly recipient_number: number;
  readonly recipient_seed: string;
}

interface WrapVector extends Vector {
  readonly seal: PlaceVector & {
    readonly key: string;
    readonly history: string | null;
    readonly random: string;
  };
  readonly wrap: string;
  readonly edits: readonly Edit[];
  readonly open: PlaceVector & {
    readonly history: boolean;
    readonly binding: string;
    readonly entry_number: number;
    readonly algorithm: number;
    readonly fingerprint: string;
    readonly public: string | null;
    readonly history_commitment: string;
  };
}

runFolder("wrap", readFolder<WrapVector>("wrap"), ({ seal, wrap, edits, open }) => {
  const random = recorded(fromHex(seal.random));
  const history = seal.history === null ? null : fromHex(seal.history);
  const to = wrappingKeyOf(fromHex(seal.recipient_seed));
  const place = placeOf(seal, history !== null);
  const sealed = wrapKey({ key: fromHex(seal.key), history }, place, to, random.draw);
  expect(hex(encodeWrap({ ...place, sealed }))).toBe(wrap);
  expect(random.left()).toBe(0);

  const parsed = parseWrap(fromHex(wrap));
  expect(parsed).toMatchObject({ recipientNumber: seal.recipient_number, history: history !== null });
  const wrapped = unwrapKey(
    edited(parsed.sealed, edits),
    placeOf(open, open.history),
    fromHex(open.recipient_seed),
    {
      binding: fromHex(open.binding),
      number: open.entry_number,
      algorithm: open.algorithm,
      fingerprint: fromHex(open.fingerprint),
      publicKey: open.public === null ? null : fromHex(open.public),
      historyCommitment: fromHex(open.history_commitment),
    },
  );
  expect(hex(wrapped.key)).toBe(seal.key);
  expect(wrapped.history === null ? null : hex(wrapped.history)).toBe(seal.history);
});

function placeOf(vector: PlaceVector, history: boolean): WrapPlace {
  return {
    kind: vector.kind,
    scope: fromHex(vector.scope),
    number: vector.number,
    recipient: fromHex(vector.recipient),
    recipientNumber: vector.recipient_number,
    history,
  };
}
