/** What a person's client does when it is lied to: it is asked for the truth as an application asks, and says why not. */

import type { Client, Keychain } from "@keyfold/client";
import type { LieName } from "../server/lies.js";
import type { Row } from "../server/rows.js";
import type { AppServer } from "./app-server.js";
import { explain } from "./notices.js";
import type { Person } from "./person.js";
import { contextOf } from "./sealed-row.js";

/** How it ended. */
export type Verdict =
  | {
      readonly kind: "stopped";
      readonly code: string;
      readonly detail: string;
      readonly evidence: Blob | null;
    }
  /** No error: up to which entry the ledger is known. */
  | { readonly kind: "unnoticed"; readonly seq: number };

/** Whom a lie is told, and what it is about. */
export interface Scene {
  readonly victim: Person;
  readonly workspace: Keychain;
  /** User id of somebody else in it. */
  readonly other: string;
}

/** Why somebody cannot be lied to at the moment. */
export class NoScene extends Error {}

/** The first workspace of somebody, and who else is in it. */
export async function sceneOf(victim: Person, lie: LieName): Promise<Scene> {
  const { client, app, name, user, cast } = victim;
  const [workspace] = client.state.keychains;
  if (client.state.status !== "in" || workspace === undefined) {
    throw new NoScene(`Sign ${name} in first, and let ${name} have a workspace.`);
  }
  const { keychainFingerprint: kc, purpose } = workspace;
  const people = await client.getParticipants(kc);
  const isOther = (userId: string) => userId !== user && cast.some((one) => one.user === userId);
  const other = people.find(({ userId }) => isOther(userId))?.userId;
  if (other === undefined) throw new NoScene(`Nobody but ${name} is in “${purpose}”. Share it first.`);
  if (lie === "altered" && notes(app, kc).length === 0) {
    throw new NoScene(`There is no note in “${purpose}” yet that could be altered.`);
  }
  return { victim, workspace, other };
}

/** Lets the client meet the lie. */
export async function meet(lie: LieName, { victim, workspace, other }: Scene): Promise<Verdict> {
  const { client, app } = victim;
  const kc = workspace.keychainFingerprint;
  try {
    if (lie === "impostor") await client.getUserIdentity(other);
    else if (lie === "altered") await opened(app, client, kc);
    else {
      // The first tells everybody who listens, the second says why.
      await client.sync().catch(() => undefined);
      await client.getParticipants(kc);
    }
  } catch (error) {
    const { code = "Error", detail } = explain(error);
    const proof = lie === "two-histories" ? await evidence(client, kc) : null;
    return { kind: "stopped", code, detail, evidence: proof };
  }
  return { kind: "unnoticed", seq: await known(client, kc) };
}

/** Lets it look again once it is told the truth. Resolves to the newest entry that it knows. */
export async function recover({ victim, workspace, other }: Scene): Promise<number> {
  const { client } = victim;
  await client.getUserIdentity(other);
  await client.sync();
  return known(client, workspace.keychainFingerprint);
}

async function known(client: Client, kc: string): Promise<number> {
  return (await client.audit.keychain(kc)).seq;
}

/** Proof for others that the server has contradicted itself. */
async function evidence(client: Client, kc: string): Promise<Blob | null> {
  try {
    return new Blob([await client.audit.evidence(kc)]);
  } catch {
    return null;
  }
}

/** Opens the notes as they come, until one does not open. */
async function opened(app: AppServer, client: Client, kc: string): Promise<never> {
  for (;;) {
    const changed = change(app);
    for (const row of notes(app, kc)) await client.decrypt(row.sealed, contextOf(row));
    await changed;
  }
}

function notes({ state }: AppServer, kc: string): readonly Row[] {
  return state.rows.filter((row) => row.workspace === kc && row.kind === "note");
}

function change(app: AppServer): Promise<void> {
  return new Promise((resolve) => {
    const stop = app.subscribe(() => {
      stop();
      resolve();
    });
  });
}
