// Values: each is sealed with the randomness that the vector lists, compared, edited and opened.

import { expect } from "vitest";

import { fromHex, hex } from "../src/bytes.ts";
import { recorded } from "../src/random.ts";
import { openValue, sealValue, valueBytes, valueText } from "../src/value.ts";
import { heldKey, type KeyVector } from "./held-keys.ts";
import { type Edit, edited, readFolder, runFolder, type Vector } from "./vectors.ts";

interface ValueVector extends Vector {
  readonly seal: {
    readonly type: number;
    readonly data: string;
    readonly key: KeyVector;
    readonly context: string;
    readonly random: string;
  };
  readonly sealed: string;
  readonly edits: readonly Edit[];
  readonly open: { readonly keys: readonly KeyVector[]; readonly context: string };
}

runFolder("value", readFolder<ValueVector>("value"), ({ seal, sealed, edits, open }) => {
  const random = recorded(fromHex(seal.random));
  const value = { type: seal.type, data: fromHex(seal.data) };
  const bytes = sealValue(value, heldKey(seal.key), fromHex(seal.context), random.draw);
  expect(valueText(bytes)).toBe(sealed);
  expect(random.left()).toBe(0);

  const opened = openValue(edited(valueBytes(sealed), edits), open.keys.map(heldKey), fromHex(open.context));
  expect({ type: opened.type, data: hex(opened.data) }).toEqual({ type: seal.type, data: seal.data });
});
