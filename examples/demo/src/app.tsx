/** The page: two people, the server between them, and the few things that are about the whole. */

import { type ReactElement, useEffect, useState } from "react";
import { type Config, type PersonName, tellDemo } from "./config.js";
import { AutoIcon, MoonIcon, ResetIcon, SunIcon } from "./icons.js";
import { PersonPanel } from "./panel.js";
import { Confirm, Tabs } from "./parts.js";
import { makePeople, type Person } from "./person.js";
import { ServerPane } from "./server-pane.js";
import { applyTheme, nextTheme, storedTheme } from "./theme.js";

/** Whose client refuses what the server shows, and why. */
export interface Stopped {
  readonly name: PersonName;
  readonly code: string;
}

type Column = "left" | "server" | "right";

/** Properties of {@link App}. */
export interface AppProps {
  readonly config: Config;
  readonly people: ReturnType<typeof makePeople>;
}

/** Everything. */
export function App({ config, people }: AppProps): ReactElement {
  const [seats, setSeats] = useState<Record<"left" | "right", PersonName>>({ left: "alice", right: "bob" });
  const [column, setColumn] = useState<Column>("left");
  const [online, setOnline] = useState<Partial<Record<PersonName, boolean>>>(() =>
    Object.fromEntries(config.people.map((one) => [one.name, one.online])),
  );
  const [stopped, setStopped] = useState<Stopped | null>(null);
  const seat = (side: "left" | "right") => {
    const name = seats[side];
    const person = people.get(name);
    const other = seats[side === "left" ? "right" : "left"];
    const others = config.people.map((one) => one.name).filter((one) => one !== name && one !== other);
    return (
      <div id={`column-${side}`} className="column" data-chosen={column === side}>
        {person !== undefined && (
          <PersonPanel
            key={name}
            person={person}
            others={others}
            online={online[name] ?? true}
            stopped={stopped?.name === name ? stopped.code : null}
            onSwap={(next) => setSeats({ ...seats, [side]: next })}
            onOnline={(open) => setOnline((all) => ({ ...all, [name]: open }))}
          />
        )}
      </div>
    );
  };
  return (
    <>
      <Top people={[...people.values()]} />
      <main>
        <div className="narrow-tabs">
          <Tabs<Column>
            label="Whose view"
            base="column"
            chosen={column}
            onChoose={setColumn}
            tabs={[
              { id: "left", label: seats.left },
              { id: "server", label: "server" },
              { id: "right", label: seats.right },
            ]}
          />
        </div>
        {seat("left")}
        <div id="column-server" className="column" data-chosen={column === "server"}>
          <ServerPane config={config} people={people} onStopped={setStopped} />
        </div>
        {seat("right")}
      </main>
    </>
  );
}

function Top({ people }: { readonly people: readonly Person[] }): ReactElement {
  const [theme, setTheme] = useState(storedTheme);
  const [asking, setAsking] = useState(false);
  useEffect(() => applyTheme(theme), [theme]);
  const reset = async () => {
    await tellDemo("/api/reset", {});
    // The devices of this round are no use in the next one.
    await Promise.allSettled(people.map(({ client }) => forget(client)));
    location.reload();
  };
  return (
    <header className="top">
      <img src="/icon.svg" alt="" width="28" height="28" />
      <h1>
        Keyfold <span>demo</span>
      </h1>
      <p>Two people share an encrypted workspace. The server between them cannot read it.</p>
      <button
        type="button"
        className="icon-button"
        aria-label={`Colours: ${theme}. Change`}
        onClick={() => setTheme(nextTheme(theme))}
      >
        {theme === "auto" ? <AutoIcon /> : theme === "light" ? <SunIcon /> : <MoonIcon />}
      </button>
      <button
        type="button"
        className="icon-button"
        aria-label="Reset the demo"
        onClick={() => setAsking(true)}
      >
        <ResetIcon />
      </button>
      {asking && (
        <Confirm
          title="Begin again?"
          confirm="Reset"
          onConfirm={() => void reset()}
          onClose={() => setAsking(false)}
        >
          <p>All rows and files go, and everybody gets a new account.</p>
        </Confirm>
      )}
    </header>
  );
}

async function forget(client: Person["client"]): Promise<void> {
  try {
    if (client.state.status === "in" || client.state.status === "locked")
      await client.logout({ forget: true });
  } finally {
    client.close();
  }
}
