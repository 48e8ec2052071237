/** Who did what in a workspace: its signed ledger, verified from the first entry on, newest first. */

import type {
  AuditAction,
  AuditEntry,
  AuditGroup,
  AuditPrincipal,
  Keychain,
  PermissionFlags,
} from "@keyfold/client";
import { useAudit, useGroups } from "@keyfold/react";
import { type ReactElement, useId, useState } from "react";
import { save } from "./download.js";
import { clock } from "./format.js";
import { DownloadIcon, HistoryIcon, VerifiedIcon } from "./icons.js";
import { explain, useAct } from "./notices.js";
import { Avatar } from "./parts.js";
import { useNameOf, usePerson } from "./person.js";

/** A button, and what it opens. */
export function Timeline({ keychain }: { readonly keychain: Keychain }): ReactElement {
  const [open, setOpen] = useState(false);
  const id = useId();
  return (
    <div className="timeline">
      <button type="button" aria-expanded={open} aria-controls={id} onClick={() => setOpen(!open)}>
        <HistoryIcon /> Who did what
      </button>
      <div id={id} hidden={!open}>
        {open && <Entries keychain={keychain} />}
      </div>
    </div>
  );
}

function Entries({ keychain }: { readonly keychain: Keychain }): ReactElement {
  const { client } = usePerson();
  const { act, busy } = useAct();
  const { data, status, error } = useAudit(keychain.keychainFingerprint);
  // Whoever gets it verifies it alone: `keyfold audit history.kfaudit`.
  const download = async () => {
    save(new Blob([await client.audit.export(keychain.keychainFingerprint)]), "history.kfaudit");
  };
  return (
    <>
      {status === "loading" && <p className="nothing">Verifying every entry…</p>}
      {status === "failed" && (
        <p className="banner" role="alert">
          <strong>This could not be verified.</strong> {explain(error).detail}
        </p>
      )}
      {status === "ready" && (
        <div className="entries-head">
          <p className="verified">
            <VerifiedIcon /> Verified from the first entry on: every signature, and that it was allowed.
          </p>
          <button type="button" disabled={busy} onClick={() => void act("Exporting", download)}>
            <DownloadIcon /> For an auditor
          </button>
        </div>
      )}
      {data !== undefined && (
        <ol className="entries" aria-label="What happened, newest first" reversed tabIndex={0}>
          {[...data.entries].reverse().map((entry) => (
            <Entry key={entry.entryHash} entry={entry} />
          ))}
        </ol>
      )}
    </>
  );
}

function Entry({ entry }: { readonly entry: AuditEntry }): ReactElement {
  const nameOf = useNameOf();
  const teams = useGroups().data ?? [];
  const teamOf = ({ groupId }: AuditGroup) => {
    // Its name is sealed for those who are in it.
    const known = teams.find(({ groupFingerprint }) => groupFingerprint === groupId);
    return known === undefined ? "a team" : `the team ${known.name}`;
  };
  const name = (person: AuditPrincipal) =>
    person.groupId === null ? nameOf(person.userId ?? person.accountId) : teamOf(person);
  const author = name(entry.author);
  const { time, seq, actions, via } = entry;
  return (
    <li className="entry" value={seq}>
      <Avatar name={author} small />
      <span className="entry-words">
        <strong>{author}</strong> {actions.map((action) => words(action, name)).join(", and ")}
        {via[0] !== undefined && ` through ${teamOf(via[0])}`}
        <span className="hint">
          Entry {seq} · <time dateTime={time.toISOString()}>{clock(time.getTime())}</time>, as {author} claims
        </span>
      </span>
    </li>
  );
}

const MAY: Readonly<Record<keyof PermissionFlags, string>> = {
  allowSharing: "invite people",
  allowRotation: "make new keys",
  allowDeletion: "remove people",
  allowManagement: "change permissions",
};

function may(flags: PermissionFlags): string {
  const flagged = Object.entries(MAY).filter(([flag]) => flags[flag as keyof PermissionFlags]);
  return flagged.map(([, words]) => words).join(", ");
}

function words(action: AuditAction, name: (person: AuditPrincipal) => string): string {
  switch (action.kind) {
    case "genesis":
      return "made the workspace";
    case "share":
      return `invited ${action.to.map(name).join(", ")}`;
    case "accept":
      return "joined";
    case "decline":
      return "refused the invitation";
    case "leave":
      return "left";
    case "dropKey":
      return `gave up a copy of key ${action.keyNumber}`;
    case "cancelShare":
      return `withdrew the invitation of ${name(action.person)}`;
    case "expire":
      return `ended the time of ${name(action.person)}`;
    case "setPermissions": {
      const [granted, withdrawn] = [may(action.granted), may(action.withdrawn)];
      const changes = [granted && `allowed ${name(action.person)} to ${granted}`];
      changes.push(withdrawn && `no longer lets ${name(action.person)} ${withdrawn}`);
      return changes.filter((change) => change !== "").join(", and ");
    }
    case "rotate":
      return `made key ${action.keyNumber}`;
    case "ban":
      return `removed ${name(action.person)}`;
    case "propose":
    case "approve": {
      const { decision, person, decided } = action.proposal;
      const who = person === null ? "" : name(person);
      const wish = {
        addOwner: `${who} becomes an owner`,
        removeOwner: `${who} is no owner any more`,
        successor: "another workspace takes the place of this one",
      }[decision];
      const verb = action.kind === "propose" ? "proposed" : "approved";
      return decided ? `decided that ${wish}` : `${verb} that ${wish}`;
    }
    case "observe":
      return `took notice of what changed about ${name(action.person)}`;
    case "anchor":
      return "noted how far the files and tables are";
    // What only accounts do, and what is newer than this page.
    default:
      return "did something that this page has no words for";
  }
}
