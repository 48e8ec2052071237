/** The people of one scenario: clients that end with it. */

import type { Client, ClientConfig } from "@keyfold/client";
import { Liar, type LyingEnvironment, type LyingScenarios } from "../src/liar.ts";
import type { Environment, Scenario } from "../src/scenario.ts";

/** Everybody in a scenario. */
export class World {
  readonly #clients: Client[] = [];

  constructor(readonly environment: Environment) {}

  /** A client that nobody has signed up with. */
  client(name: string, config: Partial<ClientConfig> = {}): Client {
    const { Client, serverURL, serverKey, storage } = this.environment;
    const client = new Client({
      serverURL,
      serverSignaturePublicKey: serverKey,
      storage: storage(name),
      ...config,
    });
    this.#clients.push(client);
    return client;
  }

  /** Somebody who has signed up. */
  async person(userId: string, config: Partial<ClientConfig> = {}): Promise<Client> {
    const client = this.client(userId, config);
    await client.signup(userId);
    return client;
  }

  /** Ends every client. */
  close(): void {
    for (const client of this.#clients) client.close();
  }
}

/** A scenario whose clients end with it. */
export function scenario(run: (world: World) => Promise<void>): Scenario {
  return async (environment) => {
    const world = new World(environment);
    try {
      await run(world);
    } finally {
      world.close();
    }
  };
}

/** A scenario whose clients end with it, and whose server lies no more then: clients can say good-bye. */
export function lied(run: (world: World, liar: Liar) => Promise<void>): LyingScenarios[string] {
  return async (environment: LyingEnvironment) => {
    const [world, liar] = [new World(environment), new Liar(environment.control)];
    try {
      await run(world, liar);
    } finally {
      await liar.beHonest();
      world.close();
    }
  };
}
