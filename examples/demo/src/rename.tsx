/** Another name, or another place, for a file or folder. */

import type { Vault } from "@keyfold/client";
import { type FormEvent, type ReactElement, useId, useState } from "react";
import { useAct } from "./notices.js";

/** Properties of {@link Rename}. */
export interface RenameProps {
  readonly path: string;
  readonly vault: Vault;
  readonly onDone: () => void;
}

/** Another name, or another place: both are a path. */
export function Rename({ path, vault, onDone }: RenameProps): ReactElement {
  const { act, busy } = useAct();
  const [to, setTo] = useState(path);
  const id = useId();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void act("Renaming", () => vault.rename(path, to.trim())).then((done) => {
      if (done) onDone();
    });
  };
  return (
    <form className="rename" onSubmit={submit}>
      <label htmlFor={id}>Name, or a path to move it</label>
      <input
        id={id}
        value={to}
        autoFocus
        autoComplete="off"
        onChange={(event) => setTo(event.target.value)}
      />
      <button type="button" onClick={onDone}>
        Cancel
      </button>
      <button type="submit" className="primary" disabled={busy || to.trim() === "" || to.trim() === path}>
        Rename
      </button>
    </form>
  );
}
