/** WebCrypto and nothing else, in a worker: what reading and collecting cost there. */
import { rawDecrypt, rawEncrypt } from "./raw.js";

addEventListener("message", async ({ data }: MessageEvent<{ file: File; decrypt: boolean }>) => {
  const { file, decrypt } = data;
  const key = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, [
    "encrypt",
    "decrypt",
  ]);
  const start = performance.now();
  const sealed = await rawEncrypt(file, key);
  const between = performance.now();
  if (decrypt) await rawDecrypt(sealed, key);
  postMessage({ encrypted: between - start, decrypted: performance.now() - between });
});
