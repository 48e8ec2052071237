/** Locking a panel's device, and the panel while it is locked. */

import type { LockSecret } from "@keyfold/client";
import { useLock } from "@keyfold/react";
import { type FormEvent, type ReactElement, useEffect, useId, useRef, useState } from "react";
import { LockIcon } from "./icons.js";
import { explain, useAct } from "./notices.js";
import { Confirm } from "./parts.js";
import { usePerson } from "./person.js";

/** A quarter of an hour without anybody at the page. */
const AUTO_LOCK_MS = 15 * 60_000;

/** Locks; the first time it asks for what unlocks. */
export function LockButton(): ReactElement {
  const { client, name } = usePerson();
  const lock = useLock();
  const { act } = useAct();
  const [asking, setAsking] = useState(false);
  return (
    <>
      <button
        type="button"
        className="icon-button"
        aria-label={`Lock ${name}'s device`}
        onClick={() => (lock === null ? setAsking(true) : void act("Locking", () => client.lock()))}
      >
        <LockIcon />
      </button>
      {asking && <SetLock onClose={() => setAsking(false)} />}
    </>
  );
}

function SetLock({ onClose }: { readonly onClose: () => void }): ReactElement {
  const { client, name } = usePerson();
  const { busy, act } = useAct();
  const [pin, setPin] = useState("");
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const shown = dialog.current;
    shown?.showModal();
    return () => shown?.close();
  }, []);
  const set = (secret: LockSecret) =>
    void act("Locking", async () => {
      await client.setLock(secret, { autoLockMs: AUTO_LOCK_MS });
      await client.lock();
      onClose();
    });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    set({ pin });
  };
  return (
    <dialog ref={dialog} className="confirm" aria-labelledby={`${id}-title`} onCancel={onClose}>
      <form onSubmit={submit}>
        <h3 id={`${id}-title`}>Lock {name}’s device</h3>
        <p>
          Its keys leave memory, and what is stored is sealed under the PIN too. It locks by itself after a
          quarter of an hour. A PIN keeps out whoever sits down here; against somebody with the whole disk
          take a passkey.
        </p>
        <label htmlFor={id}>PIN, four digits or more</label>
        <Pin id={id} value={pin} onChange={setPin} />
        <div className="actions">
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          {hasPasskeys() && (
            <button type="button" disabled={busy} onClick={() => set({ passkey: true })}>
              Use a passkey
            </button>
          )}
          <button type="submit" className="primary" disabled={busy || pin.length < 4}>
            {busy ? "Sealing…" : "Lock"}
          </button>
        </div>
      </form>
    </dialog>
  );
}

/** What a locked device shows: nothing but the way in. */
export function Unlock(): ReactElement {
  const { client, name } = usePerson();
  const lock = useLock();
  const { busy, act } = useAct();
  const [pin, setPin] = useState("");
  const [wrong, setWrong] = useState<string | null>(null);
  const [forgetting, setForgetting] = useState(false);
  const id = useId();
  const open = (secret: LockSecret) =>
    void act("Unlocking", async () => {
      try {
        await client.unlock(secret);
      } catch (error) {
        // Expected of people: it is said beside the field, and is no notice.
        const { code, detail } = explain(error);
        if (code !== "WrongSecret" && code !== "TooManyTries") throw error;
        setWrong(code === "WrongSecret" ? "That is not it. Try again." : detail);
        setPin("");
      }
    });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    open(lock?.method === "passkey" ? { passkey: true } : { pin });
  };
  return (
    <form className="empty" onSubmit={submit}>
      <LockIcon />
      <p className="empty-title">Locked</p>
      <p>No key is in memory, and nothing that is stored here opens without {name}.</p>
      {lock?.method === "pin" && (
        <div className="row">
          <label className="unseen" htmlFor={id}>
            PIN
          </label>
          <Pin
            id={id}
            value={pin}
            onChange={setPin}
            placeholder="PIN"
            describedBy={wrong === null ? undefined : `${id}-wrong`}
          />
          <button type="submit" className="primary" disabled={busy || pin.length < 4}>
            {busy ? "Opening…" : "Unlock"}
          </button>
        </div>
      )}
      {lock?.method === "passkey" && (
        <button type="submit" className="primary" disabled={busy}>
          Unlock with the passkey
        </button>
      )}
      <p id={`${id}-wrong`} role="status" className="wrong">
        {wrong}
      </p>
      <button type="button" className="quiet" onClick={() => setForgetting(true)}>
        Forgotten?
      </button>
      {forgetting && (
        <Confirm
          title={`Remove ${name}'s device?`}
          confirm="Remove"
          onConfirm={() => void act("Removing", () => client.logout({ forget: true }))}
          onClose={() => setForgetting(false)}
        >
          <p>
            Nobody can open it without the PIN or passkey. Without another device the account’s keys are gone.
          </p>
        </Confirm>
      )}
    </form>
  );
}

interface PinProps {
  readonly id: string;
  readonly value: string;
  readonly onChange: (pin: string) => void;
  readonly placeholder?: string;
  readonly describedBy?: string | undefined;
}

function Pin({ id, value, onChange, placeholder, describedBy }: PinProps): ReactElement {
  return (
    <input
      id={id}
      type="password"
      inputMode="numeric"
      autoComplete="off"
      maxLength={32}
      value={value}
      placeholder={placeholder}
      aria-describedby={describedBy}
      onChange={(event) => onChange(event.target.value.replace(/\D/g, ""))}
    />
  );
}

/** Passkeys belong to names: a page at an address of numbers gets none. */
function hasPasskeys(): boolean {
  return "PublicKeyCredential" in globalThis && !/^[\d.]+$|^\[/.test(location.hostname);
}
