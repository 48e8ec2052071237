/** What the servers have: rows as they are stored, who invited whom, and every request that passed. */

import { type ReactElement, useEffect, useState } from "react";
import type { Nodes } from "../server/nodes.js";
import type { Invitation, Row } from "../server/rows.js";
import type { Passed } from "../server/traffic.js";
import type { Stopped } from "./app.js";
import type { Config } from "./config.js";
import { beginning, bytes, exactClock, sealedName, TEAM } from "./format.js";
import { Lies } from "./lies.js";
import type { makePeople } from "./person.js";

interface Seen {
  readonly rows: readonly Row[];
  readonly invitations: readonly Invitation[];
  readonly passed: readonly Passed[];
  readonly nodes: Nodes;
}

type Watched =
  | ({ readonly type: "all" } & Seen)
  | ({ readonly type: "stored" } & Omit<Seen, "passed" | "nodes">)
  | { readonly type: "nodes"; readonly nodes: Nodes }
  | { readonly type: "passed"; readonly passed: Passed };

const NOTHING: Seen = { rows: [], invitations: [], passed: [], nodes: [] };
/** Lines of the log that are shown. */
const SHOWN = 80;
const COUNT = new Intl.NumberFormat("en-GB");

function useSeen(): Seen {
  const [seen, setSeen] = useState(NOTHING);
  useEffect(() => {
    const source = new EventSource("/api/watch");
    source.onmessage = ({ data }: MessageEvent<string>) => {
      const watched = JSON.parse(data) as Watched;
      setSeen((before) => {
        if (watched.type === "all") return watched;
        if (watched.type === "stored")
          return { ...before, rows: watched.rows, invitations: watched.invitations };
        if (watched.type === "nodes") return { ...before, nodes: watched.nodes };
        return { ...before, passed: [...before.passed.slice(1 - SHOWN), watched.passed] };
      });
    };
    return () => source.close();
  }, []);
  return seen;
}

/** Properties of {@link ServerPane}. */
export interface ServerPaneProps {
  readonly config: Config;
  readonly people: ReturnType<typeof makePeople>;
  /** Told whose client refuses what the server shows, and when it does no more. */
  readonly onStopped: (stopped: Stopped | null) => void;
}

/** The pane in the middle. */
export function ServerPane({ config, people, onStopped }: ServerPaneProps): ReactElement {
  const { rows, invitations, passed, nodes } = useSeen();
  return (
    <section className="panel server" aria-labelledby="server-title">
      <header className="panel-head server-head">
        <div>
          <h2 id="server-title">What the server sees</h2>
          <p className="hint">Everything below is all there is on the other side.</p>
        </div>
      </header>
      <div className="panel-body" tabIndex={0} role="group" aria-labelledby="server-title">
        {config.lies && <Lies config={config} people={people} onStopped={onStopped} />}
        <h3>
          Stored rows <span className="count">{rows.length}</span>
        </h3>
        {rows.length === 0 && <p className="nothing">Nothing is stored yet.</p>}
        <ul className="stored" aria-label="Stored rows">
          {[...rows].reverse().map((row) => (
            <li key={row.id}>
              <p>
                <b>{row.kind}</b> {row.id.slice(0, 8)} <span>v{row.version}</span>{" "}
                <span className="who" data-person={nameIn(row.by)}>
                  {row.by}
                </span>{" "}
                <span>{exactClock(row.at)}</span> <span>{bytes(row.sealed.length)}</span>
              </p>
              <code>{beginning(row.sealed, 96)}</code>
            </li>
          ))}
        </ul>
        <SealedObjects nodes={nodes} />
        <h3>Who shares with whom</h3>
        {invitations.length === 0 && <p className="nothing">Nobody, so far.</p>}
        <ul className="stored" aria-label="Who shares with whom">
          {invitations.map(({ workspace, from, to, at }) => (
            <li key={workspace + to}>
              <p>
                <span className="who" data-person={nameIn(from)}>
                  {from}
                </span>{" "}
                →{" "}
                <span className="who" data-person={nameIn(to)}>
                  {to.startsWith(TEAM) ? sealedName(to) : to}
                </span>{" "}
                <span>{sealedName(workspace)}</span> <span>{exactClock(at)}</span>
              </p>
            </li>
          ))}
        </ul>
        <h3>
          Requests <span className="aside">newest first</span>
        </h3>
        <ol className="stored traffic" aria-label="Requests">
          {[...passed].reverse().map((one) => (
            <li key={one.seq}>
              <p>
                <span>{exactClock(one.at)}</span>{" "}
                <span className="who" data-person={nameIn(one.by)}>
                  {one.by}
                </span>{" "}
                <b>{meaning(one)}</b>
              </p>
              <p className="measures">
                <code>
                  {one.method} {short(one.path)}
                </code>
                <span>
                  {one.status === 0 ? "cut" : one.status} · ↑ {bytes(one.sent)} · ↓ {bytes(one.received)}
                </span>
              </p>
              {one.prefix !== "" && <code>{one.prefix}…</code>}
            </li>
          ))}
        </ol>
      </div>
      <footer className="server-foot">
        <p>
          <b>It learns</b> who, with whom, when, how often, and how much.
        </p>
        <p>
          <b>It never learns</b> names of workspaces, words, names of files, contents, amounts, keys.
        </p>
      </footer>
    </section>
  );
}

/** What files and tables of expenses are to the server: objects of some sizes, which say nothing of what they are. */
function SealedObjects({ nodes }: { readonly nodes: Nodes }): ReactElement | null {
  if (nodes.length === 0) return null;
  const total = nodes.reduce((sum, [, count]) => sum + count, 0);
  return (
    <>
      <h3>
        Sealed objects <span className="count">{COUNT.format(total)}</span>
        <span className="aside">
          {bytes(nodes.reduce((sum, [size, count]) => sum + size * count, 0))} put so far
        </span>
      </h3>
      <ul className="stored node-sizes" aria-label="Sealed objects">
        {nodes.map(([size, count]) => (
          <li key={size}>
            <b>{COUNT.format(count)}</b> of {COUNT.format(size)} bytes
          </li>
        ))}
      </ul>
    </>
  );
}

/** Whose colour: the user id without the number that a reset adds. */
function nameIn(user: string): string {
  return user.replace(/-\d+$/, "");
}

/** What an operator who knows the API makes of a request. */
const MEANINGS: readonly (readonly [RegExp, string])[] = [
  [/^POST \/v1\/accounts$/, "signs up"],
  [/^POST \/v1\/accounts\/lookup$/, "looks somebody up"],
  [/^POST \/v1\/accounts\/entries$/, "changes devices or ways back, signed"],
  [/^POST \/v1\/visits$/, "comes with a device that has no account"],
  [/^POST \/v1\/visits\/account$/, "reads the own account's public ledger"],
  [/^GET \/v1\/visits\/enrolment$/, "waits to be let in"],
  [/^POST \/v1\/enrolments$/, "asks to be let in"],
  [/^GET \/v1\/enrolments$/, "looks which devices ask"],
  [/^POST \/v1\/enrolments\/decline$/, "declines a device"],
  [/^POST \/v1\/recovery\/password$/, "sets a password, blinded"],
  [/^POST \/v1\/recovery\/password\/login$/, "tries a password, blinded"],
  [/^GET \/v1\/info$/, "asks for the server's key"],
  [/^POST \/v1\/sessions$/, "logs in"],
  [/^DELETE \/v1\/sessions$/, "logs out"],
  [/^POST \/v1\/scopes$/, "founds a keychain or a team"],
  [/^POST \/v1\/scopes\/[^/]+\/entries$/, "adds a signed entry, and wrapped keys"],
  [/^POST \/v1\/scopes\/[^/]+\/placed$/, "answers a share"],
  [/^GET \/v1\/scopes\/[^/]+\/wraps$/, "fetches wrapped keys"],
  [/^POST \/v1\/scopes\/[^/]+\/objects$/, "stores sealed objects"],
  [/^POST \/v1\/scopes\/[^/]+\/objects\/read$/, "fetches sealed objects"],
  [/^POST \/v1\/scopes\/[^/]+\/objects\/delete$/, "lets go of sealed objects"],
  [/^POST \/v1\/scopes\/[^/]+\/references\/read$/, "looks for a newer state of an index"],
  [/^POST \/v1\/scopes\/[^/]+\/references\/swap$/, "puts a new state of an index in place"],
  [/^(GET \/v1\/scopes|POST \/v1\/ledgers)$/, "asks for news"],
  [/^GET \/v1\/events$/, "listens for news"],
  [/^PUT \/app\/rows\//, "stores a row"],
  [/^DELETE \/app\/rows\//, "deletes a row"],
  [/^PUT \/app\/invitations\//, "lists an invitation"],
  [/^DELETE \/app\/invitations\//, "strikes an invitation"],
];

function meaning({ method, path }: Passed): string {
  return MEANINGS.find(([pattern]) => pattern.test(`${method} ${path}`))?.[1] ?? "asks";
}

/** A path with its ids shortened. */
function short(path: string): string {
  return path.replace(/[A-Za-z0-9_-]{20,}/g, (id) => `${id.slice(0, 6)}…`);
}
