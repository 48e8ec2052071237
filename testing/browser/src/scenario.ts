/** What a scenario is given. It may import this and `assert.ts`: nothing of Node, and nothing of a page. */

import type { Client, Storage } from "@keyfold/client";

/** The place that a scenario runs in. */
export interface Environment {
  /** The client of that place. */
  readonly Client: typeof Client;
  /** A server of the scenario's own. */
  readonly serverURL: string;
  /** Its public key. */
  readonly serverKey: string;
  /** A person's own place for records; the same name gives the same place again. */
  readonly storage: (person: string) => Storage;
}

/** Steps that fail by throwing. */
export type Scenario = (environment: Environment) => Promise<void>;

/** By title, as the run prints it. */
export type Scenarios = Readonly<Record<string, Scenario>>;
