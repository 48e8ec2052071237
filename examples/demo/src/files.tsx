/** Files of a workspace: dropped, sealed here, sent; fetched, opened here. */

import type { EncryptedFile, FileMetadata, Progress } from "@keyfold/client";
import { type Send, type Upload, useDecrypted, useUpload } from "@keyfold/react";
import { type DragEvent, type ReactElement, useCallback, useEffect, useId, useRef, useState } from "react";
import type { Row } from "../server/rows.js";
import { save } from "./download.js";
import { bytes, clock } from "./format.js";
import { AddIcon, CloseIcon, DownloadIcon, FileIcon, TrashIcon } from "./icons.js";
import { type InWorkspace, Locked, SealedUnder, useFresh } from "./notes.js";
import { explain, useAct } from "./notices.js";
import { type Person, useNameOf, usePerson, useRows } from "./person.js";
import { contextOf, putRow } from "./sealed-row.js";

/** Pictures up to this size are opened and shown without being asked, in bytes. */
const PREVIEW = 8_000_000;

/** The files, newest first, and where to drop one. */
export function Files({ keychain, writable }: InWorkspace): ReactElement {
  const person = usePerson();
  const { keychainFingerprint: workspace } = keychain;
  const rows = useRows(workspace, "file");
  const send = useCallback<Send<void>>(
    async ({ metadata, encryptedFile }: EncryptedFile, options) => {
      // The envelope's own id names the row: the metadata, sealed for this row, opens with this envelope only.
      const id = metadata.key;
      await person.app.upload(id, encryptedFile, options);
      await putRow(person, { kind: "file", id, workspace, version: 1 }, { ...metadata });
    },
    [person, workspace],
  );
  const { uploads, start, cancel, dismiss } = useUpload(send);
  const onTheirWay = uploads.filter(({ phase }) => phase !== "done");
  const add = (files: readonly File[]) => {
    for (const file of files) void start(file, workspace);
  };
  return (
    <>
      {writable && <DropZone onFiles={add} />}
      {onTheirWay.length > 0 && (
        <ul className="cards" aria-label="Uploads">
          {onTheirWay.map((upload) => (
            <UploadCard key={upload.id} upload={upload} onCancel={cancel} onDismiss={dismiss} />
          ))}
        </ul>
      )}
      {rows.length === 0 && onTheirWay.length === 0 && <p className="nothing">No files yet.</p>}
      <ul className="cards" aria-label="Files">
        {rows.map((row) => (
          <FileCard key={row.id} row={row} keychain={keychain} writable={writable} />
        ))}
      </ul>
    </>
  );
}

function DropZone({ onFiles }: { readonly onFiles: (files: readonly File[]) => void }): ReactElement {
  const [over, setOver] = useState(false);
  const id = useId();
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    onFiles([...event.dataTransfer.files]);
  };
  const drag = (event: DragEvent) => {
    event.preventDefault();
    setOver(true);
  };
  return (
    <div className="drop" data-over={over} onDragOver={drag} onDragLeave={() => setOver(false)} onDrop={drop}>
      <input
        id={id}
        className="unseen"
        type="file"
        multiple
        onChange={(event) => {
          onFiles([...(event.target.files ?? [])]);
          event.target.value = "";
        }}
      />
      <label htmlFor={id}>
        <AddIcon /> <strong>Choose files</strong>{" "}
        <span>or drop them here. They are sealed before they leave.</span>
      </label>
    </div>
  );
}

/** Properties of {@link UploadCard}. */
interface UploadCardProps {
  readonly upload: Upload<void>;
  readonly onCancel: (id: number) => void;
  readonly onDismiss: (id: number) => void;
}

function UploadCard({ upload, onCancel, onDismiss }: UploadCardProps): ReactElement {
  const { id, name, phase, progress, error } = upload;
  const running = phase === "encrypting" || phase === "sending";
  return (
    <li className="card">
      <div className="file-line">
        <FileIcon />
        <span className="file-name">{name}</span>
        {running ? (
          <button type="button" onClick={() => onCancel(id)} aria-label={`Cancel ${name}`}>
            Cancel
          </button>
        ) : (
          <button
            type="button"
            className="icon-button"
            onClick={() => onDismiss(id)}
            aria-label={`Dismiss ${name}`}
          >
            <CloseIcon />
          </button>
        )}
      </div>
      {running && (
        <Bar label={`${phase === "encrypting" ? "Sealing" : "Sending"} ${name}`} progress={progress} />
      )}
      <p className="hint" role="status">
        {phase === "encrypting" && "Sealing in this browser"}
        {phase === "sending" && `Sending ${bytes(progress.loaded)}`}
        {phase === "cancelled" && "Cancelled. Nothing was kept."}
        {phase === "failed" && explain(error).detail}
      </p>
    </li>
  );
}

function Bar({ label, progress }: { readonly label: string; readonly progress: Progress }): ReactElement {
  const { loaded, total } = progress;
  return (
    <progress aria-label={label} {...(total === null ? {} : { value: loaded, max: Math.max(total, 1) })} />
  );
}

function FileCard({ row, keychain, writable }: InWorkspace & { readonly row: Row }): ReactElement {
  const person = usePerson();
  const nameOf = useNameOf();
  const { act, busy } = useAct();
  const { data, status, error } = useDecrypted(row.sealed, row.workspace, contextOf(row));
  const { progress, open, cancel } = useOpening(person, row);
  const fresh = useFresh(row);
  if (status === "failed") return <Locked error={error} by={nameOf(row.by)} at={row.at} />;
  const metadata = asMetadata(data?.value);
  if (metadata === null)
    return <li className="card">{status === "loading" ? "Opening…" : "This is no file"}</li>;
  const download = () =>
    act("Downloading", async () => {
      const file = await open(metadata);
      if (file !== null) save(file, file.name);
    });
  return (
    <li className="card" data-fresh={fresh}>
      <div className="file-line">
        <FileIcon />
        <span className="file-name">{metadata.name}</span>
        <span className="hint">{bytes(metadata.size)}</span>
        {progress === null ? (
          <button
            type="button"
            className="icon-button"
            aria-label={`Download ${metadata.name}`}
            onClick={() => void download()}
          >
            <DownloadIcon />
          </button>
        ) : (
          <button type="button" onClick={cancel} aria-label={`Cancel ${metadata.name}`}>
            Cancel
          </button>
        )}
        {writable && (
          <button
            type="button"
            className="icon-button"
            aria-label={`Delete ${metadata.name}`}
            disabled={busy}
            onClick={() => void act("Deleting the file", () => person.app.remove(row.id))}
          >
            <TrashIcon />
          </button>
        )}
      </div>
      {progress !== null && <Bar label={`Opening ${metadata.name}`} progress={progress} />}
      {isPicture(metadata) && <Picture row={row} metadata={metadata} />}
      <div className="card-foot">
        <span>
          {nameOf(row.by)} · {clock(row.at)}
        </span>
        <SealedUnder keyNumber={data?.keyNumber} current={keychain.keys[0]?.keyNumber} />
      </div>
    </li>
  );
}

/** Fetches and opens a file, with progress, and stops when the card goes. */
function useOpening(person: Person, row: Row) {
  const [progress, setProgress] = useState<Progress | null>(null);
  const running = useRef<AbortController | null>(null);
  const cancel = useCallback(() => running.current?.abort(), []);
  useEffect(() => cancel, [cancel]);
  const open = async (metadata: FileMetadata): Promise<File | null> => {
    const controller = new AbortController();
    const { signal } = controller;
    running.current = controller;
    setProgress({ loaded: 0, total: null });
    try {
      const sealed = await person.app.download(row.id, signal);
      return await person.client.decryptFileContents(sealed, metadata, { signal, onProgress: setProgress });
    } catch (error) {
      if (signal.aborted) return null;
      throw error;
    } finally {
      setProgress(null);
    }
  };
  return { progress, open, cancel };
}

/** A picture, opened here and shown from memory. */
function Picture({
  row,
  metadata,
}: {
  readonly row: Row;
  readonly metadata: FileMetadata;
}): ReactElement | null {
  const { app, client } = usePerson();
  const [shown, setShown] = useState<string | null>(null);
  const { id } = row;
  const { key } = metadata;
  useEffect(() => {
    const controller = new AbortController();
    const { signal } = controller;
    let address: string | null = null;
    const show = async () => {
      const file = await client.decryptFileContents(await app.download(id, signal), metadata, { signal });
      if (signal.aborted) return;
      address = URL.createObjectURL(file);
      setShown(address);
    };
    // Without a preview the file is still there to download, and that says what is wrong with it.
    show().catch(() => setShown(null));
    return () => {
      controller.abort();
      if (address !== null) URL.revokeObjectURL(address);
    };
    // The metadata is a new object each time it is opened; its key says whether it is the same.
  }, [app, client, id, key]);
  return shown === null ? null : <img className="picture" src={shown} alt={metadata.name} />;
}

function isPicture({ type, size }: FileMetadata): boolean {
  return type.startsWith("image/") && size <= PREVIEW;
}

function asMetadata(value: unknown): FileMetadata | null {
  const { name, type, lastModified, size, key } = (value ?? {}) as Partial<FileMetadata>;
  if (typeof name !== "string" || typeof type !== "string" || typeof key !== "string") return null;
  if (typeof size !== "number" || typeof lastModified !== "number") return null;
  return { name, type, lastModified, size, key };
}
