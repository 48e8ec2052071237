/**
 * A further device of somebody who has an account: it asks another one, or the person shows what she kept. What cannot
 * be had back is said; a new account never takes its place by itself.
 */

import type { DeviceRequested, Progress, RecoveryKind, RecoveryStarted } from "@keyfold/client";
import { type FormEvent, type ReactElement, useEffect, useId, useState } from "react";
import { Words } from "./devices.js";
import { explain, useAct } from "./notices.js";
import { Avatar, Switch } from "./parts.js";
import { usePerson } from "./person.js";
import { QrCode } from "./qr.js";
import { SecretField, secretOf } from "./recovery.js";

type Step = "choice" | "ask" | "recover" | "nothing";

/** The ways in. */
export function ComeIn({ lost }: { readonly lost: boolean }): ReactElement {
  const { name } = usePerson();
  const [step, setStep] = useState<Step>("choice");
  const back = () => setStep("choice");
  if (step === "ask") return <Ask onBack={back} />;
  if (step === "recover") return <Recover onBack={back} onNothing={() => setStep("nothing")} />;
  if (step === "nothing") return <Nothing onBack={back} />;
  return (
    <div className="empty">
      <Avatar name={name} />
      <p className="empty-title">
        {lost ? "What this browser stored is gone" : `${name} has an account already`}
      </p>
      <p>
        {lost
          ? `It was a device of ${name}’s. The account is still there, and everything in it.`
          : "This browser is none of its devices yet, and can read nothing of it."}
      </p>
      <div className="choices">
        <button type="button" className="primary" onClick={() => setStep("ask")}>
          Ask another device
        </button>
        <button type="button" onClick={() => setStep("recover")}>
          Use what you kept
        </button>
        <button type="button" className="quiet" onClick={() => setStep("nothing")}>
          I have neither
        </button>
      </div>
    </div>
  );
}

function Back({ onBack }: { readonly onBack: () => void }): ReactElement {
  return (
    <button type="button" className="quiet" onClick={onBack}>
      Another way
    </button>
  );
}

function Ask({ onBack }: { readonly onBack: () => void }): ReactElement {
  const { client, user, name } = usePerson();
  const [asked, setAsked] = useState<DeviceRequested | null>(null);
  const [failed, setFailed] = useState<string | null>(null);
  useEffect(() => {
    const stop = new AbortController();
    const { signal } = stop;
    const ask = async () => {
      setAsked(await client.devices.request(user, { signal }));
      await client.devices.approval({ signal });
    };
    ask().catch((error: unknown) => {
      if (signal.aborted) return;
      const { code, detail } = explain(error);
      setFailed(code === "UnknownEnrolment" ? "It was declined, or nobody answered in time." : detail);
    });
    return () => stop.abort();
  }, [client, user]);
  return (
    <div className="empty">
      <p className="empty-title">{failed === null ? "Look at your other device" : "Not let in"}</p>
      {failed !== null && <p role="alert">{failed}</p>}
      {failed === null && asked === null && <p role="status">Asking…</p>}
      {failed === null && asked !== null && (
        <>
          <p>It says that a new device asks. Let it in there if it shows these words, or scan the code.</p>
          <Words words={asked.words} />
          <QrCode text={asked.code} label={`Code of this device, for another one of ${name}’s`} />
          <p className="hint">
            <code className="code">{asked.code}</code>
          </p>
          <p role="status">Waiting for an answer…</p>
        </>
      )}
      <Back onBack={onBack} />
    </div>
  );
}

const KINDS: Record<RecoveryKind, string> = {
  paper: "Paper key",
  shares: "Shares",
  password: "Password",
  passkey: "Passkey",
};

function Recover(props: { readonly onBack: () => void; readonly onNothing: () => void }): ReactElement {
  const { onBack, onNothing } = props;
  const { client, user, name } = usePerson();
  const { act, busy } = useAct();
  const [started, setStarted] = useState<RecoveryStarted | null>(null);
  const [failed, setFailed] = useState<string | null>(null);
  const [chosen, setChosen] = useState<RecoveryKind | null>(null);
  const [typed, setTyped] = useState("");
  const [wrong, setWrong] = useState<string | null>(null);
  const [others, setOthers] = useState(true);
  const [progress, setProgress] = useState<Progress | null>(null);
  const id = useId();
  useEffect(() => {
    const stop = new AbortController();
    client.recovery.start(user, { signal: stop.signal }).then(setStarted, (error: unknown) => {
      if (!stop.signal.aborted) setFailed(explain(error).detail);
    });
    return () => stop.abort();
  }, [client, user]);
  const kinds = [...new Set(started?.methods.map(({ method }) => method) ?? [])];
  const kind = chosen ?? kinds[0];
  const recover = (event: FormEvent) => {
    event.preventDefault();
    if (kind === undefined) return;
    void act("Coming back", async () => {
      try {
        setWrong(null);
        const revoke = others ? "all" : [];
        await client.recovery.recover(secretOf(kind, typed), { revoke, onProgress: setProgress });
      } catch (error) {
        // Expected of people: it is said beside the field, and is no notice.
        setWrong(explain(error).detail);
      }
    });
  };
  if (started !== null && kind === undefined) {
    return (
      <div className="empty">
        <p className="empty-title">Nothing was kept</p>
        <p>{name} made no way back before the devices were lost.</p>
        <div className="choices">
          <button type="button" onClick={onNothing}>
            What now?
          </button>
          <Back onBack={onBack} />
        </div>
      </div>
    );
  }
  return (
    <form className="come-back" onSubmit={recover}>
      <p className="empty-title">Come back as {name}</p>
      {failed !== null && <p role="alert">{failed}</p>}
      {failed === null && kind === undefined && <p role="status">Looking which ways back there are…</p>}
      {kind !== undefined && (
        <>
          <label htmlFor={`${id}-kind`}>What you kept</label>
          <select
            id={`${id}-kind`}
            value={kind}
            onChange={(event) => {
              setChosen(event.target.value as RecoveryKind);
              setTyped("");
              setWrong(null);
            }}
          >
            {kinds.map((one) => (
              <option key={one} value={one}>
                {KINDS[one]}
              </option>
            ))}
          </select>
          {kind !== "passkey" && (
            <SecretField id={id} kind={kind} value={typed} onChange={setTyped} wrong={wrong} />
          )}
          <Switch label="My other devices are lost: take them out" checked={others} onChange={setOthers} />
          {progress?.total != null && (
            <p className="hint" role="status">
              New keys: {progress.loaded} of {progress.total}
            </p>
          )}
          <div className="choices">
            <button
              type="submit"
              className="primary"
              disabled={busy || (kind !== "passkey" && typed.trim() === "")}
            >
              {busy ? "Opening…" : "Come back"}
            </button>
          </div>
        </>
      )}
      <Back onBack={onBack} />
    </form>
  );
}

function Nothing({ onBack }: { readonly onBack: () => void }): ReactElement {
  const { name } = usePerson();
  return (
    <div className="empty">
      <p className="empty-title">Then what was encrypted stays closed</p>
      <p>
        The keys were on {name}’s devices and in what {name} kept, and nowhere else. The server never had
        them, so nobody can give them back.
      </p>
      <p>
        Look again: an old phone or another browser is enough. Otherwise an application lets {name} begin
        anew, with an empty account that others accept only after comparing words. It never happens by itself,
        and in this demo it is the reset at the top.
      </p>
      <Back onBack={onBack} />
    </div>
  );
}
