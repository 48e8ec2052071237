/** What runs in Chromium. Each function is one measurement, called by the program outside. */
import { Client, type LockSecret, type VaultIndex } from "@keyfold/client";
import { rawDecrypt, rawEncrypt } from "./raw.js";
import { LongestTask } from "./longest-task.js";

/** Where the server is. */
export interface Place {
  readonly serverURL: string;
  readonly serverSignaturePublicKey: string;
}

let client: Client | undefined;
let rows: VaultIndex<Row> | undefined;
let keychain = "";
let sealed: Blob | undefined;
let raw: { blob: Blob; key: CryptoKey } | undefined;

interface Row {
  readonly id: number;
  readonly text: string;
}

const row = (id: number): Row => ({ id, text: `row ${id} `.padEnd(80, "of a table ") });

const measurements = {
  /** Signs up, and makes a keychain and a value. */
  async signUp(place: Place, userId: string): Promise<{ keychain: string; text: string }> {
    client = new Client(place);
    await client.signup(userId);
    const made = await client.createNewKeychain("bench", "secretBox");
    keychain = made.keychainFingerprint;
    return { keychain, text: await client.encrypt("hello", keychain) };
  },

  /** From nothing loaded to a decrypted value, with the device that is stored here. Milliseconds. */
  async firstDecryption(place: Place, text: string, fingerprint: string) {
    const longest = new LongestTask();
    const start = performance.now();
    client = new Client(place);
    const value = await client.decrypt(text, fingerprint);
    const took = performance.now() - start;
    if (value !== "hello") throw new Error("decrypted to something else");
    return { took, longest: await longest.stop() };
  },

  /** Locks the device that is stored here, and waits behind the lock, as a page does that was just opened. */
  async lock(secret?: LockSecret): Promise<void> {
    const locking = client as Client;
    if (secret !== undefined) await locking.setLock(secret);
    await locking.lock();
    const locked = await locking.login().catch(({ code }: { code: string }) => code);
    if (locked !== "Locked") throw new Error("it is not locked");
  },

  /** Leaves nothing here. */
  async forget(): Promise<void> {
    await client?.logout({ forget: true });
  },

  /** From a secret that was given to a decrypted value. Milliseconds. */
  async decryptionBehind(secret: LockSecret, text: string) {
    const longest = new LongestTask();
    const start = performance.now();
    await (client as Client).unlock(secret);
    const value = await (client as Client).decrypt(text);
    const took = performance.now() - start;
    if (value !== "hello") throw new Error("decrypted to something else");
    return { took, longest: await longest.stop() };
  },

  /** Opens the client of a further page. */
  async open(place: Place, fingerprint: string): Promise<void> {
    client = new Client(place);
    keychain = fingerprint;
    await client.decrypt(await client.encrypt("ready", keychain), keychain);
  },

  /** Chromium finds out how much its Blobs may hold only once it has one, and takes 500 MB until it knows. */
  async warmBlobs(): Promise<void> {
    const blob = new Blob([new Uint8Array(4 << 20)]);
    await new Promise((resolve) => setTimeout(resolve, 8_000));
    await blob.arrayBuffer();
  },

  encrypt() {
    const file = chosen();
    return timed(async () => {
      sealed = (await (client as Client).encryptFile(file, keychain)).encryptedFile;
    });
  },

  decrypt() {
    return timed(async () => {
      const { file } = await (client as Client).decryptFile(sealed as Blob);
      if (file.size !== chosen().size) throw new Error("decrypted to something else");
    });
  },

  async rawEncrypt() {
    const key = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, [
      "encrypt",
      "decrypt",
    ]);
    return timed(async () => {
      raw = { blob: await rawEncrypt(chosen(), key), key };
    });
  },

  rawDecrypt() {
    const { blob, key } = raw as { blob: Blob; key: CryptoKey };
    return timed(() => rawDecrypt(blob, key));
  },

  "worker encrypt": () => inWorker("raw-worker", false),
  "worker decrypt": () => inWorker("raw-worker", true),

  "sodium encrypt": () => inWorker("sodium", false),
  "sodium decrypt": () => inWorker("sodium", true),

  /** MiB of the page's own JavaScript heap. */
  heap(): number {
    const { memory } = performance as unknown as { memory?: { usedJSHeapSize: number } };
    return (memory?.usedJSHeapSize ?? Number.NaN) / 2 ** 20;
  },

  /** Opens a table, and waits until the client is connected. */
  async openRows(place: Place, fingerprint: string): Promise<void> {
    client ??= new Client(place);
    rows = client.vault(fingerprint).index<Row>("rows", { key: ({ id }) => id });
    await new Promise<void>((resolve) => {
      const look = () => {
        const { status, sync } = (client as Client).state;
        if (status === "in" && sync === "online") resolve();
      };
      (client as Client).subscribe(look);
      look();
    });
  },

  /** Fills the table that is open. */
  async fillRows(count: number): Promise<void> {
    for (let from = 0; from < count; from += 10_000)
      await rows?.put(Array.from({ length: Math.min(10_000, count - from) }, (_, at) => row(from + at)));
  },

  /** From the call to the rows. Milliseconds. */
  async range(from: number, limit: number): Promise<{ took: number; longest: number }> {
    const longest = new LongestTask();
    const start = performance.now();
    const found = await (rows as VaultIndex<Row>).list({ from, limit });
    const took = performance.now() - start;
    if (found.length !== limit || found.at(-1)?.text !== row(from + limit - 1).text)
      throw new Error("other rows were found");
    return { took, longest: await longest.stop() };
  },

  /** Removes what is kept near. */
  async forgetNear(): Promise<void> {
    for (const { name = "" } of await indexedDB.databases())
      if (name.includes(".near.")) indexedDB.deleteDatabase(name);
  },

  /** Opens the client of a further tab, and remembers what arrives. */
  async follow(place: Place): Promise<void> {
    client = new Client(place);
    const received: string[] = [];
    client.on("keyReceived", ({ keychainFingerprint }) => received.push(keychainFingerprint));
    Object.assign(window, { received });
    await new Promise<void>((resolve) => {
      const look = () => (client as Client).state.status === "in" && resolve();
      (client as Client).subscribe(look);
      look();
    });
  },
};

/** Milliseconds that something took, and the longest for which the page's thread did not answer meanwhile. */
async function timed(work: () => Promise<unknown>): Promise<{ took: number; longest: number }> {
  const longest = new LongestTask();
  const start = performance.now();
  await work();
  const took = performance.now() - start;
  return { took, longest: await longest.stop() };
}

/** What another one needs in a worker of his own. To decrypt he encrypts first, which does not count. */
async function inWorker(script: string, decrypt: boolean): Promise<{ took: number; longest: number }> {
  const longest = new LongestTask();
  const worker = new Worker(`/${script}.js`, { type: "module" });
  const answer = new Promise<{ encrypted: number; decrypted: number }>((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = (event) => reject(new Error(event.message));
  });
  worker.postMessage({ file: chosen(), decrypt });
  const { encrypted, decrypted } = await answer;
  worker.terminate();
  return { took: decrypt ? decrypted : encrypted, longest: await longest.stop() };
}

function chosen(): File {
  const file = document.querySelector("input")?.files?.[0];
  if (!file) throw new Error("no file was chosen");
  return file;
}

/** What the program outside may call. */
export type Measurements = typeof measurements;
Object.assign(window, { measurements });
