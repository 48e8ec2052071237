/** The whole demo on one machine: the page's port, a line for each person, and what the pane in the middle is told. */

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Application, type Change, json, refuse, reply } from "./application.js";
import { Liar, LIES, type LieName } from "./lies.js";
import { Line, listen } from "./line.js";
import { Listeners } from "./listeners.js";
import { policy, sendPage } from "./page.js";
import { Refused, Rows } from "./rows.js";
import { Traffic } from "./traffic.js";

/** The cast. */
export const PEOPLE = ["alice", "bob", "carol"] as const;
/** One of them. */
export type PersonName = (typeof PEOPLE)[number];

/** How to start it. */
export interface DemoOptions {
  /** The Keyfold server. */
  readonly keyfold: URL;
  /** Its public key. */
  readonly key: string;
  /** Of the page; each person's is one more. 0: any that are free. */
  readonly port: number;
  /** Where rows and files are kept. */
  readonly data: string;
  /** Control port of the evil server, if `keyfold` is one: then people can be lied to. */
  readonly evil?: URL | undefined;
}

/** A lie that is told. */
export interface Lying {
  readonly lie: LieName;
  /** To whom. */
  readonly to: PersonName;
}

/** A demo that runs. */
export interface Demo {
  readonly url: string;
  close(): void;
}

interface Lie extends Lying {
  readonly workspace: string;
  readonly other: string;
}

/** Starts it. Resolves when it can be opened. */
export async function startDemo(options: DemoOptions): Promise<Demo> {
  const rows = await Rows.open(options.data);
  const [changes, watchers] = [new Listeners<Change>(), new Listeners()];
  const traffic = new Traffic(
    (passed) => watchers.tell({ type: "passed", passed }),
    (nodes) => watchers.tell({ type: "nodes", nodes }),
  );
  const stored = () => ({ type: "stored", rows: rows.all, invitations: rows.invitations });
  // The page's own addresses, known once it listens.
  const origins = new Set<string>();
  const told = () => watchers.tell(stored());
  const application = new Application(rows, changes, told, (origin) => origins.has(origin));

  const lines = new Map<PersonName, Line>();
  const urls: Partial<Record<PersonName, string>> = {};
  for (const [at, name] of PEOPLE.entries()) {
    // After a reset the accounts of before still exist on the Keyfold server, so people get new user ids.
    const user = () => (rows.round === 1 ? name : `${name}-${rows.round}`);
    const line = new Line(user, options.keyfold, traffic, application.answer);
    lines.set(name, line);
    const port = await line.listen(options.port === 0 ? 0 : options.port + 1 + at);
    urls[name] = `http://127.0.0.1:${port}`;
  }

  const folder = join(fileURLToPath(new URL(".", import.meta.url)), "..", "page");
  const security = policy(Object.values(urls));

  const people = () =>
    PEOPLE.map((name) => ({
      name,
      user: lines.get(name)?.user(),
      url: urls[name],
      online: lines.get(name)?.open,
    }));

  const liar = options.evil === undefined ? null : new Liar(options.evil);
  let lying: Lying | null = null;

  async function stopLying(): Promise<void> {
    application.deceive(null);
    for (const line of lines.values()) line.tape.plays = false;
    await liar?.beHonest();
    lying = null;
  }

  /** One lie at a time, to one person. */
  async function tell({ lie, to, workspace, other }: Lie): Promise<void> {
    const [line, url] = [lines.get(to), urls[to]];
    if (liar === null || line === undefined || url === undefined || !LIES.includes(lie)) {
      throw new Refused(404, "NotFound", "There is no such lie, or nobody to tell it");
    }
    await stopLying();
    await liar.tell(lie, { host: new URL(url).host, workspace, other });
    if (lie === "altered") application.deceive(line.user());
    line.tape.plays = lie === "replay";
    lying = { lie, to };
  }

  async function route(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = "GET", url = "/" } = incoming;
    switch (`${method} ${url}`) {
      case "GET /api/config":
        response.setHeader("Cache-Control", "no-store");
        return reply(response, 200, {
          serverKey: options.key,
          round: rows.round,
          people: people(),
          lies: liar !== null,
          lying,
        });
      case "GET /api/watch":
        return watchers.add(response, {
          ...stored(),
          type: "all",
          passed: traffic.newest,
          nodes: traffic.nodes,
        });
      case "POST /api/lines": {
        const { name, open } = (await json(incoming)) as { name?: PersonName; open?: boolean };
        const line = name === undefined ? undefined : lines.get(name);
        if (line === undefined) throw new Refused(404, "NotFound", "There is no such person");
        line.open = open === true;
        return reply(response, 200, {});
      }
      case "POST /api/lies":
        await tell((await json(incoming)) as Lie);
        return reply(response, 200, {});
      case "POST /api/truth":
        await stopLying();
        return reply(response, 200, {});
      case "POST /api/reset":
        await stopLying();
        await rows.reset();
        traffic.clear();
        for (const line of lines.values()) line.open = true;
        changes.tell({ type: "rows", rows: [] });
        watchers.tell({ ...stored(), type: "all", passed: [], nodes: [] });
        return reply(response, 200, {});
      default:
        if (method !== "GET") throw new Refused(405, "WrongMethod", "There is nothing here");
        return sendPage(folder, security, incoming, response);
    }
  }

  const server = createServer((incoming, response) => {
    // Neither another website, nor one whose name leads here, cuts lines and resets.
    const { origin, host = "" } = incoming.headers;
    if (!origins.has(`http://${host}`) || (origin !== undefined && !origins.has(origin))) {
      return refuse(response, new Refused(403, "NotAllowed", "Only the demo's own page may ask"));
    }
    route(incoming, response).catch((error: unknown) => {
      if (response.headersSent) response.destroy();
      else refuse(response, error);
    });
  });
  const port = await listen(server, options.port);
  for (const host of ["127.0.0.1", "localhost"]) origins.add(`http://${host}:${port}`);
  return {
    url: `http://127.0.0.1:${port}`,
    close() {
      for (const line of lines.values()) line.close();
      changes.close();
      watchers.close();
      server.close();
      server.closeAllConnections();
    },
  };
}
