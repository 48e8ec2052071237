/** People of a workspace: who is in it, what each may do, inviting, removing, and the key that all of them hold. */

import type { Keychain, OwnerProposal, Owners, Participant, PermissionFlags } from "@keyfold/client";
import { useIdentity, useOutgoingShares, useOwners, useParticipants } from "@keyfold/react";
import { type FormEvent, type ReactElement, useId, useState } from "react";
import { Trust } from "./compare.js";
import { clock } from "./format.js";
import { KeyIcon } from "./icons.js";
import { explain, useAct, useNotify } from "./notices.js";
import { Avatar, Confirm, Switch } from "./parts.js";
import { useNameOf, usePerson } from "./person.js";
import { Teams, teamOf } from "./teams.js";
import { Timeline } from "./timeline.js";

const PERMISSIONS: readonly { readonly flag: keyof PermissionFlags; readonly label: string }[] = [
  { flag: "allowSharing", label: "Invite people" },
  { flag: "allowRotation", label: "Make new keys" },
  { flag: "allowDeletion", label: "Remove people" },
  { flag: "allowManagement", label: "Change permissions" },
];

const NONE: PermissionFlags = {
  allowSharing: false,
  allowRotation: false,
  allowDeletion: false,
  allowManagement: false,
};

/** The list, and what can be done to it. */
export function Members(props: { readonly keychain: Keychain; readonly removed: boolean }): ReactElement {
  const { keychain, removed } = props;
  const { data, status, error } = useParticipants(keychain.keychainFingerprint, { pending: true });
  const owners = useOwners(keychain.keychainFingerprint).data;
  const members = data ?? [];
  if (removed) return <p className="nothing">Who is in it is only shown to those who are.</p>;
  return (
    <>
      {status === "loading" && <p className="nothing">Reading the signed list…</p>}
      {status === "failed" && data === undefined && <p className="nothing">{explain(error).detail}</p>}
      <Timeline keychain={keychain} />
      <ul className="cards" aria-label="People">
        {members.map((member) => (
          <Member key={member.accountId} member={member} keychain={keychain} owners={owners} />
        ))}
      </ul>
      {owners !== undefined && <Proposals owners={owners} />}
      <Invite keychain={keychain} members={members} />
      <Teams keychain={keychain} members={members} />
      <CurrentKey keychain={keychain} />
    </>
  );
}

function Member(props: {
  readonly member: Participant;
  readonly keychain: Keychain;
  readonly owners: Owners | undefined;
}): ReactElement {
  const { member, keychain, owners } = props;
  const { client, app } = usePerson();
  const nameOf = useNameOf();
  const me = useIdentity();
  const { act, busy } = useAct();
  const [asking, setAsking] = useState(false);
  const { keychainFingerprint: id, permissions: mine } = keychain;
  const name = nameOf(member.userId);
  const self = member.accountId === me?.accountId;
  // What somebody may do through a team is the team's to give, and who is in it is decided there.
  const team = teamOf(member);
  const change = (flag: keyof PermissionFlags, allowed: boolean) =>
    act("Changing the permission", () => client.setPermissions(member.userId, id, { [flag]: allowed }));
  const remove = () =>
    act(`Removing ${name}`, async () => {
      await client.banUser(member.former ? member.accountId : member.userId, id);
      await app.uninvite(id, member.userId);
    });
  return (
    <li className="card member">
      <div className="file-line">
        <Avatar name={name} small />
        <strong className="file-name">
          {name}
          {self && " (you)"}
        </strong>
        {member.owner && <span className="badge">Owner</span>}
        {team !== undefined && <span className="badge">Team {team}</span>}
        {!self && <Trust member={member} />}
        {member.state === "pending" && <span className="badge badge-waiting">Invited</span>}
        {member.state === "pending" && <CancelInvitation keychain={keychain} member={member} />}
        {!self &&
          !member.owner &&
          team === undefined &&
          member.state === "accepted" &&
          mine.allowDeletion && (
            <button type="button" className="danger-quiet" disabled={busy} onClick={() => setAsking(true)}>
              Remove
            </button>
          )}
        {!self && team === undefined && owners !== undefined && owners.owners.includes(me?.userId ?? "") && (
          <Ownership member={member} owners={owners} />
        )}
      </div>
      <fieldset className="permissions">
        <legend className="unseen">What {name} may do</legend>
        {PERMISSIONS.map(({ flag, label }) => (
          <Switch
            key={flag}
            label={label}
            checked={member.permissions[flag]}
            disabled={
              member.owner || team !== undefined || !mine.allowManagement || member.state === "pending"
            }
            onChange={(allowed) => change(flag, allowed)}
          />
        ))}
      </fieldset>
      {asking && (
        <Confirm
          title={`Remove ${name} from ${keychain.purpose}?`}
          confirm={`Remove ${name}`}
          onConfirm={() => void remove()}
          onClose={() => setAsking(false)}
        >
          <p>
            A new key is made in the same step, for everybody but {name}. What {name} could read until now
            stays readable to {name}: nobody can take back what was read.
          </p>
        </Confirm>
      )}
    </li>
  );
}

/** What an owner may want of somebody else: that he becomes an owner, or ceases to be one. */
function Ownership(props: { readonly member: Participant; readonly owners: Owners }): ReactElement | null {
  const { member, owners } = props;
  const { client } = usePerson();
  const nameOf = useNameOf();
  const { act, busy } = useAct();
  const { userId } = member;
  const isProposed = owners.proposals.some(({ subject }) => subject === userId);
  if (member.state === "pending" || isProposed) return null;
  const name = nameOf(userId);
  const keychain = owners.keychainFingerprint;
  const change = () =>
    member.owner
      ? act(`Proposing that ${name} is no owner`, () => client.removeOwner(userId, keychain))
      : act(`Making ${name} an owner`, () => client.addOwner(userId, keychain));
  return (
    <button type="button" disabled={busy} onClick={() => void change()}>
      {member.owner ? "Remove as owner" : "Make owner"}
    </button>
  );
}

/** What waits for more owners. */
function Proposals({ owners }: { readonly owners: Owners }): ReactElement | null {
  if (owners.proposals.length === 0) return null;
  return (
    <div className="proposals">
      <h3>Waiting for owners</h3>
      <p className="hint">
        {owners.quorum} of {owners.owners.length} owners decide. Nobody counts when it is about himself.
      </p>
      <ul className="cards" aria-label="Proposals">
        {owners.proposals.map((proposal) => (
          <OpenProposal key={proposal.id} proposal={proposal} owners={owners} />
        ))}
      </ul>
    </div>
  );
}

function OpenProposal(props: { readonly proposal: OwnerProposal; readonly owners: Owners }): ReactElement {
  const { proposal, owners } = props;
  const { client } = usePerson();
  const nameOf = useNameOf();
  const me = useIdentity()?.userId ?? "";
  const { act, busy } = useAct();
  const { decision, subject, approvals } = proposal;
  const wish = {
    addOwner: `${nameOf(subject)} becomes an owner`,
    removeOwner: `${nameOf(subject)} is no owner any more`,
    successor: "Another workspace takes the place of this one",
  }[decision];
  const counts =
    owners.owners.includes(me) && !approvals.includes(me) && !(decision === "removeOwner" && subject === me);
  const approve = () =>
    act("Approving", () => client.approveProposal(proposal.id, owners.keychainFingerprint));
  return (
    <li className="card file-line">
      <span className="file-name">
        {wish}
        <span className="hint"> Approved by {approvals.map((user) => nameOf(user)).join(", ")}.</span>
      </span>
      {counts && (
        <button type="button" disabled={busy} onClick={() => void approve()}>
          Approve
        </button>
      )}
    </li>
  );
}

function CancelInvitation(props: {
  readonly keychain: Keychain;
  readonly member: Participant;
}): ReactElement | null {
  const { keychainFingerprint: id } = props.keychain;
  const { userId } = props.member;
  const { client, app } = usePerson();
  const { act, busy } = useAct();
  const { data } = useOutgoingShares();
  const share = data?.find((one) => one.keychainFingerprint === id && one.userId === userId);
  if (share === undefined) return null;
  const cancel = () =>
    act("Cancelling the invitation", async () => {
      await client.deleteOutgoingSharedKey(userId, share.keyFingerprint);
      await app.uninvite(id, userId);
    });
  return (
    <button type="button" disabled={busy} onClick={() => void cancel()}>
      Cancel
    </button>
  );
}

function Invite(props: {
  readonly keychain: Keychain;
  readonly members: readonly Participant[];
}): ReactElement | null {
  const { keychain, members } = props;
  const { client, app, cast, user: self } = usePerson();
  const notify = useNotify();
  const { act, busy } = useAct();
  const [allowed, setAllowed] = useState(NONE);
  const [chosen, setChosen] = useState<string | null>(null);
  const id = useId();
  const others = cast.filter(({ user }) => user !== self && !members.some(({ userId }) => userId === user));
  const who = others.find(({ user }) => user === chosen) ?? others[0];
  if (who === undefined) return null;
  if (!keychain.permissions.allowSharing)
    return <p className="hint">You may not invite people to this workspace.</p>;
  const { keychainFingerprint } = keychain;
  const invite = (event: FormEvent) => {
    event.preventDefault();
    void act(`Inviting ${who.name}`, async () => {
      const identity = await client.getUserIdentity(who.user);
      if (identity === null) {
        const detail = `${who.name} has no account yet: continue as ${who.name} in a panel first.`;
        notify({ kind: "error", title: `${who.name} is not here yet`, detail, code: "UnknownUser" });
        return;
      }
      await client.shareCompleteKeychain(keychainFingerprint, identity, { permissions: allowed });
      await app.invite(keychainFingerprint, who.user);
      setAllowed(NONE);
    });
  };
  return (
    <form className="invite" onSubmit={invite}>
      <h3>Invite somebody</h3>
      <div className="row">
        <label className="unseen" htmlFor={id}>
          Whom
        </label>
        <select id={id} value={who.user} onChange={(event) => setChosen(event.target.value)}>
          {others.map(({ user, name }) => (
            <option key={user} value={user}>
              {name}
            </option>
          ))}
        </select>
        <button type="submit" className="primary" disabled={busy}>
          {busy ? "Inviting…" : "Invite"}
        </button>
      </div>
      <fieldset className="permissions">
        <legend>May also</legend>
        {PERMISSIONS.map(({ flag, label }) => (
          <Switch
            key={flag}
            label={label}
            checked={allowed[flag]}
            disabled={!keychain.permissions[flag]}
            onChange={(on) => setAllowed({ ...allowed, [flag]: on })}
          />
        ))}
      </fieldset>
    </form>
  );
}

function CurrentKey({ keychain }: { readonly keychain: Keychain }): ReactElement {
  const { client } = usePerson();
  const { act, busy } = useAct();
  const [key] = keychain.keys;
  return (
    <div className="key-line">
      <KeyIcon />
      <p>
        {key === undefined ? "No key" : `Key ${key.keyNumber}, made at ${clock(key.createdAt.getTime())}`}
        <span className="hint">
          What is written from now on is sealed under the newest key. Older ones still open.
        </span>
      </p>
      <button
        type="button"
        disabled={busy || !keychain.permissions.allowRotation}
        onClick={() => void act("Making a new key", () => client.rotateKey(keychain.keychainFingerprint))}
      >
        New key
      </button>
    </div>
  );
}
