/**
 * Lies for show. Those of the Keyfold server are told by the evil server of `testing/`, which stands before the real
 * one and holds its key; those of the network and of the application's server are told here. Each is told to one person
 * only, and each is a real attack on a real client: nothing in the page knows what to expect.
 */

/** Every lie. The page says what they mean: `src/lie-list.ts`. */
export const LIES = [
  "rollback",
  "two-histories",
  "impostor",
  "stranger",
  "forgery",
  "altered",
  "replay",
  "silence",
] as const;
/** One of them. */
export type LieName = (typeof LIES)[number];

/** What a lie is about. */
export interface Subject {
  /** The `Host` by which its victim knows the server. */
  readonly host: string;
  /** Fingerprint of the keychain. */
  readonly workspace: string;
  /** User id of somebody else in it. */
  readonly other: string;
}

/** Somebody without any right here, whose device the operator has. */
const STRANGER = "stranger";

/** What the evil server is told to say; `null` for what is told elsewhere. */
function order(lie: LieName, { workspace: keychain, other }: Subject): object | null {
  switch (lie) {
    case "rollback":
      return { kind: "rollback", keychain };
    case "two-histories":
      return { kind: "other-head", keychain };
    case "impostor":
      return { kind: "identity-swap", user: other };
    case "stranger":
      return { kind: "inject-rotation", keychain, signer: STRANGER, author: STRANGER };
    case "forgery":
      return { kind: "inject-rotation", keychain, signer: STRANGER, author: other };
    case "silence":
      return { kind: "withhold", keychain };
    case "altered":
    case "replay":
      return null;
  }
}

/** Orders lies of the evil server, over its control port. */
export class Liar {
  #stranger: Promise<void> | null = null;

  constructor(private readonly control: URL) {}

  async tell(lie: LieName, subject: Subject): Promise<void> {
    if (lie === "stranger" || lie === "forgery") {
      this.#stranger ??= this.#order("person", { user: STRANGER });
      await this.#stranger;
    }
    const said = order(lie, subject);
    if (said !== null) await this.#order(`lie?${subject.host}`, said);
  }

  async beHonest(): Promise<void> {
    await this.#order("honest", {});
  }

  async #order(what: string, body: object): Promise<void> {
    const answer = await fetch(new URL(what, this.control), { method: "POST", body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`The evil server refused: ${await answer.text()}`);
  }
}
