/** A client in one tab, driven from the test: calls by name, and what it told. */

import type { Client, ClientConfig, ClientEvents, ClientState } from "@keyfold/client";
import type { Page } from "playwright-core";
import type { Visitor } from "./harness/index.ts";

/** Where a tab's client is to find its server. */
export interface Server {
  readonly url: string;
  readonly key: string;
}

/** An event, and which person, keychain or key it is about. */
export type Told = `${keyof ClientEvents} ${string}`;

type MethodsOf<T> = {
  [M in keyof T]: T[M] extends (...args: never[]) => unknown ? M : never;
}[keyof T];

type Methods = MethodsOf<Client>;

/** The parts of a client that have calls of their own. */
type Parts = Pick<Client, "devices" | "recovery">;

type Answer<F> = F extends (...args: never[]) => infer R ? Awaited<R> : never;

/** One tab with one client. */
export class Tab {
  private constructor(
    readonly visitor: Visitor,
    readonly page: Page,
  ) {}

  /** Opens a tab, and makes a client in it. Nothing of it starts before the first call, or before `listen`. */
  static async open(visitor: Visitor, server: Server, config: Partial<ClientConfig> = {}): Promise<Tab> {
    const tab = new Tab(visitor, await visitor.tab());
    await tab.page.evaluate(
      ({ server, config }) => {
        globalThis.kept["client"] = new globalThis.keyfold.Client({
          serverURL: server.url,
          serverSignaturePublicKey: server.key,
          ...config,
        });
      },
      { server: { url: server.url, key: server.key }, config },
    );
    return tab;
  }

  /** Writes down every event from now on, and keeps the connection. */
  async listen(): Promise<void> {
    await this.page.evaluate(() => {
      const told: string[] = (globalThis.kept["told"] = []);
      const client = globalThis.kept["client"] as Client;
      const events = [
        "identityUpdated",
        "lockChanged",
        "keychainUpdated",
        "keyReceived",
        "keyRotated",
        "permissionsUpdated",
        "memberBanned",
        "deviceRequested",
        "deviceRevoked",
        "devicesUpdated",
        "recoveryUsed",
      ];
      for (const event of events as (keyof ClientEvents)[]) {
        client.on(event, (payload: unknown) => {
          const about = (payload ?? {}) as Record<string, string>;
          const { keyFingerprint, keychainFingerprint, userId, deviceId, recoveryId, accountId, locked } =
            about;
          const lock = locked === undefined ? undefined : locked ? "locked" : "unlocked";
          const whom = userId ?? deviceId ?? recoveryId ?? accountId ?? lock ?? "nobody";
          told.push(`${event} ${keyFingerprint ?? keychainFingerprint ?? whom}`);
        });
      }
    });
  }

  /** What was told since `listen`, in order. */
  told(): Promise<Told[]> {
    return this.page.evaluate(() => globalThis.kept["told"]);
  }

  /** The client's state. */
  state(): Promise<ClientState> {
    return this.page.evaluate(() => (globalThis.kept["client"] as Client).state);
  }

  /**
   * Calls a method.
   *
   * @throws An error with the code, message and hint of the client's.
   */
  call<M extends Methods>(method: M, ...args: unknown[]): Promise<Answer<Client[M]>> {
    return this.#called([method], args) as Promise<Answer<Client[M]>>;
  }

  /** Calls a method of a part, likewise. */
  ask<P extends keyof Parts, M extends MethodsOf<Parts[P]> & string>(
    part: P,
    method: M,
    ...args: unknown[]
  ): Promise<Answer<Parts[P][M]>> {
    return this.#called([part, method], args) as Promise<Answer<Parts[P][M]>>;
  }

  async #called(path: readonly string[], args: readonly unknown[]): Promise<unknown> {
    const outcome = await this.page.evaluate(
      async ({ path, args }) => {
        try {
          const names = [...path];
          const method = names.pop() ?? "";
          const owner = names.reduce((whole, part) => whole[part], globalThis.kept["client"]);
          return { value: await owner[method](...args) };
        } catch (error) {
          const { code, message, hint, retryable } = error as Record<string, unknown>;
          return { refused: { code: String(code), message: String(message), hint, retryable } };
        }
      },
      { path, args },
    );
    if (outcome.refused === undefined) return outcome.value;
    throw Object.assign(new Error(outcome.refused.message), outcome.refused);
  }
}
