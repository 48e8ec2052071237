/** `client.vault(keychain)`: what a keychain stores. Files and folders, and indexes of records. */
import * as check from "./arguments.js";
import type { Link } from "./link.js";
import type { ClientEvents } from "./types.js";
import { VaultFiles } from "./vault-files.js";
import { VaultIndex } from "./vault-index.js";
import type { IndexSchema } from "./vault-records.js";

/** What a vault needs of its client. */
export interface VaultClient {
  readonly call: Link["call"];
  /** The fingerprint of a keychain by purpose or fingerprint; `undefined` as long as it is not known. */
  fingerprint(kc: string): string | undefined;
  on<E extends keyof ClientEvents>(event: E, callback: (payload: ClientEvents[E]) => void): () => void;
}

/** What is stored under a keychain: whoever is in the keychain has it, and the server cannot read it. */
export class Vault extends VaultFiles {
  /**
   * An index of records: an ordered map that everybody in the keychain finds by its name. Making one asks nothing; one
   * that nobody has written is empty. Whoever opens it declares the same keys.
   *
   * A name has 1 to 256 bytes of UTF-8 without control characters, else whatever uses the index throws `BadText`.
   *
   * @throws `Malformed` for an empty name, or a schema that is none; `TooLarge` for more than 63 secondary keys
   */
  index<T>(name: string, schema: IndexSchema<T>): VaultIndex<T> {
    check.text(name, "name");
    check.callable(schema?.key, "schema.key");
    return new VaultIndex(this.client, this.kc, name, schema);
  }
}
