/**
 * The application's own server, as one person's page reaches it: rows that arrive by themselves. There
 * is no Keyfold in here: it moves texts that others sealed.
 */

import type { Row } from "../server/rows.js";

/** What the server refused, or that it was not reached: the same shape as Keyfold's own errors. */
export class AppError extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly hint?: string,
    /** With `Conflict`: the row that stands. */
    readonly row?: Row,
  ) {
    super(message);
  }
}

type Change =
  | { readonly type: "rows"; readonly rows: readonly Row[] }
  | { readonly type: "put"; readonly row: Row }
  | { readonly type: "removed"; readonly id: string };

/** What is known of the rows. The same object until something changed. */
export interface RowsState {
  /** Whether changes arrive at the moment. */
  readonly live: boolean;
  readonly rows: readonly Row[];
}

/** One person's connection. */
export class AppServer {
  state: RowsState = { live: false, rows: [] };
  readonly #listeners = new Set<() => void>();
  #source: EventSource | null = null;

  constructor(private readonly url: string) {}

  /** Changes arrive while anybody listens. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    this.#source ??= this.#listen();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      this.#source?.close();
      this.#source = null;
    };
  };

  readonly snapshot = (): RowsState => this.state;

  /** Stores a row as `version`; fails with `Conflict` if another one stands by then. */
  async put(row: Pick<Row, "id" | "kind" | "workspace" | "version" | "sealed">): Promise<Row> {
    const { id, sealed, kind, workspace, version } = row;
    const body = JSON.stringify({ sealed, kind, workspace, version });
    const stored = (await (await this.#ask("PUT", `rows/${id}`, body)).json()) as Row;
    this.#take({ type: "put", row: stored });
    return stored;
  }

  async remove(id: string): Promise<void> {
    await this.#ask("DELETE", `rows/${id}`);
    this.#take({ type: "removed", id });
  }

  async invite(workspace: string, user: string): Promise<void> {
    await this.#ask("PUT", `invitations/${workspace}/${user}`);
  }

  async uninvite(workspace: string, user: string): Promise<void> {
    await this.#ask("DELETE", `invitations/${workspace}/${user}`);
  }

  async #ask(method: string, path: string, body?: string): Promise<Response> {
    const headers: HeadersInit = body === undefined ? {} : { "Content-Type": "application/json" };
    const asked = fetch(`${this.url}/app/${path}`, {
      method,
      headers,
      ...(body === undefined ? {} : { body }),
    });
    const answer = await asked.catch(() => {
      throw unreachable();
    });
    if (answer.ok) return answer;
    const { code, message, row } = (await answer.json()) as {
      code: string;
      message: string;
      row: Row | null;
    };
    throw new AppError(code, message, undefined, row ?? undefined);
  }

  #listen(): EventSource {
    const source = new EventSource(`${this.url}/app/events`);
    source.onmessage = ({ data }: MessageEvent<string>) => this.#take(JSON.parse(data) as Change);
    source.onerror = () => {
      this.#show({ ...this.state, live: false });
      // A browser gives up on an address that refused it; people come back online.
      if (source.readyState === EventSource.CLOSED && this.#source === source) {
        setTimeout(() => {
          if (this.#source === source) this.#source = this.#listen();
        }, 500);
      }
    };
    return source;
  }

  #take(change: Change): void {
    const { rows } = this.state;
    if (change.type === "rows") return this.#show({ live: true, rows: change.rows });
    const id = change.type === "put" ? change.row.id : change.id;
    const others = rows.filter((row) => row.id !== id);
    if (change.type === "removed") return this.#show({ ...this.state, rows: others });
    // One's own answer and the word of it come in either order.
    const known = rows.find((row) => row.id === id);
    if (known === undefined || known.version <= change.row.version) {
      this.#show({ ...this.state, rows: [...others, change.row] });
    }
  }

  #show(state: RowsState): void {
    this.state = state;
    for (const listener of this.#listeners) listener();
  }
}

function unreachable(): AppError {
  return new AppError("Unreachable", "The server was not reached", "Go back online, and try again.");
}
