/** One of the cast: a Keyfold client with a storage of its own, and a connection to the application's server. */

import { Client } from "@keyfold/client";
import { createContext, useContext, useSyncExternalStore } from "react";
import type { Row } from "../server/rows.js";
import { AppServer } from "./app-server.js";
import type { Config, PersonConfig, PersonName } from "./config.js";

/** A person in this page. */
export interface Person {
  readonly name: PersonName;
  readonly user: string;
  readonly client: Client;
  readonly app: AppServer;
  /** All of the cast, for inviting and for showing names instead of user ids. */
  readonly cast: readonly PersonConfig[];
}

/** Makes the cast. Nothing is loaded or asked before somebody looks. */
export function makePeople({ serverKey, round, people }: Config): ReadonlyMap<PersonName, Person> {
  // One browser plays a person's further devices in windows of their own.
  const device = new URLSearchParams(location.search).get("device") ?? "1";
  const suffix = device === "1" ? "" : `-device-${device}`;
  const made = people.map(({ name, user, url }): [PersonName, Person] => {
    // Another server, or another round of the demo, is another world: its devices are others.
    const storage = `keyfold-demo-${serverKey.slice(0, 8)}-${round}-${name}${suffix}`;
    const client = new Client({ serverURL: url, serverSignaturePublicKey: serverKey, storage });
    return [name, { name, user, client, app: new AppServer(url), cast: people }];
  });
  return new Map(made);
}

/** Whose panel a component stands in. */
export const PersonContext = createContext<Person | null>(null);

/** Whose panel this is. */
export function usePerson(): Person {
  const person = useContext(PersonContext);
  if (person === null) throw new Error("usePerson: this component stands in nobody's panel");
  return person;
}

/** Whether this device was taken out of its account: then nothing is written on it. */
export const OutContext = createContext(false);

/** Whether this panel's device is out. */
export function useIsOut(): boolean {
  return useContext(OutContext);
}

/** How a user id is called in this page. */
export function useNameOf(): (userId: string) => string {
  const { cast } = usePerson();
  return (userId) => cast.find(({ user }) => user === userId)?.name ?? userId;
}

/** Whether the application's server is reached. */
export function useLive(): boolean {
  const { app } = usePerson();
  return useSyncExternalStore(app.subscribe, app.snapshot).live;
}

/** Rows of a workspace as the server has them: sealed. Newest first. */
export function useRows(workspace: string, kind: Row["kind"]): readonly Row[] {
  const { app } = usePerson();
  const { rows } = useSyncExternalStore(app.subscribe, app.snapshot);
  return rows.filter((row) => row.workspace === workspace && row.kind === kind).sort((a, b) => b.at - a.at);
}
