/** A person's ways back: which there are, what is missing, making and removing them. */

import type { RecoveryGap, RecoveryKind, RecoveryMethod, RecoverySecret } from "@keyfold/client";
import { useRecoveryStatus } from "@keyfold/react";
import { type ReactElement, useId, useState } from "react";
import { FormDialog } from "./dialog.js";
import { save } from "./download.js";
import { clock } from "./format.js";
import { DownloadIcon } from "./icons.js";
import { explain, useAct } from "./notices.js";
import { PaperKeySheet } from "./paper.js";
import { usePerson } from "./person.js";

const KINDS: Record<RecoveryKind, string> = {
  paper: "Paper key",
  shares: "Shares that others keep",
  password: "Password",
  passkey: "Passkey",
};

const GAPS: Record<RecoveryGap, string> = {
  noRecovery:
    "There is no way back yet. Whoever loses every device loses everything: nobody else has the keys.",
  onlyPasskeys: "The only way back is a passkey, and whoever keeps it for you can lose it.",
  nothingOffline:
    "Nothing of it is on paper or with friends. A paper key in a drawer needs no server and no memory.",
};

type Making = "paper" | "shares" | "password";

/** Status, and what can be done about it. */
export function Recovery(): ReactElement {
  const { data, error } = useRecoveryStatus();
  const [making, setMaking] = useState<Making | null>(null);
  const close = () => setMaking(null);
  // The gravest first, and only that one: who has no way back needs no advice about paper.
  const [gap] = data?.missing ?? [];
  return (
    <section className="own" aria-label="Recovery">
      <h3>Recovery</h3>
      {data === undefined && (
        <p className="nothing">{error === undefined ? "Reading the signed list…" : explain(error).detail}</p>
      )}
      {gap !== undefined && <p className="banner">{GAPS[gap]}</p>}
      {data !== undefined && gap === undefined && (
        <p className="hint">If every device is lost, one of these brings everything back.</p>
      )}
      <ul className="cards" aria-label="Ways back">
        {data?.methods.map((method) => (
          <WayBack key={method.recoveryId} method={method} />
        ))}
      </ul>
      <div className="actions ways">
        <button type="button" onClick={() => setMaking("paper")}>
          Make a paper key
        </button>
        <button type="button" onClick={() => setMaking("shares")}>
          Make shares
        </button>
        <button type="button" onClick={() => setMaking("password")}>
          Set a password
        </button>
      </div>
      {making === "paper" && <MakePaper onClose={close} />}
      {making === "shares" && <MakeShares onClose={close} />}
      {making === "password" && <SetPassword onClose={close} />}
    </section>
  );
}

function WayBack({ method }: { readonly method: RecoveryMethod }): ReactElement {
  const [removing, setRemoving] = useState(false);
  return (
    <li className="card">
      <div className="file-line">
        <strong className="file-name">{KINDS[method.method]}</strong>
        {method.method !== "passkey" && (
          <button type="button" className="danger-quiet" onClick={() => setRemoving(true)}>
            Remove
          </button>
        )}
      </div>
      <p className="hint">Made at {clock(method.addedAt.getTime())}</p>
      {removing && <RemoveWay method={method} onClose={() => setRemoving(false)} />}
    </li>
  );
}

function MakePaper({ onClose }: { readonly onClose: () => void }): ReactElement {
  const { client } = usePerson();
  const { act, busy } = useAct();
  const [words, setWords] = useState<string | null>(null);
  const make = () =>
    void act("Making the paper key", async () => setWords((await client.recovery.paper()).words));
  if (words !== null) return <PaperKeySheet words={words} onClose={onClose} />;
  return (
    <FormDialog title="Make a paper key" submit="Make it" disabled={busy} onSubmit={make} onClose={onClose}>
      <p>
        24 words, to be printed or written down, and kept like a passport. With them you come back if every
        device is lost. They are shown once: nobody can show them again.
      </p>
    </FormDialog>
  );
}

function MakeShares({ onClose }: { readonly onClose: () => void }): ReactElement {
  const { client, name } = usePerson();
  const { act, busy } = useAct();
  const [shares, setShares] = useState<readonly string[]>([]);
  const [needed, setNeeded] = useState(2);
  const [count, setCount] = useState(3);
  const id = useId();
  const make = () =>
    void act("Making the shares", async () => {
      setShares((await client.recovery.shares(needed, count)).shares);
    });
  if (shares.length > 0) {
    const hand = (share: string, at: number) =>
      save(new Blob([`${share}\n`], { type: "text/plain" }), `share-${at + 1}-of-${count}-for-${name}.txt`);
    return (
      <FormDialog
        title={`${count} shares, any ${needed} suffice`}
        submit="They are kept"
        instead={<></>}
        onSubmit={onClose}
        onClose={onClose}
      >
        <p>Give each to somebody else. One alone says nothing, and nobody can show them again.</p>
        <ul className="shares" aria-label="Shares">
          {shares.map((share, at) => (
            <li key={share}>
              <code>{share}</code>
              <button
                type="button"
                className="icon-button"
                aria-label={`Save share ${at + 1}`}
                onClick={() => hand(share, at)}
              >
                <DownloadIcon />
              </button>
            </li>
          ))}
        </ul>
      </FormDialog>
    );
  }
  const number = (
    label: string,
    value: number,
    least: number,
    most: number,
    set: (value: number) => void,
  ) => (
    <>
      <label htmlFor={`${id}-${label}`}>{label}</label>
      <input
        id={`${id}-${label}`}
        type="number"
        min={least}
        max={most}
        value={value}
        onChange={(event) => set(event.target.valueAsNumber)}
      />
    </>
  );
  return (
    <FormDialog title="Make shares" submit="Make them" disabled={busy} onSubmit={make} onClose={onClose}>
      <p>A secret in pieces, for people whom you trust. Some of them together bring you back.</p>
      {number("How many there are", count, 2, 16, setCount)}
      {number("How many suffice", needed, 2, count, setNeeded)}
    </FormDialog>
  );
}

function SetPassword({ onClose }: { readonly onClose: () => void }): ReactElement {
  const { client } = usePerson();
  const { act, busy } = useAct();
  const [password, setPassword] = useState("");
  const id = useId();
  const set = async () => {
    if (await act("Setting the password", () => client.recovery.password(password))) onClose();
  };
  return (
    <FormDialog
      title="Set a password"
      submit={busy ? "Stretching it…" : "Set it"}
      disabled={busy || password.length < 8}
      onSubmit={() => void set()}
      onClose={onClose}
    >
      <p>
        Only to come back with, not to sign in. The server helps to check it and learns nothing of it, and
        answers few guesses.
      </p>
      <label htmlFor={id}>Password, eight characters or more</label>
      <input
        id={id}
        type="password"
        autoComplete="new-password"
        value={password}
        onChange={(event) => setPassword(event.target.value)}
      />
    </FormDialog>
  );
}

function RemoveWay(props: { readonly method: RecoveryMethod; readonly onClose: () => void }): ReactElement {
  const { method, onClose } = props;
  const { client } = usePerson();
  const { act, busy } = useAct();
  const [typed, setTyped] = useState("");
  const [wrong, setWrong] = useState<string | null>(null);
  const id = useId();
  const remove = () =>
    void act("Removing the way back", async () => {
      try {
        await client.recovery.remove(method.recoveryId, secretOf(method.method, typed));
        onClose();
      } catch (error) {
        // Expected of people: it is said beside the field.
        setWrong(explain(error).detail);
      }
    });
  return (
    <FormDialog
      title={`Remove: ${KINDS[method.method]}`}
      submit={busy ? "Removing…" : "Remove it"}
      disabled={busy || typed.trim() === ""}
      onSubmit={remove}
      onClose={onClose}
    >
      <p>A device alone cannot do this, or a thief of one could. Show that you have it:</p>
      <SecretField id={id} kind={method.method} value={typed} onChange={setTyped} wrong={wrong} />
    </FormDialog>
  );
}

/** What a person typed as the secret of such a way back. */
export function secretOf(kind: RecoveryKind, typed: string): RecoverySecret {
  if (kind === "password") return { password: typed };
  if (kind === "passkey") return { passkey: true };
  if (kind === "paper") return { paper: typed };
  return { shares: typed.split(/\s+/).filter((share) => share !== "") };
}

const ASKED: Record<RecoveryKind, string> = {
  paper: "The 24 words",
  shares: "The shares, one a line",
  password: "The password",
  passkey: "The passkey",
};

/** Where a person types it, and is told if it is wrong. */
export function SecretField(props: {
  readonly id: string;
  readonly kind: RecoveryKind;
  readonly value: string;
  readonly onChange: (typed: string) => void;
  readonly wrong: string | null;
}): ReactElement {
  const { id, kind, value, onChange, wrong } = props;
  const described = wrong === null ? undefined : `${id}-wrong`;
  const change = (event: { readonly target: { readonly value: string } }) => onChange(event.target.value);
  const common = { id, value, onChange: change, "aria-describedby": described, spellCheck: false } as const;
  return (
    <>
      <label htmlFor={id}>{ASKED[kind]}</label>
      {kind === "password" ? (
        <input type="password" autoComplete="current-password" {...common} />
      ) : (
        <textarea rows={4} autoComplete="off" autoCapitalize="none" {...common} />
      )}
      <p id={`${id}-wrong`} role="status" className="wrong">
        {wrong}
      </p>
    </>
  );
}
