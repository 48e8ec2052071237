/** libsodium.js in a worker: secretstream over the same file, chunks of 64 KiB, a Blob as the result. */
import sodium from "libsodium-wrappers";

const CHUNK = 65_536;
const STRIDE = 64;

addEventListener("message", async ({ data }: MessageEvent<{ file: File; decrypt: boolean }>) => {
  await sodium.ready;
  const { file, decrypt } = data;
  const key = sodium.crypto_secretstream_xchacha20poly1305_keygen();
  const { state, header } = sodium.crypto_secretstream_xchacha20poly1305_init_push(key);
  const start = performance.now();
  const sealed = await strides(file, CHUNK, (chunk) =>
    sodium.crypto_secretstream_xchacha20poly1305_push(state, chunk, null, 0),
  );
  const between = performance.now();
  if (decrypt) {
    const pull = sodium.crypto_secretstream_xchacha20poly1305_init_pull(header, key);
    await strides(sealed, CHUNK + sodium.crypto_secretstream_xchacha20poly1305_ABYTES, (chunk) => {
      const opened = sodium.crypto_secretstream_xchacha20poly1305_pull(pull, chunk, null);
      if (!opened) throw new Error("did not open");
      return opened.message;
    });
  }
  postMessage({ encrypted: between - start, decrypted: performance.now() - between });
});

async function strides(blob: Blob, size: number, work: (chunk: Uint8Array) => Uint8Array): Promise<Blob> {
  const parts: Blob[] = [];
  for (let at = 0; at < blob.size; at += size * STRIDE) {
    const bytes = new Uint8Array(await blob.slice(at, at + size * STRIDE).arrayBuffer());
    const out: Uint8Array<ArrayBuffer>[] = [];
    for (let from = 0; from < bytes.length; from += size) {
      out.push(work(bytes.subarray(from, from + size)) as Uint8Array<ArrayBuffer>);
    }
    parts.push(new Blob(out));
  }
  return new Blob(parts);
}
