/** One file of a vault: what it is, what it was before, and what can be done with it. */

import type { FileVersion, Progress, Vault, VaultFile } from "@keyfold/client";
import { type ReactElement, useCallback, useEffect, useRef, useState } from "react";
import { save } from "./download.js";
import { bytes, clock } from "./format.js";
import { DownloadIcon, EditIcon, FileIcon, HistoryIcon, TrashIcon } from "./icons.js";
import { useAct } from "./notices.js";
import { Preview } from "./preview.js";
import { Rename } from "./rename.js";

/** Properties of {@link FileCard}. */
export interface FileCardProps {
  readonly file: VaultFile;
  readonly vault: Vault;
  readonly writable: boolean;
}

/** A file. */
export function FileCard({ file, vault, writable }: FileCardProps): ReactElement {
  const { act, busy } = useAct();
  const [renaming, setRenaming] = useState(false);
  const [former, setFormer] = useState(false);
  const { progress, fetch, cancel } = useFetching(vault, file);
  const { path, name, size, stored, version } = file;
  return (
    <li className="card" data-fresh={Date.now() - stored.getTime() < 2_000}>
      {renaming ? (
        <Rename path={path} vault={vault} onDone={() => setRenaming(false)} />
      ) : (
        <div className="file-line">
          <FileIcon />
          <span className="file-name">{name}</span>
          {progress === null ? (
            <button
              type="button"
              className="icon-button"
              aria-label={`Download ${name}`}
              onClick={() => void act("Downloading", fetch)}
            >
              <DownloadIcon />
            </button>
          ) : (
            <button type="button" onClick={cancel} aria-label={`Cancel ${name}`}>
              Cancel
            </button>
          )}
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
                onClick={() => void act("Deleting the file", () => vault.remove(path))}
              >
                <TrashIcon />
              </button>
            </>
          )}
        </div>
      )}
      {progress !== null && (
        <progress
          aria-label={`Opening ${name}`}
          value={progress.loaded}
          max={Math.max(progress.total ?? 1, 1)}
        />
      )}
      <Preview vault={vault} file={file} />
      <div className="card-foot">
        <span>
          {bytes(size)} · {clock(stored.getTime())} · version {version}
        </span>
        {version > 1 && (
          <button
            type="button"
            className="quiet"
            aria-expanded={former}
            aria-label={`Versions of ${name}`}
            onClick={() => setFormer(!former)}
          >
            <HistoryIcon /> Versions
          </button>
        )}
      </div>
      {former && <Versions file={file} vault={vault} writable={writable} />}
    </li>
  );
}

/** What the file was before, and how it is that again. */
function Versions({ file, vault, writable }: FileCardProps): ReactElement {
  const { act, busy } = useAct();
  const [versions, setVersions] = useState<readonly FileVersion[]>([]);
  const { path, version: newest, name } = file;
  useEffect(() => {
    const { signal, abort } = begun();
    void act("Looking at the versions", async () => {
      const found = await vault.versions(path);
      if (!signal.aborted) setVersions(found);
    });
    return abort;
  }, [act, vault, path, newest]);
  return (
    <ul className="versions" aria-label={`Versions of ${name}`}>
      {versions.map(({ version, current, size, stored }) => (
        <li key={version}>
          <span>
            Version {version} · {clock(stored.getTime())} · {bytes(size)}
          </span>
          {current ? (
            <span className="badge">Now</span>
          ) : (
            writable && (
              <button
                type="button"
                disabled={busy}
                aria-label={`Restore version ${version} of ${name}`}
                onClick={() => void act("Restoring the file", () => vault.restore(path, version))}
              >
                Restore
              </button>
            )
          )}
        </li>
      ))}
    </ul>
  );
}

function begun(): { readonly signal: AbortSignal; readonly abort: () => void } {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort() };
}

/** Fetches, opens and saves a file, with progress, and stops when the card goes. */
function useFetching(vault: Vault, { path, version, name }: VaultFile) {
  const [progress, setProgress] = useState<Progress | null>(null);
  const running = useRef<AbortController | null>(null);
  const cancel = useCallback(() => running.current?.abort(), []);
  useEffect(() => cancel, [cancel]);
  const fetch = async (): Promise<void> => {
    const { signal } = (running.current = new AbortController());
    setProgress({ loaded: 0, total: null });
    try {
      const { contents } = await vault.get(path, { version, signal, onProgress: setProgress });
      save(contents, name);
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      setProgress(null);
    }
  };
  return { progress, fetch, cancel };
}
