/** What stands in a vault, as callers see it. */
import type { Cancellable } from "./client.js";
import type { Progress } from "./types.js";

/** A file. */
export interface VaultFile {
  readonly kind: "file";
  /** Where it is: names with `/` between them. */
  readonly path: string;
  /** The last of them. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** Media type, as whoever put it says; empty if he says none. */
  readonly mediaType: string;
  /** When it was last modified, as whoever put it says. */
  readonly modified: Date | null;
  /** When this content was put. */
  readonly stored: Date;
  /** Which of the file's contents this is, from 1. */
  readonly version: number;
}

/** A folder. */
export interface VaultFolder {
  readonly kind: "folder";
  /** Where it is; empty for the root. */
  readonly path: string;
  /** What it is called; empty for the root. */
  readonly name: string;
  /** When it was made; `null` of the root. */
  readonly stored: Date | null;
}

/** What stands at a path. */
export type VaultItem = VaultFile | VaultFolder;

/** A file with all of its bytes. */
export interface VaultContent extends VaultFile {
  /** Its bytes, which lie with the browser rather than in memory. */
  readonly contents: Blob;
}

/** A content that a file has, or has had. */
export interface FileVersion {
  /** Which, from 1. */
  readonly version: number;
  /** Whether the file has it now. */
  readonly current: boolean;
  readonly size: number;
  readonly mediaType: string;
  readonly modified: Date | null;
  readonly stored: Date;
}

/** What of a vault still opens with an older key of the keychain. */
export interface StillReadable {
  /** How many contents, former ones included. */
  readonly contents: number;
  /** How many bytes of them. */
  readonly bytes: number;
}

/** What a sweep of a vault did. */
export interface VaultSwept {
  /** How many contents are under the keychain's current key that were not, former ones included. */
  readonly contents: number;
  /** How many bytes of them. */
  readonly bytes: number;
  /** Objects that nothing referred to for a week, and that are gone. */
  readonly deleted: number;
}

/** What a file is put from. A `File` tells its type and time; its name is not taken. */
export type VaultSource = Blob | Uint8Array | ReadableStream<Uint8Array>;

/** How to put a file. */
export interface PutOptions extends Cancellable {
  /** Media type, at most 256 bytes (`Malformed`); a blob's own unless said. */
  readonly mediaType?: string;
  /** When it was last modified; a `File`'s own unless said. `null`: not said. */
  readonly modified?: Date | null;
  /** How many former contents stay, at most 16, which is the default. */
  readonly keep?: number;
  /** Told how many bytes are stored. */
  readonly onProgress?: (progress: Progress) => void;
}

/** How to get a file. */
export interface GetOptions extends Cancellable {
  /** Which of its contents; the one that it has unless said. */
  readonly version?: number;
  /** Told how many bytes have come. */
  readonly onProgress?: (progress: Progress) => void;
}

/** Which part of a file to stream. */
export interface StreamOptions extends Cancellable {
  readonly version?: number;
  /** The first byte. Default: 0. */
  readonly start?: number;
  /** The byte before which it ends. Default: the file's end. */
  readonly end?: number;
}
