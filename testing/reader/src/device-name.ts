// What a device is called (devices.md, "Names"): sealed for its account, or to it by a device that is not in yet.

import { concat, u32, u8, utf8 } from "./bytes.ts";
import { openOnce, sealOnce } from "./derivation.ts";
import { check, otherwise } from "./failure.ts";
import { hpkeOpen, hpkeSeal } from "./hpke.ts";
import type { Draw } from "./random.ts";

const BLOCK = 32;
const LABEL = "KF1 account private state";
const LONGEST = 256;
const info = concat(utf8("KF1 device request"), u8(0), u8(1));

/** Which device asks, and whom. */
export interface Asking {
  readonly account: Uint8Array;
  readonly device: Uint8Array;
}

/** A name as it stands in a ledger, beside keys with this id. */
export function sealName(
  privateState: Uint8Array,
  generation: number,
  keys: Uint8Array,
  name: string,
  draw: Draw,
): Uint8Array {
  return concat(u32(generation), sealOnce(privateState, LABEL, placeOf(keys), padded(name), draw));
}

/**
 * Opens what `sealName` made, with the key of one generation.
 * @throws Failure `Unauthentic`
 */
export function openName(
  privateState: Uint8Array,
  generation: number,
  keys: Uint8Array,
  sealed: Uint8Array,
): string {
  return unpadded(openOnce(privateState, LABEL, placeOf(keys), bodyOf(sealed, generation)));
}

/** The name of a device that asks to be let in. */
export function sealRequestName(
  sharingKey: Uint8Array,
  generation: number,
  { account, device }: Asking,
  name: string,
  draw: Draw,
): Uint8Array {
  const sealed = hpkeSeal(sharingKey, info, concat(account, device), padded(name), draw);
  return concat(u32(generation), sealed);
}

/**
 * Opens what `sealRequestName` made, with the sharing key's seed of one generation.
 * @throws Failure `Unauthentic`
 */
export function openRequestName(
  sharingSeed: Uint8Array,
  generation: number,
  { account, device }: Asking,
  sealed: Uint8Array,
): string {
  return unpadded(hpkeOpen(sharingSeed, info, concat(account, device), bodyOf(sealed, generation)));
}

function placeOf(keys: Uint8Array): Uint8Array {
  return concat(utf8("label"), u8(0), keys);
}

function bodyOf(sealed: Uint8Array, generation: number): Uint8Array {
  check(sealed.length >= 4, "Unauthentic");
  check(new DataView(sealed.buffer, sealed.byteOffset).getUint32(0) === generation, "Unauthentic");
  return sealed.slice(4);
}

function padded(name: string): Uint8Array {
  const bytes = utf8(name);
  return concat(bytes, new Uint8Array((BLOCK - (bytes.length % BLOCK)) % BLOCK));
}

function unpadded(bytes: Uint8Array): string {
  const text = otherwise("Unauthentic", () =>
    new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes),
  );
  const name = text.replace(/\0+$/, "");
  check(name !== "" && utf8(name).length <= LONGEST, "Unauthentic");
  check(name.normalize("NFC") === name && !/\p{Cc}/u.test(name), "Unauthentic");
  return name;
}
