/** People with real clients, and a count of what listens to each. */

import { Client, type ClientConfig, type ClientEvents } from "@keyfold/client";
import { afterAll, beforeAll } from "vitest";
import { Keyfold } from "../../../testing/browser/src/harness/keyfold.ts";

/** A client that says how many listen to it. */
export class CountedClient extends Client {
  listening = 0;

  override subscribe(callback: () => void): () => void {
    return this.#counted(super.subscribe(callback));
  }

  override on<E extends keyof ClientEvents>(
    event: E,
    callback: (payload: ClientEvents[E]) => void,
  ): () => void {
    return this.#counted(super.on(event, callback));
  }

  #counted(stop: () => void): () => void {
    this.listening += 1;
    return () => {
      this.listening -= 1;
      stop();
    };
  }
}

let keyfold: Keyfold;
const clients: CountedClient[] = [];
let signedUp = 0;

/** A server for the tests of a file. */
export function withServer(): void {
  beforeAll(async () => {
    keyfold = await Keyfold.start();
  });
  afterAll(async () => {
    for (const client of clients) client.close();
    await keyfold.remove();
  });
}

/** A device that nobody has signed up with. */
export function newcomer(config: Partial<ClientConfig> = {}): CountedClient {
  const client = new CountedClient({
    serverURL: keyfold.url,
    serverSignaturePublicKey: keyfold.key,
    ...config,
  });
  clients.push(client);
  return client;
}

/** Somebody new with an account, of this name and a number. */
export async function somebody(name: string, config: Partial<ClientConfig> = {}): Promise<CountedClient> {
  const client = newcomer(config);
  signedUp += 1;
  await client.signup(`${name}-${signedUp}`);
  return client;
}
