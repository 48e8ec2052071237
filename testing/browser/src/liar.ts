/** The evil server's control port: lies by name, and the traffic that it captured. Works in Node and in a page. */

import type { Environment } from "./scenario.ts";

/** A scenario's place, where the server lies when it is told to. */
export interface LyingEnvironment extends Environment {
  readonly control: string;
}

/** Scenarios against lies, by title. */
export type LyingScenarios = Readonly<Record<string, (environment: LyingEnvironment) => Promise<void>>>;

/** The lies and what each is about: `testing/src/lies/mod.rs` says what they do. */
export type Lie =
  | { readonly kind: "identity-swap" | "identity-fork" | "identity-old"; readonly user: string }
  | { readonly kind: "identity-of"; readonly user: string; readonly shown: string }
  | { readonly kind: "rollback" | "other-head" | "withhold"; readonly keychain: string }
  | {
      readonly kind: "inject-rotation";
      readonly keychain: string;
      readonly signer: string;
      readonly author: string;
      readonly cites?: "first" | "newest" | "newest-as-first";
    }
  | { readonly kind: "revoked-device"; readonly user: string }
  | { readonly kind: "other-ledger"; readonly keychain: string; readonly shown: string }
  | { readonly kind: "swapped-wraps"; readonly other: "number" | "recipient" | "scope" | "author" }
  | { readonly kind: "other-parts"; readonly shown: "flipped" | "swapped" | "missing" }
  | { readonly kind: "no-wraps" | "altered-wraps" | "old-state" | "down" | "fork" | "show-fork" }
  | {
      readonly kind: "error";
      readonly path: string;
      readonly status: number;
      readonly code: string;
      readonly signed: boolean;
    }
  | { readonly kind: "lost-reply"; readonly path: string }
  | { readonly kind: "foreign"; readonly form: "html" | "newer" | "garbage" };

/** A request as the evil server saw it. */
export interface Asked {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  /** Base64url. */
  readonly body: string;
  /** Whether it appends to a ledger or hands over wraps. */
  readonly writes: boolean;
}

/** Who orders lies. */
export class Liar {
  constructor(private readonly control: string) {}

  /** Tells it from now on, in place of any other. */
  async lie(lie: Lie): Promise<void> {
    await this.order("lie", lie);
  }

  /** Back to the truth. */
  async beHonest(): Promise<void> {
    await this.order("honest", {});
  }

  /** Signs up somebody with a native client, whose keys the liar can use. */
  async person(user: string): Promise<void> {
    await this.order("person", { user });
  }

  /** Lets such a person take in what arrived. */
  async sync(user: string): Promise<void> {
    await this.order("sync", { user });
  }

  /** Such a person's account goes on to its next generation, once. */
  async generation(user: string): Promise<void> {
    await this.order("generation", { user });
  }

  /** All requests so far. */
  async traffic(): Promise<readonly Asked[]> {
    const response = await fetch(`${this.control}/traffic`);
    return (await response.json()) as Asked[];
  }

  /** What was sent while this ran. */
  async sentDuring(work: () => Promise<void>): Promise<readonly Asked[]> {
    const before = (await this.traffic()).length;
    await work();
    return (await this.traffic()).slice(before);
  }

  private async order(what: string, body: object): Promise<void> {
    const response = await fetch(`${this.control}/${what}`, { method: "POST", body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`the evil server refused ${what}: ${await response.text()}`);
  }
}
