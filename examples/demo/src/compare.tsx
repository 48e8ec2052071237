/** Comparing a person: the words that both see if nobody stands between them, and what was heard of them. */

import type { Participant } from "@keyfold/client";
import { type FormEvent, type ReactElement, useEffect, useId, useRef, useState } from "react";
import { explain, useAct, useNotify } from "./notices.js";
import { useNameOf, usePerson } from "./person.js";

/** What is known of a person's words. */
type Words =
  | { readonly kind: "reading" }
  | { readonly kind: "shown"; readonly words: string }
  /** The server shows another identity: only what the person says counts now. */
  | { readonly kind: "changed" }
  | { readonly kind: "failed"; readonly detail: string };

/** A member's mark, or the button that leads to it. */
export function Trust({ member }: { readonly member: Participant }): ReactElement {
  const nameOf = useNameOf();
  const [open, setOpen] = useState(false);
  if (member.former) return <span className="badge badge-waiting">Former account</span>;
  if (member.verified) return <span className="badge">Verified</span>;
  const name = nameOf(member.userId);
  return (
    <>
      <button type="button" onClick={() => setOpen(true)} aria-label={`Compare words with ${name}`}>
        Compare words
      </button>
      {open && <Compare userId={member.userId} name={name} onClose={() => setOpen(false)} />}
    </>
  );
}

function Compare(props: {
  readonly userId: string;
  readonly name: string;
  readonly onClose: () => void;
}): ReactElement {
  const { userId, name, onClose } = props;
  const { client } = usePerson();
  const { act, busy } = useAct();
  const notify = useNotify();
  const known = useWords(userId);
  const [heard, setHeard] = useState("");
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const shown = dialog.current;
    shown?.showModal();
    return () => shown?.close();
  }, []);
  const match = (words: string) => {
    onClose();
    void act(`Verifying ${name}`, () => client.verifyIdentity(userId, words));
  };
  const differ = () => {
    onClose();
    notify({
      kind: "error",
      title: `Somebody may stand between you and ${name}`,
      detail: "Share nothing with this person until the words are the same on both sides.",
    });
  };
  const accept = async (event: FormEvent) => {
    event.preventDefault();
    const done = await act(`Accepting ${name}`, () => client.acceptIdentity(userId, heard));
    if (done) onClose();
  };
  return (
    <dialog ref={dialog} className="confirm compare" aria-labelledby={id} onCancel={onClose}>
      <h3 id={id}>Is this really {name}?</h3>
      {known.kind === "reading" && <p role="status">Working out the words…</p>}
      {known.kind === "failed" && <p role="alert">{known.detail}</p>}
      {known.kind === "shown" && (
        <>
          <p>
            Call {name}, or meet. Both of you see the same eight words here, unless somebody stands between
            you.
          </p>
          <ol className="safety-words" aria-label="Safety words">
            {known.words.split(" ").map((word, at) => (
              // Words may repeat; their places do not.
              <li key={at}>{word}</li>
            ))}
          </ol>
        </>
      )}
      {known.kind === "changed" && (
        <form id={`${id}-form`} onSubmit={(event) => void accept(event)}>
          <p>
            The server shows another identity of {name} than before. Either {name} has a new account, or the
            server lies. Ask {name} to read out the words that {name} sees for you.
          </p>
          <label htmlFor={`${id}-heard`}>The eight words that {name} said</label>
          <textarea
            id={`${id}-heard`}
            rows={2}
            value={heard}
            onChange={(event) => setHeard(event.target.value)}
          />
        </form>
      )}
      <div className="actions">
        <button type="button" onClick={onClose}>
          Not now
        </button>
        {known.kind === "shown" && (
          <>
            <button type="button" className="danger-quiet" onClick={differ}>
              They do not match
            </button>
            <button type="button" className="primary" disabled={busy} onClick={() => match(known.words)}>
              They match
            </button>
          </>
        )}
        {known.kind === "changed" && (
          <button
            type="submit"
            form={`${id}-form`}
            className="primary"
            disabled={busy || heard.trim() === ""}
          >
            Accept the new identity
          </button>
        )}
      </div>
    </dialog>
  );
}

function useWords(userId: string): Words {
  const { client } = usePerson();
  const [known, setKnown] = useState<Words>({ kind: "reading" });
  useEffect(() => {
    const stop = new AbortController();
    // Looked up first: who was pinned long ago may be shown otherwise by now.
    const read = async (): Promise<Words> => {
      await client.getUserIdentity(userId, { signal: stop.signal });
      return { kind: "shown", words: await client.safetyWords(userId, { signal: stop.signal }) };
    };
    void read()
      .catch((error: unknown): Words => {
        const { code, detail } = explain(error);
        return code === "IdentityChanged" ? { kind: "changed" } : { kind: "failed", detail };
      })
      .then((words) => {
        if (!stop.signal.aborted) setKnown(words);
      });
    return () => stop.abort();
  }, [client, userId]);
  return known;
}
