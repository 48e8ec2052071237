/** `client.vault(keychain)`: what a keychain stores. Files and folders, and indexes of records. */
import * as check from "./arguments.js";
import type { Link } from "./link.js";
import type { ClientEvents } from "./types.js";
import { VaultFiles } from "./vault-files.js";
import { type IndexSchema, VaultIndex } from "./vault-index.js";

/** What a vault needs of its client. */
export interface VaultClient {
  readonly call: Link["call"];
  on<E extends keyof ClientEvents>(event: E, callback: (payload: ClientEvents[E]) => void): () => void;
}

/** What is stored under a keychain: whoever is in the keychain has it, and the server cannot read it. */
export class Vault extends VaultFiles {
  /**
   * An index of records: an ordered map that everybody in the keychain finds by its name. Making one asks nothing; one
   * that nobody has written is empty. Whoever opens it declares the same keys.
   */
  index<T>(name: string, schema: IndexSchema<T>): VaultIndex<T> {
    check.text(name, "name");
    check.callable(schema?.key, "schema.key");
    return new VaultIndex(this.client, this.kc, name, schema);
  }
}
