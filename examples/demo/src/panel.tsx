/** One person's panel: who it is, the network switch, and what is behind signing in. */

import { KeyfoldProvider, useClientState, useDevices, useEvent, useKeychains } from "@keyfold/react";
import { type ReactElement, useEffect, useRef, useState } from "react";
import { SignIn } from "./account.js";
import { type PersonName, tellDemo } from "./config.js";
import { Asking, Devices } from "./devices.js";
import { DeviceIcon, SignOutIcon } from "./icons.js";
import { LockButton, Unlock } from "./lock.js";
import { Notices, explain, useAct, useNotify } from "./notices.js";
import { Avatar, Switch } from "./parts.js";
import { OutContext, type Person, PersonContext, useIsOut, useLive, useNameOf, usePerson } from "./person.js";
import { Recovery } from "./recovery.js";
import { Workspaces } from "./workspace.js";

/** Properties of {@link PersonPanel}. */
export interface PersonPanelProps {
  readonly person: Person;
  /** Who else could sit here. */
  readonly others: readonly PersonName[];
  readonly online: boolean;
  /** The code with which this person's client refuses what the server shows. */
  readonly stopped: string | null;
  readonly onSwap: (name: PersonName) => void;
  readonly onOnline: (online: boolean) => void;
}

/** The panel of one person. */
export function PersonPanel({ person, stopped, ...rest }: PersonPanelProps): ReactElement {
  const [own, setOwn] = useState(false);
  const [out, setOut] = useState(false);
  return (
    <PersonContext.Provider value={person}>
      <KeyfoldProvider client={person.client}>
        <section className="panel person" data-person={person.name} data-out={out} aria-label={person.name}>
          <Notices>
            <OutContext.Provider value={out}>
              <Head {...rest} own={own} onOwn={setOwn} />
            </OutContext.Provider>
            <Arrivals />
            <Ending onOut={setOut} />
            <div className="panel-body">
              {stopped !== null && (
                <p className="banner">
                  <strong>Your client stopped.</strong> What the server shows is not believed, and nothing is
                  written upon it. What you have stays. <code>{stopped}</code>
                </p>
              )}
              {out && <Out onForgotten={() => setOut(false)} />}
              <OutContext.Provider value={out}>
                <Body own={own && !out} />
              </OutContext.Provider>
            </div>
          </Notices>
        </section>
      </KeyfoldProvider>
    </PersonContext.Provider>
  );
}

function Head({
  others,
  online,
  onSwap,
  onOnline,
  own,
  onOwn,
}: Omit<PersonPanelProps, "person" | "stopped"> & {
  /** Whether devices and ways back are shown in place of workspaces. */
  readonly own: boolean;
  readonly onOwn: (own: boolean) => void;
}): ReactElement {
  const { name, client } = usePerson();
  const { status, sync } = useClientState();
  const live = useLive();
  const isOut = useIsOut();
  const { act, busy } = useAct();
  const [leaving, setLeaving] = useState(false);
  const connect = (open: boolean) =>
    act(open ? "Going online" : "Going offline", async () => {
      await tellDemo("/api/lines", { name, open });
      onOnline(open);
      // Not waiting for the next attempt of the connection: somebody just said that it works.
      if (open && status === "in") await client.sync();
    });
  const leave = async () => {
    setLeaving(true);
    await act("Signing out", () => client.logout());
    setLeaving(false);
  };
  const connected = live && (status !== "in" || sync === "online");
  return (
    <header className="panel-head">
      <Avatar name={name} />
      <div className="who-is-it">
        <h2 className="unseen">{name}</h2>
        <label className="unseen" htmlFor={`${name}-picker`}>
          Who sits here
        </label>
        <select
          id={`${name}-picker`}
          className="picker"
          value={name}
          onChange={(event) => onSwap(event.target.value as PersonName)}
        >
          {[name, ...others].map((one) => (
            <option key={one} value={one}>
              {one}
            </option>
          ))}
        </select>
        <p className="hint" data-connected={connected}>
          <span className="dot" aria-hidden="true" />
          {isOut
            ? "No device of this account"
            : !online
              ? "Offline"
              : connected
                ? "Connected"
                : "Connecting…"}
        </p>
      </div>
      <Switch label="Online" checked={online} disabled={busy} onChange={connect} />
      {status === "in" && !isOut && (
        <button
          type="button"
          className="icon-button"
          aria-label={`Devices and recovery of ${name}`}
          aria-pressed={own}
          onClick={() => onOwn(!own)}
        >
          <DeviceIcon />
        </button>
      )}
      {status === "in" && <LockButton />}
      {status === "in" && (
        <button
          type="button"
          className="icon-button"
          aria-label={`Sign out ${name}`}
          disabled={leaving}
          onClick={() => void leave()}
        >
          <SignOutIcon />
        </button>
      )}
    </header>
  );
}

function Body({ own }: { readonly own: boolean }): ReactElement {
  const { status } = useClientState();
  if (status === "loading") return <p className="nothing">Opening…</p>;
  if (status === "locked") return <Unlock />;
  if (status === "out") return <SignIn />;
  return (
    <>
      <Asking />
      {own && <Devices />}
      {own && <Recovery />}
      {/* Kept: what somebody was writing is there when he comes back. */}
      <div hidden={own}>
        <Workspaces />
      </div>
    </>
  );
}

/** Says what becomes of devices; and whether it is this one that is out. */
function Ending({ onOut }: { readonly onOut: (out: boolean) => void }): null {
  const { client } = usePerson();
  const notify = useNotify();
  const { error } = useDevices();
  // Where it was told before somebody looked.
  useEffect(() => {
    if (error !== undefined && explain(error).code === "UnknownDevice") onOut(true);
  }, [error, onOut]);
  useEvent("deviceRevoked", ({ deviceId }) => {
    if (deviceId === client.currentDeviceId) onOut(true);
    else notify({ kind: "arrival", title: "A device was taken out" });
  });
  useEvent("recoveryUsed", () =>
    notify({
      kind: "error",
      title: "Somebody came back into this account, or changed its ways back",
      detail:
        "If that was not you, make new ways back, remove the old ones, and take out devices you do not know.",
    }),
  );
  return null;
}

/** What a device shows that is out. */
function Out({ onForgotten }: { readonly onForgotten: () => void }): ReactElement {
  const { client, name } = usePerson();
  const { act, busy } = useAct();
  const forget = async () => {
    // The server does not know this device any more, and says so: it is gone from here nevertheless.
    await act("Removing", () => client.logout({ forget: true }).catch(() => undefined));
    onForgotten();
  };
  return (
    <section className="banner out" aria-label="This device is out">
      <p>
        <strong>This device was taken out of {name}’s account.</strong> What it had read before is still on
        it. Nothing new is: it is sealed under keys that this device never gets.
      </p>
      <button type="button" disabled={busy} onClick={() => void forget()}>
        Remove what is on it
      </button>
    </section>
  );
}

/** Says what arrives by itself. */
function Arrivals(): null {
  const { user } = usePerson();
  const nameOf = useNameOf();
  const notify = useNotify();
  const keychains = useKeychains();
  // Never forgotten: who was removed from a keychain is told its name once more.
  const purposes = useRef(new Map<string, string>());
  useEffect(() => {
    for (const one of keychains) purposes.current.set(one.keychainFingerprint, one.purpose);
  }, [keychains]);
  const purpose = (id: string) => purposes.current.get(id) ?? "a workspace";
  useEvent("keyReceived", ({ purpose, sharedBy }) =>
    notify({ kind: "arrival", title: `${nameOf(sharedBy)} shared “${purpose}” with you` }),
  );
  useEvent("keyRotated", ({ keychainFingerprint: id }) =>
    notify({ kind: "arrival", title: `“${purpose(id)}” has a new key` }),
  );
  useEvent("permissionsUpdated", ({ keychainFingerprint: id, userId }) => {
    if (userId === user) notify({ kind: "arrival", title: `What you may do in “${purpose(id)}” changed` });
  });
  useEvent("memberBanned", ({ keychainFingerprint: id, userId }) =>
    notify({
      kind: "arrival",
      title: userId === user ? `You were removed from “${purpose(id)}”` : `${nameOf(userId)} was removed`,
    }),
  );
  useEvent("identityChanged", ({ userId }) =>
    notify({
      kind: "error",
      title: `The server shows another identity of ${nameOf(userId)}`,
      detail: "Nothing is sent to this person any more.",
      code: "IdentityChanged",
    }),
  );
  useEvent("keychainStopped", ({ keychainFingerprint: id, code }) =>
    notify({
      kind: "error",
      title: `“${purpose(id)}” is left as it was`,
      detail: "What the server shows is not believed.",
      code,
    }),
  );
  return null;
}
