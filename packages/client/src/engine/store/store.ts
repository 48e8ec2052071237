/**
 * Where records rest. One store holds the devices of several people: a record is named by its home and its name.
 * Implementations seal what they keep anywhere but in memory, and bind each record to its place.
 */
import type { Bytes } from "../../types.js";
import type { Near } from "./near.js";

/** A change of one record; without a value it is removed. The store owns the bytes afterwards, and may wipe them. */
export interface Put {
  readonly home: string;
  readonly name: string;
  readonly value: Bytes | undefined;
}

/** Records, by home and name. */
export interface Store {
  /** One record. */
  load(home: string, name: string): Promise<Bytes | undefined>;
  /** All records of a home whose names start with `prefix`, ascending by name. */
  scan(home: string, prefix: string): Promise<[name: string, value: Bytes][]>;
  /**
   * All or nothing; resolves when it would survive a power cut.
   *
   * @throws `StorageFull` if there is no room, `StorageLost` if the store is gone.
   */
  commit(puts: readonly Put[]): Promise<void>;
  /** What is kept near of a home, if anything can be. Whoever asks for it closes it. */
  near?(home: string): Near;
  /** Removes what is kept near of a home. */
  forgetNear?(home: string): Promise<void>;
  /** Sees to it that what was replaced or removed is not stored any more, as far as that is in its hands. */
  tidy?(): Promise<void>;
  /** Lets go of it. Calls afterwards fail with `Closed`. */
  close(): Promise<void>;
}
