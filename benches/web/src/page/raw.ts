/**
 * WebCrypto and nothing else: the same file, segments of 64 KiB, a Blob as the result. Reads ahead and keeps all
 * segments of 4 MiB in flight, so it is what Keyfold could reach if its format, its checks and its worker were free.
 */
const SEGMENT = 65_536;
const SEALED = SEGMENT + 16;
const SEGMENTS = 64;

function nonce(index: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(12);
  new DataView(bytes.buffer).setUint32(7, index);
  return bytes;
}

async function through(
  blob: Blob,
  size: number,
  work: (index: number, bytes: Uint8Array<ArrayBuffer>) => Promise<ArrayBuffer>,
): Promise<Blob> {
  const parts: Blob[] = [];
  const stride = size * SEGMENTS;
  const read = (at: number) => blob.slice(at, at + stride).arrayBuffer();
  let next = read(0);
  for (let at = 0, index = 0; at < blob.size; at += stride) {
    const bytes = new Uint8Array(await next);
    next = read(at + stride);
    const segments: Promise<ArrayBuffer>[] = [];
    for (let from = 0; from < bytes.length; from += size) {
      segments.push(work(index++, bytes.subarray(from, from + size)));
    }
    parts.push(new Blob(await Promise.all(segments)));
  }
  return new Blob(parts);
}

export function rawEncrypt(file: Blob, key: CryptoKey): Promise<Blob> {
  return through(file, SEGMENT, (index, text) =>
    crypto.subtle.encrypt({ name: "AES-GCM", iv: nonce(index) }, key, text),
  );
}

export function rawDecrypt(file: Blob, key: CryptoKey): Promise<Blob> {
  return through(file, SEALED, (index, text) =>
    crypto.subtle.decrypt({ name: "AES-GCM", iv: nonce(index) }, key, text),
  );
}
