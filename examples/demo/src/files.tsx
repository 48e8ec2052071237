/** Files and folders of a workspace: they lie in its vault, which all of its members see as it changes. */

import type { Vault, VaultFile, VaultFolder, VaultItem } from "@keyfold/client";
import { type Upload, useVaultFolder, useVaultUpload } from "@keyfold/react";
import { type DragEvent, type FormEvent, type ReactElement, useId, useMemo, useState } from "react";
import { FileCard } from "./file-card.js";
import { bytes, clock } from "./format.js";
import { AddIcon, CloseIcon, EditIcon, FileIcon, FolderIcon, TrashIcon } from "./icons.js";
import type { InWorkspace } from "./notes.js";
import { explain, useAct } from "./notices.js";
import { Confirm } from "./parts.js";
import { usePerson } from "./person.js";
import { Rename } from "./rename.js";

/** How many things are in the vault's root. */
export function useFileCount(workspace: string, readable: boolean): number {
  return useVaultFolder(readable ? workspace : null).data?.length ?? 0;
}

/** One folder after the other, and where to drop files. */
export function Files({ keychain, writable }: InWorkspace): ReactElement {
  const { client, name } = usePerson();
  const { keychainFingerprint: workspace } = keychain;
  const [folder, setFolder] = useState("");
  const vault = useMemo(() => client.vault(workspace), [client, workspace]);
  const found = useVaultFolder(workspace, folder);
  const { uploads, start, cancel, dismiss } = useVaultUpload(workspace);
  const onTheirWay = uploads.filter(({ phase }) => phase !== "done");
  const items = [...(found.data ?? [])].sort((one, other) => rank(one) - rank(other));
  const add = (files: readonly File[]) => {
    for (const file of files) void start(within(folder, file.name), file);
  };
  return (
    <>
      {writable && <DropZone onFiles={add} />}
      <div className="where">
        <Trail folder={folder} person={name} onGo={setFolder} />
        {writable && <NewFolder vault={vault} folder={folder} />}
      </div>
      {found.status === "failed" && <p className="hint">{explain(found.error).detail}</p>}
      {onTheirWay.length > 0 && (
        <ul className="cards" aria-label="Uploads">
          {onTheirWay.map((upload) => (
            <UploadCard key={upload.id} upload={upload} onCancel={cancel} onDismiss={dismiss} />
          ))}
        </ul>
      )}
      {items.length === 0 && onTheirWay.length === 0 && (
        <p className="nothing">{folder === "" ? "No files yet." : "Nothing is in this folder."}</p>
      )}
      <ul className="cards" aria-label="Files">
        {items.map((item) =>
          item.kind === "folder" ? (
            <FolderCard key={item.path} folder={item} vault={vault} writable={writable} onOpen={setFolder} />
          ) : (
            <FileCard key={item.path} file={item} vault={vault} writable={writable} />
          ),
        )}
      </ul>
    </>
  );
}

/** Folders stand before files. */
function rank({ kind }: VaultItem): number {
  return kind === "folder" ? 0 : 1;
}

/** The path of something in a folder. */
function within(folder: string, name: string): string {
  return folder === "" ? name : `${folder}/${name}`;
}

/** Properties of {@link Trail}. */
interface TrailProps {
  readonly folder: string;
  readonly person: string;
  readonly onGo: (folder: string) => void;
}

/** Where one is, and the way back. */
function Trail({ folder, person, onGo }: TrailProps): ReactElement {
  const names = folder === "" ? [] : folder.split("/");
  return (
    <nav className="trail" aria-label={`Folders, as ${person}`}>
      {["All files", ...names].map((name, at) => {
        const path = names.slice(0, at).join("/");
        return path === folder ? (
          <span key={path} aria-current="page">
            {name}
          </span>
        ) : (
          <button key={path} type="button" className="quiet" onClick={() => onGo(path)}>
            {name}
          </button>
        );
      })}
    </nav>
  );
}

function NewFolder({ vault, folder }: { readonly vault: Vault; readonly folder: string }): ReactElement {
  const { act, busy } = useAct();
  const [making, setMaking] = useState(false);
  const [name, setName] = useState("");
  const id = useId();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void act("Making the folder", () => vault.createFolder(within(folder, name.trim()))).then((done) => {
      if (!done) return;
      setName("");
      setMaking(false);
    });
  };
  if (!making) {
    return (
      <button type="button" className="quiet" onClick={() => setMaking(true)}>
        <AddIcon /> New folder
      </button>
    );
  }
  return (
    <form className="rename" onSubmit={submit}>
      <label htmlFor={id} className="unseen">
        Name of the folder
      </label>
      <input
        id={id}
        value={name}
        autoFocus
        autoComplete="off"
        placeholder="Name of the folder"
        onChange={(event) => setName(event.target.value)}
      />
      <button type="button" onClick={() => setMaking(false)}>
        Cancel
      </button>
      <button type="submit" className="primary" disabled={busy || name.trim() === ""}>
        Make
      </button>
    </form>
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
  readonly upload: Upload<VaultFile>;
  readonly onCancel: (id: number) => void;
  readonly onDismiss: (id: number) => void;
}

function UploadCard({ upload, onCancel, onDismiss }: UploadCardProps): ReactElement {
  const { id, name, phase, progress, error } = upload;
  const running = phase === "sending";
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
        <progress
          aria-label={`Storing ${name}`}
          value={progress.loaded}
          max={Math.max(progress.total ?? 1, 1)}
        />
      )}
      <p className="hint" role="status">
        {running && `${bytes(progress.loaded)} of ${bytes(progress.total ?? 0)} sealed and stored`}
        {phase === "cancelled" && "Cancelled. Dropped again, it goes on where it stopped."}
        {phase === "failed" && explain(error).detail}
      </p>
    </li>
  );
}

/** Properties of {@link FolderCard}. */
interface FolderCardProps {
  readonly folder: VaultFolder;
  readonly vault: Vault;
  readonly writable: boolean;
  readonly onOpen: (path: string) => void;
}

function FolderCard({ folder, vault, writable, onOpen }: FolderCardProps): ReactElement {
  const { act, busy } = useAct();
  const [renaming, setRenaming] = useState(false);
  const [removing, setRemoving] = useState(false);
  const { path, name, stored } = folder;
  return (
    <li className="card">
      {renaming ? (
        <Rename path={path} vault={vault} onDone={() => setRenaming(false)} />
      ) : (
        <div className="file-line">
          <button type="button" className="folder" onClick={() => onOpen(path)}>
            <FolderIcon /> <span className="file-name">{name}</span>
          </button>
          {stored !== null && <span className="hint">{clock(stored.getTime())}</span>}
          {writable && (
            <>
              <button
                type="button"
                className="icon-button"
                aria-label={`Rename ${name}`}
                onClick={() => setRenaming(true)}
              >
                <EditIcon />
              </button>
              <button
                type="button"
                className="icon-button"
                aria-label={`Delete ${name}`}
                disabled={busy}
                onClick={() => setRemoving(true)}
              >
                <TrashIcon />
              </button>
            </>
          )}
        </div>
      )}
      {removing && (
        <Confirm
          title={`Delete “${name}”?`}
          confirm="Delete it"
          onClose={() => setRemoving(false)}
          onConfirm={() => void act("Deleting the folder", () => vault.remove(path, { recursive: true }))}
        >
          <p>With it goes everything that is in it, for everybody in the workspace.</p>
        </Confirm>
      )}
    </li>
  );
}
