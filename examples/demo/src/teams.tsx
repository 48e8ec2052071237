/** Teams, which are groups: making one, who is in it, and sharing a workspace with all of it at once. */

import type { Group, Keychain, Participant } from "@keyfold/client";
import { useGroups, useIdentity, useParticipants } from "@keyfold/react";
import { type FormEvent, type ReactElement, useId, useState } from "react";
import { TEAM } from "./format.js";
import { CloseIcon, PeopleIcon } from "./icons.js";
import { useAct, useNotify } from "./notices.js";
import { Avatar, Confirm } from "./parts.js";
import { useNameOf, usePerson } from "./person.js";

/** What a call of the client takes for a group. */
const PREFIX = "group:";

/** The name of the team through which somebody is in a workspace; `undefined` if he is a member himself. */
export function teamOf({ through }: Participant): string | undefined {
  return through[0]?.replace(PREFIX, "");
}

/** A team in the application's list of who shares with whom. */
function row({ groupFingerprint }: Group): string {
  return `${TEAM}${groupFingerprint}`;
}

/** One's teams, and what can be done with them. */
export function Teams(props: {
  readonly keychain: Keychain;
  readonly members: readonly Participant[];
}): ReactElement {
  const { keychain, members } = props;
  const teams = useGroups().data ?? [];
  return (
    <div className="invite" role="group" aria-label="Teams">
      <h3>Teams</h3>
      <p className="hint">
        Share with a team once: whoever comes later reads along, and whoever is put out reads nothing new.
      </p>
      <ul className="cards" aria-label="Your teams">
        {teams.map((team) => (
          <Team key={team.groupFingerprint} team={team} keychain={keychain} members={members} />
        ))}
      </ul>
      <NewTeam />
    </div>
  );
}

function Team(props: {
  readonly team: Group;
  readonly keychain: Keychain;
  readonly members: readonly Participant[];
}): ReactElement {
  const { team, keychain, members } = props;
  const { client, app } = usePerson();
  const { act, busy } = useAct();
  const id = `${PREFIX}${team.groupFingerprint}`;
  const people = useParticipants(id, { pending: true }).data ?? [];
  const isHere = members.some((member) => teamOf(member) === team.name);
  const others = people.some(({ userId }) => !members.some((member) => member.userId === userId));
  const share = () =>
    act(`Sharing with ${team.name}`, async () => {
      await client.shareCompleteKeychain(keychain.keychainFingerprint, team);
      await app.invite(keychain.keychainFingerprint, row(team));
    });
  return (
    <li className="card team" aria-label={team.name}>
      <div className="file-line">
        <PeopleIcon />
        <strong className="file-name">{team.name}</strong>
        {isHere && <span className="badge">In this workspace</span>}
        {others && keychain.permissions.allowSharing && (
          <button type="button" className="primary" disabled={busy} onClick={() => void share()}>
            {busy ? "Sharing…" : `Share ${keychain.purpose}`}
          </button>
        )}
      </div>
      <ul className="team-people" aria-label={`People in ${team.name}`}>
        {people.map((person) => (
          <TeamPerson key={person.accountId} person={person} team={team} />
        ))}
      </ul>
      {team.permissions.allowSharing && <AddToTeam team={team} people={people} />}
    </li>
  );
}

function TeamPerson(props: { readonly person: Participant; readonly team: Group }): ReactElement {
  const { person, team } = props;
  const { client, app } = usePerson();
  const me = useIdentity();
  const { act, busy } = useAct();
  const [asking, setAsking] = useState(false);
  const name = useNameOf()(person.userId);
  const isMe = person.accountId === me?.accountId;
  const remove = () =>
    act(`Removing ${name}`, async () => {
      await client.groups.remove(team, person);
      await app.uninvite(row(team), person.userId);
    });
  return (
    <li className="team-person">
      <Avatar name={name} small />
      <span>
        {name}
        {isMe && " (you)"}
      </span>
      {person.state === "pending" && <span className="badge badge-waiting">Invited</span>}
      {!isMe && !person.owner && team.permissions.allowDeletion && (
        <button
          type="button"
          className="icon-button"
          aria-label={`Remove ${name} from ${team.name}`}
          disabled={busy}
          onClick={() => setAsking(true)}
        >
          <CloseIcon />
        </button>
      )}
      {asking && (
        <Confirm
          title={`Remove ${name} from ${team.name}?`}
          confirm={`Remove ${name}`}
          onConfirm={() => void remove()}
          onClose={() => setAsking(false)}
        >
          <p>
            The team gets a new key, and so does every workspace that was shared with it. What {name} could
            read until now stays readable to {name}.
          </p>
        </Confirm>
      )}
    </li>
  );
}

function AddToTeam(props: {
  readonly team: Group;
  readonly people: readonly Participant[];
}): ReactElement | null {
  const { team, people } = props;
  const { client, app, cast } = usePerson();
  const notify = useNotify();
  const { act, busy } = useAct();
  const [chosen, setChosen] = useState<string | null>(null);
  const id = useId();
  const others = cast.filter(({ user }) => !people.some(({ userId }) => userId === user));
  const who = others.find(({ user }) => user === chosen) ?? others[0];
  if (who === undefined) return null;
  const add = (event: FormEvent) => {
    event.preventDefault();
    void act(`Adding ${who.name}`, async () => {
      const identity = await client.getUserIdentity(who.user);
      if (identity === null) {
        const detail = `${who.name} has no account yet: continue as ${who.name} in a panel first.`;
        notify({ kind: "error", title: `${who.name} is not here yet`, detail, code: "UnknownUser" });
        return;
      }
      await client.groups.add(team, identity);
      await app.invite(row(team), who.user);
    });
  };
  return (
    <form className="row" onSubmit={add}>
      <label className="unseen" htmlFor={id}>
        Whom to add to {team.name}
      </label>
      <select id={id} value={who.user} onChange={(event) => setChosen(event.target.value)}>
        {others.map(({ user, name }) => (
          <option key={user} value={user}>
            {name}
          </option>
        ))}
      </select>
      <button type="submit" disabled={busy}>
        {busy ? "Adding…" : "Add to team"}
      </button>
    </form>
  );
}

function NewTeam(): ReactElement {
  const { client } = usePerson();
  const { act, busy } = useAct();
  const [name, setName] = useState("");
  const id = useId();
  const create = (event: FormEvent) => {
    event.preventDefault();
    void act("Making the team", async () => {
      await client.groups.create(name.trim());
      setName("");
    });
  };
  return (
    <form className="row" onSubmit={create}>
      <label className="unseen" htmlFor={id}>
        Name of the team
      </label>
      <input
        id={id}
        value={name}
        maxLength={80}
        placeholder="Sailing crew"
        autoComplete="off"
        onChange={(event) => setName(event.target.value)}
      />
      <button type="submit" disabled={busy || name.trim() === ""}>
        {busy ? "Making keys…" : "New team"}
      </button>
    </form>
  );
}
