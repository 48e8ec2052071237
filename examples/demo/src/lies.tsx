/** The server as an attacker: one lie at a time, told to one person, and what that person's client did about it. */

import { type ReactElement, useId, useRef, useState } from "react";
import type { LieName } from "../server/lies.js";
import { type Lying, type PersonName, tellDemo } from "./config.js";
import { meet, NoScene, recover, type Scene, sceneOf, type Verdict } from "./deceived.js";
import { save } from "./download.js";
import { DownloadIcon, MaskIcon, VerifiedIcon } from "./icons.js";
import { LIE_WORDS } from "./lie-list.js";
import { explain } from "./notices.js";
import type { ServerPaneProps } from "./server-pane.js";

type Told = Lying & { readonly scene: Scene | null; readonly verdict: Verdict | null };

/** What is said last: before a lie, between two of them, and when one cannot be told. */
type Word =
  | { readonly kind: "problem"; readonly text: string }
  | { readonly kind: "recovered"; readonly name: PersonName; readonly seq: number };

/** The menu of lies. */
export function Lies({ config, people, onStopped }: ServerPaneProps): ReactElement {
  const [open, setOpen] = useState(config.lying !== null);
  const [to, setTo] = useState<PersonName>("bob");
  const [told, setTold] = useState<Told | null>(
    config.lying === null ? null : { ...config.lying, scene: null, verdict: null },
  );
  const [word, setWord] = useState<Word | null>(null);
  const [busy, setBusy] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const id = useId();
  const nameOf = (user: string) => config.people.find((one) => one.user === user)?.name ?? user;

  const work = async (does: () => Promise<void>) => {
    setBusy(true);
    try {
      await does();
    } catch (error) {
      setWord({ kind: "problem", text: explain(error).detail });
    } finally {
      setBusy(false);
    }
  };
  const tell = (lie: LieName) =>
    work(async () => {
      setWord(null);
      const victim = people.get(to);
      if (victim === undefined) throw new NoScene("There is no such person.");
      const scene = await sceneOf(victim, lie);
      const { other, workspace } = scene;
      await tellDemo("/api/lies", { lie, to, other, workspace: workspace.keychainFingerprint });
      setTold({ lie, to, scene, verdict: null });
      const verdict = await meet(lie, scene);
      setTold({ lie, to, scene, verdict });
      if (verdict.kind === "stopped") onStopped({ name: to, code: verdict.code });
    });
  const stop = () =>
    work(async () => {
      await tellDemo("/api/truth", {});
      const scene = told?.scene ?? null;
      setTold(null);
      onStopped(null);
      // Whoever loaded the page while it lied has nothing to compare with.
      if (scene !== null) setWord({ kind: "recovered", name: scene.victim.name, seq: await recover(scene) });
      button.current?.focus();
    });

  return (
    <section className="lies" aria-label="Lies" data-lying={told !== null}>
      <button
        ref={button}
        type="button"
        aria-expanded={open}
        aria-controls={id}
        onClick={() => setOpen(!open)}
      >
        <MaskIcon /> Let the server lie
      </button>
      <div id={id} hidden={!open}>
        {told === null ? (
          <Menu
            to={to}
            names={config.people.map(({ name }) => name)}
            busy={busy}
            onTo={setTo}
            onTell={tell}
          />
        ) : (
          <Lie told={told} nameOf={nameOf} />
        )}
        {told !== null && (
          <button type="button" className="primary" disabled={busy} onClick={() => void stop()}>
            Stop lying
          </button>
        )}
        <div role="status">{word !== null && <LastWord word={word} />}</div>
      </div>
    </section>
  );
}

/** Properties of {@link Menu}. */
interface MenuProps {
  readonly to: PersonName;
  readonly names: readonly PersonName[];
  readonly busy: boolean;
  readonly onTo: (name: PersonName) => void;
  readonly onTell: (lie: LieName) => Promise<void>;
}

function Menu({ to, names, busy, onTo, onTell }: MenuProps): ReactElement {
  const id = useId();
  const other = to === "alice" ? "bob" : "alice";
  return (
    <>
      <p className="hint">
        Real attacks by whoever runs the servers, and holds their signing key. See what the client does.
      </p>
      <p className="lies-to">
        <label htmlFor={id}>Lie to</label>
        <select id={id} value={to} onChange={(event) => onTo(event.target.value as PersonName)}>
          {names.map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </p>
      <ul className="lie-list" aria-label="What the server may try">
        {LIE_WORDS.map(({ name, title, hope }) => (
          <li key={name}>
            <button type="button" disabled={busy} onClick={() => void onTell(name)}>
              <strong>{title}</strong>
              <span>{fill(hope, to, other)}</span>
            </button>
          </li>
        ))}
      </ul>
    </>
  );
}

function Lie({ told, nameOf }: { readonly told: Told; nameOf(user: string): string }): ReactElement {
  const { lie, to, scene, verdict } = told;
  const words = LIE_WORDS.find(({ name }) => name === lie);
  const other = scene === null ? "somebody else" : nameOf(scene.other);
  return (
    <>
      <p className="lie-told">
        <strong>
          Lying to {to}: {words?.title.toLowerCase()}
        </strong>
        <span>The hope: {fill(words?.hope ?? "", to, other)}</span>
      </p>
      <div role="status">
        {verdict === null ? (
          <p className="hint">{to}'s client looks…</p>
        ) : (
          <Outcome to={to} verdict={verdict} />
        )}
      </div>
    </>
  );
}

function Outcome({ to, verdict }: { readonly to: PersonName; readonly verdict: Verdict }): ReactElement {
  if (verdict.kind === "unnoticed") {
    return (
      <p className="lie-outcome" data-outcome="unnoticed">
        <strong>
          {to}'s client goes on with entry {verdict.seq}, and cannot know of more.
        </strong>{" "}
        Nothing false is believed, and nothing new is seen: a server can always keep quiet. Whoever has seen
        more can show it, by comparing histories.
      </p>
    );
  }
  const { code, detail, evidence } = verdict;
  return (
    <div className="lie-outcome" data-outcome="stopped">
      <p>
        <VerifiedIcon /> <strong>{to}'s client stopped.</strong> <code>{code}</code>
      </p>
      <p>{sentence(detail)}</p>
      {evidence !== null && (
        <>
          <p>The server has signed two things that cannot both be true. That is a proof, for anybody:</p>
          <button type="button" onClick={() => save(evidence, "evidence.kfaudit")}>
            <DownloadIcon /> Download the evidence
          </button>
        </>
      )}
    </div>
  );
}

function LastWord({ word }: { readonly word: Word }): ReactElement {
  if (word.kind === "problem") return <p className="banner">{word.text}</p>;
  return (
    <p className="verified">
      <VerifiedIcon /> The truth again: {word.name}'s client went on by itself, up to entry {word.seq}.
    </p>
  );
}

function fill(hope: string, victim: string, other: string): string {
  return sentence(hope.replaceAll("{victim}", victim).replaceAll("{other}", other));
}

function sentence(words: string): string {
  return words.slice(0, 1).toUpperCase() + words.slice(1);
}
