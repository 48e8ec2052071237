/** What the demo's server tells the page before it begins. */

import type { LieName } from "../server/lies.js";

/** Names of the cast, which the demo's server gives. */
export type PersonName = "alice" | "bob" | "carol";

/** One of the cast. */
export interface PersonConfig {
  readonly name: PersonName;
  /** User id: the name, and after a reset a number. */
  readonly user: string;
  /** That person's line: where the application and Keyfold are reached. */
  readonly url: string;
  readonly online: boolean;
}

/** Answer of `GET /api/config`. */
export interface Config {
  /** The Keyfold server's public key: known beforehand, not asked of the server itself. */
  readonly serverKey: string;
  /** Counts resets. */
  readonly round: number;
  readonly people: readonly PersonConfig[];
  /** Whether the server can be made to lie. */
  readonly lies: boolean;
  /** The lie that is told right now. */
  readonly lying: Lying | null;
}

/** A lie, and to whom it is told. */
export interface Lying {
  readonly lie: LieName;
  readonly to: PersonName;
}

/** Asks for it. */
export async function loadConfig(): Promise<Config> {
  const answer = await fetch("/api/config");
  if (!answer.ok) throw new Error(`The demo's server answered ${answer.status}`);
  return (await answer.json()) as Config;
}

/** Tells the demo's server something. */
export async function tellDemo(path: string, body: unknown): Promise<void> {
  const answer = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`The demo's server answered ${answer.status}`);
}
