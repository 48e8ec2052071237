// Devices: codes and texts, names and who can read them, what a device signs to join, and the words that are compared.

import { expect } from "vitest";

import { deriveAccountKeys, deriveDeviceKeys, deviceId } from "../src/account-keys.ts";
import { concat, fromHex, hex, u32 } from "../src/bytes.ts";
import { derive } from "../src/derivation.ts";
import { openName, openRequestName, sealName, sealRequestName } from "../src/device-name.ts";
import { parseDeviceCode, parseEnrolmentText } from "../src/device-text.ts";
import { safetyNumbers, safetyWords } from "../src/identity.ts";
import { recorded } from "../src/random.ts";
import { sign } from "../src/signature.ts";
import { type Edit, edited, readFolder, runFolder, type Vector } from "./vectors.ts";

interface TextVector extends Vector {
  readonly device: "code" | "text";
  readonly text: string;
  readonly out: Record<string, string | number>;
}

interface KeysVector {
  readonly master_key: string;
  readonly nonce: string;
  readonly generation: number;
}

interface LabelVector extends Vector {
  readonly device: "label";
  readonly seal: KeysVector & { readonly keys: string; readonly label: string; readonly salt: string };
  readonly sealed: string;
  readonly edits: readonly Edit[];
  readonly open: KeysVector & { readonly keys: string };
}

interface AskingVector extends KeysVector {
  readonly account: string;
  readonly device: string;
}

interface RequestVector extends Vector {
  readonly device: "request";
  readonly seal: AskingVector & { readonly label: string; readonly random: string };
  readonly sealed: string;
  readonly edits: readonly Edit[];
  readonly open: AskingVector;
}

interface JoiningVector extends Vector {
  readonly device: "joining";
  readonly in: { readonly seed: string; readonly account: string; readonly holder?: string };
  readonly out: Record<string, string>;
}

interface WordsVector extends Vector {
  readonly device: "words";
  readonly in: { readonly account: string; readonly device: string };
  readonly out: { readonly numbers: readonly number[]; readonly words: string };
}

type DevicesVector = TextVector | LabelVector | RequestVector | JoiningVector | WordsVector;

runFolder("devices", readFolder<DevicesVector>("devices"), (vector) => {
  switch (vector.device) {
    case "code": {
      const { device, userId } = parseDeviceCode(vector.text);
      expect({ device: hex(device), user_id: userId }).toEqual(vector.out);
      return;
    }
    case "text": {
      expect(shown(vector.text)).toEqual(vector.out);
      return;
    }
    case "label": {
      readLabel(vector);
      return;
    }
    case "request": {
      readRequest(vector);
      return;
    }
    case "joining": {
      const { seed, account, holder } = vector.in;
      const device = deviceId(deriveDeviceKeys(fromHex(seed)));
      const statement = concat(fromHex(account), holder === undefined ? device : fromHex(holder), device);
      const signing = secretOf(seed, "", "KF1 device signing key", "");
      const signature = sign(signing, "KF1 holder key", statement);
      expect({ device: hex(device), signature: hex(signature) }).toEqual(vector.out);
      return;
    }
    case "words": {
      const numbers = safetyNumbers(fromHex(vector.in.account), fromHex(vector.in.device));
      expect({ numbers, words: safetyWords(numbers) }).toEqual(vector.out);
    }
  }
});

function shown(text: string): object {
  const { seed, account, userId, expires, serverKey, serverUrl } = parseEnrolmentText(text);
  return {
    seed: hex(seed),
    device: hex(deviceId(deriveDeviceKeys(seed))),
    account: hex(account),
    user_id: userId,
    expires: Number(expires),
    server_key: hex(serverKey),
    server_url: serverUrl,
  };
}

function readLabel({ seal, sealed, edits, open }: LabelVector): void {
  const salt = recorded(fromHex(seal.salt));
  const name = sealName(privateStateOf(seal), seal.generation, fromHex(seal.keys), seal.label, salt.draw);
  expect(hex(name)).toBe(sealed);
  expect(salt.left()).toBe(0);
  const opened = openName(
    privateStateOf(open),
    open.generation,
    fromHex(open.keys),
    edited(fromHex(sealed), edits),
  );
  expect(opened).toBe(seal.label);
}

function readRequest({ seal, sealed, edits, open }: RequestVector): void {
  const random = recorded(fromHex(seal.random));
  const to = deriveAccountKeys(fromHex(seal.master_key), fromHex(seal.nonce), seal.generation).sharingKey;
  const name = sealRequestName(to, seal.generation, askingOf(seal), seal.label, random.draw);
  expect(hex(name)).toBe(sealed);
  expect(random.left()).toBe(0);
  const sharing = secretOf(open.master_key, open.nonce, "KF1 account sharing key", hex(u32(open.generation)));
  const opened = openRequestName(sharing, open.generation, askingOf(open), edited(fromHex(sealed), edits));
  expect(opened).toBe(seal.label);
}

function askingOf({ account, device }: AskingVector): { account: Uint8Array; device: Uint8Array } {
  return { account: fromHex(account), device: fromHex(device) };
}

function privateStateOf({ master_key: master, nonce, generation }: KeysVector): Uint8Array {
  return secretOf(master, nonce, "KF1 account private state", hex(u32(generation)));
}

function secretOf(secret: string, salt: string, label: string, place: string): Uint8Array {
  return derive(fromHex(secret), fromHex(salt), label, fromHex(place), 32);
}
