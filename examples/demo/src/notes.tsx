/** Notes of a workspace, which all of its members edit. */

import type { Keychain } from "@keyfold/client";
import { useDecrypted } from "@keyfold/react";
import { type FormEvent, type KeyboardEvent, type ReactElement, useId, useState } from "react";
import type { Row } from "../server/rows.js";
import { clock } from "./format.js";
import { EditIcon, LockIcon, TrashIcon } from "./icons.js";
import { explain, useAct, useNotify } from "./notices.js";
import { useNameOf, usePerson, useRows } from "./person.js";
import { contextOf, newId, putRow } from "./sealed-row.js";

/** Properties of what stands in a workspace. */
export interface InWorkspace {
  readonly keychain: Keychain;
  /** Whether oneself can still write here. */
  readonly writable: boolean;
}

/** The notes, newest first, and a place to write one. */
export function Notes({ keychain, writable }: InWorkspace): ReactElement {
  const person = usePerson();
  const { keychainFingerprint: workspace } = keychain;
  const rows = useRows(workspace, "note");
  const add = async (text: string) => {
    await putRow(person, { kind: "note", id: newId(), workspace, version: 1 }, text);
  };
  return (
    <>
      {writable && <Editor label="New note" begin="" submit="Add note" onSubmit={add} />}
      {rows.length === 0 && <p className="nothing">No notes yet.</p>}
      <ul className="cards" aria-label="Notes">
        {rows.map((row) => (
          <Note key={row.id} row={row} keychain={keychain} writable={writable} />
        ))}
      </ul>
    </>
  );
}

function Note({ row, keychain, writable }: InWorkspace & { readonly row: Row }): ReactElement {
  const person = usePerson();
  const nameOf = useNameOf();
  const notify = useNotify();
  const { act, busy } = useAct();
  const [editing, setEditing] = useState<number | null>(null);
  const { data, status, error } = useDecrypted(row.sealed, row.workspace, contextOf(row));
  const text = typeof data?.value === "string" ? data.value : "";
  const save = async (words: string) => {
    const between = await putRow(person, { ...row, version: row.version + 1 }, words);
    setEditing(null);
    if (between)
      notify({ kind: "arrival", title: "Somebody wrote in between", detail: "Your text is the newest now." });
  };
  const fresh = useFresh(row);
  if (status === "failed") return <Locked error={error} by={nameOf(row.by)} at={row.at} />;
  return (
    <li className="card" data-fresh={fresh}>
      {editing !== null ? (
        <>
          {editing < row.version && <p className="hint">{nameOf(row.by)} changed this note meanwhile.</p>}
          <Editor
            label="Edit note"
            begin={text}
            submit="Save"
            onSubmit={save}
            onCancel={() => setEditing(null)}
          />
        </>
      ) : (
        <p className="words">{status === "loading" ? "Opening…" : text}</p>
      )}
      <div className="card-foot">
        <span>
          {nameOf(row.by)} · {clock(row.at)} · version {row.version}
        </span>
        <SealedUnder keyNumber={data?.keyNumber} current={keychain.keys[0]?.keyNumber} />
        {writable && editing === null && (
          <span className="card-actions">
            <button
              type="button"
              className="icon-button"
              aria-label="Edit note"
              onClick={() => setEditing(row.version)}
            >
              <EditIcon />
            </button>
            <button
              type="button"
              className="icon-button"
              aria-label="Delete note"
              disabled={busy}
              onClick={() => void act("Deleting the note", () => person.app.remove(row.id))}
            >
              <TrashIcon />
            </button>
          </span>
        )}
      </div>
    </li>
  );
}

/** Whether a row was new when it appeared here: it shows that it just came. */
export function useFresh({ at }: Row): boolean {
  const [fresh] = useState(() => Date.now() - at < 3_000);
  return fresh;
}

/** Under which key something was sealed, and whether there is a newer one by now. */
export function SealedUnder(props: {
  readonly keyNumber: number | undefined;
  readonly current: number | undefined;
}): ReactElement | null {
  if (props.keyNumber === undefined) return null;
  const title = props.keyNumber === props.current ? "The current key" : "An older key, which still opens it";
  return (
    <span className="sealed" title={title}>
      <LockIcon /> sealed under key {props.keyNumber}
    </span>
  );
}

/** Something that this person cannot open. */
export function Locked(props: {
  readonly error: Error;
  readonly by: string;
  readonly at: number;
}): ReactElement {
  const { code } = explain(props.error);
  return (
    <li className="card locked">
      <p className="words">
        <LockIcon />{" "}
        {code === "Unauthentic"
          ? "Somebody altered this. It is not shown."
          : "Sealed under a key that you do not have"}
      </p>
      <div className="card-foot">
        <span>
          {props.by} · {clock(props.at)}
        </span>
        {code !== undefined && <code>{code}</code>}
      </div>
    </li>
  );
}

/** Properties of {@link Editor}. */
interface EditorProps {
  readonly label: string;
  readonly begin: string;
  readonly submit: string;
  readonly onSubmit: (text: string) => Promise<void>;
  readonly onCancel?: () => void;
}

/** A text and a button. What was written stays there until it is stored. */
function Editor({ label, begin, submit, onSubmit, onCancel }: EditorProps): ReactElement {
  const [text, setText] = useState(begin);
  const { act, busy } = useAct();
  const id = useId();
  const send = async () => {
    if (text.trim() === "" || busy) return;
    if (await act("Saving the note", () => onSubmit(text.trim()))) setText("");
  };
  const keys = (event: KeyboardEvent) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) void send();
    if (event.key === "Escape") onCancel?.();
  };
  const submitted = (event: FormEvent) => {
    event.preventDefault();
    void send();
  };
  return (
    <form className="editor" onSubmit={submitted}>
      <label className="unseen" htmlFor={id}>
        {label}
      </label>
      <textarea
        id={id}
        rows={2}
        value={text}
        placeholder="Write something only members can read"
        autoFocus={onCancel !== undefined}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={keys}
      />
      <div className="actions">
        {onCancel !== undefined && (
          <button type="button" onClick={onCancel}>
            Cancel
          </button>
        )}
        <button type="submit" className="primary" disabled={busy || text.trim() === ""}>
          {submit}
        </button>
      </div>
    </form>
  );
}
