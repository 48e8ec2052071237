/**
 * Files on their way out, with progress, and stopped when it unmounts: encrypted and then sent by the application, or
 * put into a vault.
 */

import type {
  EncryptedFile,
  EncryptFileOptions,
  Progress,
  PutOptions,
  VaultFile,
  VaultSource,
} from "@keyfold/client";
import { useCallback, useEffect, useState, useSyncExternalStore } from "react";
import { useClient } from "./provider.js";
import { asError } from "./query.js";

/**
 * Where an upload stands: the first two are on their way, the others final. What goes into a vault is sealed part by
 * part while it is sent.
 */
export type UploadPhase = "encrypting" | "sending" | "done" | "failed" | "cancelled";

/** One file on its way. */
export interface Upload<T> {
  /** Unique in this hook. */
  readonly id: number;
  readonly name: string;
  readonly phase: UploadPhase;
  /** Of this phase, in bytes. */
  readonly progress: Progress;
  /** What `send`, or the vault, answered, once it is done. */
  readonly result: T | undefined;
  /** Why it failed. */
  readonly error: Error | undefined;
}

/** Hands an encrypted file to the application's server. Told by `signal` when to stop. */
export type Send<T> = (
  encrypted: EncryptedFile,
  options: { readonly signal: AbortSignal; readonly onProgress: (progress: Progress) => void },
) => Promise<T>;

/** What {@link useUpload} answers. Its functions are the same in every rendering. */
export interface Uploads<T> {
  readonly uploads: readonly Upload<T>[];
  /** Answers what `send` did; `null` if it failed or was cancelled, which `uploads` tells apart. */
  start(
    file: File,
    keychain: string | readonly string[],
    options?: Omit<EncryptFileOptions, "signal" | "onProgress">,
  ): Promise<T | null>;
  cancel(id: number): void;
  /** Takes a finished one off the list. */
  dismiss(id: number): void;
}

/** What {@link useVaultUpload} answers. Its functions are the same in every rendering. */
export interface VaultUploads {
  readonly uploads: readonly Upload<VaultFile>[];
  /** Answers the file; `null` if it failed or was cancelled. Put again, a `File` goes on where it stopped. */
  start(
    path: string,
    source: VaultSource,
    options?: Omit<PutOptions, "signal" | "onProgress">,
  ): Promise<VaultFile | null>;
  cancel(id: number): void;
  /** Takes a finished one off the list. */
  dismiss(id: number): void;
}

/** What is done with one file: it may say that it goes on to send so many bytes. */
type Work<T> = (
  how: { readonly signal: AbortSignal; readonly onProgress: (progress: Progress) => void },
  sending: (total: number) => void,
) => Promise<T>;

/** The list behind the hooks. It outlives no component: {@link UploadList.stop} ends what runs. */
class UploadList<T> {
  uploads: readonly Upload<T>[] = [];
  readonly #running = new Map<number, AbortController>();
  readonly #listeners = new Set<() => void>();
  #next = 1;

  readonly subscribe = (listener: () => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly cancel = (id: number) => this.#running.get(id)?.abort();

  readonly dismiss = (id: number) => {
    if (!this.#running.has(id)) this.#show(this.uploads.filter((upload) => upload.id !== id));
  };

  readonly stop = () => {
    for (const controller of this.#running.values()) controller.abort();
  };

  async run(
    name: string,
    phase: "encrypting" | "sending",
    total: number | null,
    work: Work<T>,
  ): Promise<T | null> {
    const id = this.#next++;
    const controller = new AbortController();
    const { signal } = controller;
    this.#running.set(id, controller);
    const begun = { id, name, phase, result: undefined, error: undefined };
    this.#show([...this.uploads, { ...begun, progress: { loaded: 0, total } }]);
    // A report that comes late must not turn a cancelled upload back into a running one.
    const onProgress = (progress: Progress) => !signal.aborted && this.#change(id, { progress });
    try {
      const result = await work({ signal, onProgress }, (total) => {
        signal.throwIfAborted();
        this.#change(id, { phase: "sending", progress: { loaded: 0, total } });
      });
      this.#change(id, { phase: "done", result });
      return result;
    } catch (thrown) {
      if (signal.aborted) this.#change(id, { phase: "cancelled" });
      else this.#change(id, { phase: "failed", error: asError(thrown) });
      return null;
    } finally {
      this.#running.delete(id);
    }
  }

  #change(id: number, change: Partial<Upload<T>>): void {
    this.#show(this.uploads.map((upload) => (upload.id === id ? { ...upload, ...change } : upload)));
  }

  #show(uploads: readonly Upload<T>[]): void {
    this.uploads = uploads;
    for (const listener of this.#listeners) listener();
  }
}

const NONE: readonly never[] = [];

/** The list of one component. What runs when it unmounts is cancelled. */
function useList<T>(): UploadList<T> {
  const [list] = useState(() => new UploadList<T>());
  useSyncExternalStore(
    list.subscribe,
    () => list.uploads,
    () => NONE,
  );
  useEffect(() => list.stop, [list]);
  return list;
}

/** Uploads of one component, several at once. What runs when it unmounts is cancelled. */
export function useUpload<T>(send: Send<T>): Uploads<T> {
  const client = useClient();
  const list = useList<T>();
  const [latest] = useState({ send });
  useEffect(() => {
    latest.send = send;
  });
  const start = useCallback<Uploads<T>["start"]>(
    (file, keychain, options) =>
      list.run(file.name, "encrypting", file.size, async (how, sending) => {
        const to = typeof keychain === "string" ? keychain : [...keychain];
        const encrypted = await client.encryptFile(file, to, { ...options, ...how });
        sending(encrypted.encryptedFile.size);
        return latest.send(encrypted, how);
      }),
    [client, list, latest],
  );
  return { uploads: list.uploads, start, cancel: list.cancel, dismiss: list.dismiss };
}

/** Files of one component on their way into a keychain's vault. What runs when it unmounts is cancelled. */
export function useVaultUpload(keychainFingerprint: string): VaultUploads {
  const client = useClient();
  const list = useList<VaultFile>();
  const start = useCallback<VaultUploads["start"]>(
    (path, source, options) =>
      list.run(
        path.slice(path.lastIndexOf("/") + 1),
        "sending",
        source instanceof Blob ? source.size : null,
        (how) => client.vault(keychainFingerprint).put(path, source, { ...options, ...how }),
      ),
    [client, list, keychainFingerprint],
  );
  return { uploads: list.uploads, start, cancel: list.cancel, dismiss: list.dismiss };
}

const KEEP: Send<EncryptedFile> = (encrypted) => Promise.resolve(encrypted);

/** The same without sending: the encrypted files are the results. */
export function useEncryptFile(): Uploads<EncryptedFile> {
  return useUpload(KEEP);
}
