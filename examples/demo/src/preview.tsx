/** What a file looks or sounds like: pictures made small here, sound and films played while they are fetched. */

import type { Vault, VaultFile } from "@keyfold/client";
import { type ReactElement, useEffect, useState } from "react";
import { PlayIcon } from "./icons.js";
import { useAct } from "./notices.js";
import { addressOf, letGo } from "./streams.js";

/** Pictures up to this size are opened and shown without being asked, in bytes. */
const PICTURE = 16_000_000;
/** The height of a small picture: twice that of its place, for screens that show as much. */
const HEIGHT = 440;

/** Properties of the previews. */
interface PreviewProps {
  readonly vault: Vault;
  readonly file: VaultFile;
}

/** The preview of a file, if it has one. */
export function Preview({ vault, file }: PreviewProps): ReactElement | null {
  const { mediaType, size } = file;
  if (mediaType.startsWith("image/") && size <= PICTURE) return <Picture vault={vault} file={file} />;
  if (/^(audio|video)\//.test(mediaType)) return <Player vault={vault} file={file} />;
  return null;
}

function Picture({ vault, file }: PreviewProps): ReactElement | null {
  const [shown, setShown] = useState<string | null>(null);
  const { path, version, name } = file;
  useEffect(() => {
    const controller = new AbortController();
    const { signal } = controller;
    let address: string | null = null;
    const show = async () => {
      const { contents } = await vault.get(path, { version, signal });
      const picture = await small(contents);
      if (signal.aborted) return;
      address = URL.createObjectURL(picture);
      setShown(address);
    };
    // Without a preview the file is still there to download, and that says what is wrong with it.
    show().catch(() => setShown(null));
    return () => {
      controller.abort();
      if (address !== null) URL.revokeObjectURL(address);
    };
  }, [vault, path, version]);
  return shown === null ? null : <img className="picture" src={shown} alt={name} />;
}

/** A picture no larger than it is shown; one that is drawn of lines stays as it is. */
async function small(picture: Blob): Promise<Blob> {
  const bitmap = await createImageBitmap(picture).catch(() => null);
  if (bitmap === null || bitmap.height <= HEIGHT) return picture;
  const canvas = new OffscreenCanvas(Math.round((bitmap.width * HEIGHT) / bitmap.height), HEIGHT);
  canvas.getContext("2d")?.drawImage(bitmap, 0, 0, canvas.width, HEIGHT);
  bitmap.close();
  return canvas.convertToBlob({ type: "image/webp" });
}

function Player({ vault, file }: PreviewProps): ReactElement {
  const { act, busy } = useAct();
  const [address, setAddress] = useState<string | null>(null);
  const { path, version, name, size, mediaType } = file;
  useEffect(() => () => setAddress(null), [path, version]);
  useEffect(() => () => (address === null ? undefined : letGo(address)), [address]);
  const open = async () => {
    const stream = (start: number, end: number) => vault.stream(path, { start, end, version });
    setAddress(await addressOf({ size, type: mediaType, stream }));
  };
  if (address === null) {
    return (
      <button
        type="button"
        className="play"
        disabled={busy}
        onClick={() => void act(`Playing ${name}`, open)}
      >
        <PlayIcon /> Play
      </button>
    );
  }
  return mediaType.startsWith("audio/") ? (
    <audio className="player" src={address} controls autoPlay aria-label={name} />
  ) : (
    <video className="player" src={address} controls autoPlay playsInline aria-label={name} />
  );
}
