/** One person's panel: who it is, the network switch, and what is behind signing in. */

import { KeyfoldProvider, useClientState, useEvent, useKeychains } from "@keyfold/react";
import { type ReactElement, useEffect, useRef, useState } from "react";
import { SignIn } from "./account.js";
import { type PersonName, tellDemo } from "./config.js";
import { SignOutIcon } from "./icons.js";
import { LockButton, Unlock } from "./lock.js";
import { Notices, useAct, useNotify } from "./notices.js";
import { Avatar, Switch } from "./parts.js";
import { type Person, PersonContext, useLive, useNameOf, usePerson } from "./person.js";
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
  return (
    <PersonContext.Provider value={person}>
      <KeyfoldProvider client={person.client}>
        <section className="panel person" data-person={person.name} aria-label={person.name}>
          <Notices>
            <Head {...rest} />
            <Arrivals />
            <div className="panel-body">
              {stopped !== null && (
                <p className="banner">
                  <strong>Your client stopped.</strong> What the server shows is not believed, and nothing is
                  written upon it. What you have stays. <code>{stopped}</code>
                </p>
              )}
              <Body />
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
}: Omit<PersonPanelProps, "person" | "stopped">): ReactElement {
  const { name, client } = usePerson();
  const { status, sync } = useClientState();
  const live = useLive();
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
          {!online ? "Offline" : connected ? "Connected" : "Connecting…"}
        </p>
      </div>
      <Switch label="Online" checked={online} disabled={busy} onChange={connect} />
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

function Body(): ReactElement {
  const { status } = useClientState();
  if (status === "loading") return <p className="nothing">Opening…</p>;
  if (status === "locked") return <Unlock />;
  return status === "out" ? <SignIn /> : <Workspaces />;
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
