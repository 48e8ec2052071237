/** A person's workspaces, which are keychains: choosing one, making one, and what is in the chosen one. */

import type { Keychain } from "@keyfold/client";
import { useKeychains, useParticipants } from "@keyfold/react";
import { type FormEvent, type ReactElement, useId, useState } from "react";
import { Expenses, useExpenseCount } from "./expenses.js";
import { Files, useFileCount } from "./files.js";
import { useFormer } from "./former.js";
import { AddIcon, CoinIcon, FileIcon, LockIcon, NoteIcon, PeopleIcon } from "./icons.js";
import { Members } from "./members.js";
import { useAct } from "./notices.js";
import { Notes } from "./notes.js";
import { Tabs } from "./parts.js";
import { useIsOut, useNameOf, usePerson, useRows } from "./person.js";

/** Everything behind signing in. */
export function Workspaces(): ReactElement {
  const { name } = usePerson();
  const keychains = useKeychains();
  const former = useFormer(keychains);
  const all = [...keychains, ...former];
  const [wanted, setWanted] = useState<string | null>(null);
  const [making, setMaking] = useState(false);
  const chosen = all.find((one) => one.keychainFingerprint === wanted) ?? all[0];
  const made = (keychainFingerprint: string) => {
    setWanted(keychainFingerprint);
    setMaking(false);
  };
  if (chosen === undefined) {
    return (
      <div className="empty">
        <LockIcon />
        <p className="empty-title">No workspace yet</p>
        <p>Make one, or wait: one that is shared with you appears here by itself.</p>
        <NewWorkspace onMade={made} />
      </div>
    );
  }
  return (
    <>
      <nav className="workspaces" aria-label={`Workspaces of ${name}`}>
        {all.map(({ keychainFingerprint, purpose }) => (
          <button
            key={keychainFingerprint}
            type="button"
            aria-current={keychainFingerprint === chosen.keychainFingerprint ? "true" : undefined}
            onClick={() => setWanted(keychainFingerprint)}
          >
            {purpose}
          </button>
        ))}
        <button type="button" aria-expanded={making} onClick={() => setMaking(!making)} className="quiet">
          <AddIcon /> New
        </button>
      </nav>
      {making && <NewWorkspace onMade={made} />}
      <Workspace key={chosen.keychainFingerprint} keychain={chosen} removed={former.includes(chosen)} />
    </>
  );
}

function NewWorkspace({ onMade }: { readonly onMade: (keychainFingerprint: string) => void }): ReactElement {
  const { client } = usePerson();
  const { busy, act } = useAct();
  const [name, setName] = useState("");
  const id = useId();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void act("Making the workspace", async () => {
      const { keychainFingerprint } = await client.createNewKeychain(name.trim(), "secretBox");
      onMade(keychainFingerprint);
    });
  };
  return (
    <form className="new-workspace" onSubmit={submit}>
      <label htmlFor={id}>Name of the workspace</label>
      <div className="row">
        <input
          id={id}
          value={name}
          maxLength={80}
          placeholder="Summer trip"
          autoComplete="off"
          onChange={(event) => setName(event.target.value)}
        />
        <button type="submit" className="primary" disabled={busy || name.trim() === ""}>
          Create
        </button>
      </div>
    </form>
  );
}

/** 100000 → "100K": what a tab has room for. */
const SHORT = new Intl.NumberFormat("en-GB", { notation: "compact" });

type Section = "notes" | "files" | "expenses" | "members";

function Workspace(props: { readonly keychain: Keychain; readonly removed: boolean }): ReactElement {
  const { keychain, removed } = props;
  const { keychainFingerprint: id, keys, sharedBy } = keychain;
  const { name } = usePerson();
  const nameOf = useNameOf();
  const writable = !useIsOut() && !removed;
  const [section, setSection] = useState<Section>("notes");
  const base = useId();
  const notes = useRows(id, "note").length;
  const files = useFileCount(id, !removed);
  const expenses = useExpenseCount(id, !removed);
  const participants = useParticipants(id, { pending: true });
  const label = (icon: ReactElement, words: string, count: number) => (
    <>
      {icon} {words} <span className="count">{SHORT.format(count)}</span>
    </>
  );
  return (
    <section className="workspace" aria-label={`${keychain.purpose}, as ${name} sees it`}>
      {keys[0] !== undefined && (
        <p className="facts">
          <span>{sharedBy === null ? "Made by you" : `Shared by ${nameOf(sharedBy)}`}</span>
          <span>
            Current key <strong>{keys[0].keyNumber}</strong>
          </span>
        </p>
      )}
      {removed && (
        <p className="banner">
          <strong>You were removed from this workspace.</strong> What you had before stays readable. Nothing
          new is: it is sealed under keys that you never get.
        </p>
      )}
      <Tabs<Section>
        label={`In ${keychain.purpose}`}
        base={base}
        chosen={section}
        onChoose={setSection}
        tabs={[
          { id: "notes", label: label(<NoteIcon />, "Notes", notes) },
          { id: "files", label: label(<FileIcon />, "Files", files) },
          { id: "expenses", label: label(<CoinIcon />, "Expenses", expenses) },
          {
            id: "members",
            label: label(<PeopleIcon />, "People", removed ? 0 : (participants.data?.length ?? 0)),
          },
        ]}
      />
      <div
        id={`${base}-notes`}
        role="tabpanel"
        aria-labelledby={`${base}-notes-tab`}
        hidden={section !== "notes"}
      >
        <Notes keychain={keychain} writable={writable} />
      </div>
      <div
        id={`${base}-files`}
        role="tabpanel"
        aria-labelledby={`${base}-files-tab`}
        hidden={section !== "files"}
      >
        {removed ? (
          <p className="nothing">Files are read from the server, which shows them to members only.</p>
        ) : (
          <Files keychain={keychain} writable={writable} />
        )}
      </div>
      <div
        id={`${base}-expenses`}
        role="tabpanel"
        aria-labelledby={`${base}-expenses-tab`}
        hidden={section !== "expenses"}
      >
        {removed ? (
          <p className="nothing">The table is read from the server, which shows it to members only.</p>
        ) : (
          <Expenses keychain={keychain} writable={writable} />
        )}
      </div>
      <div
        id={`${base}-members`}
        role="tabpanel"
        aria-labelledby={`${base}-members-tab`}
        hidden={section !== "members"}
      >
        <Members keychain={keychain} removed={removed} />
      </div>
    </section>
  );
}
