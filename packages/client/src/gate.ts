/**
 * Coming in by the server's gate: signing up, asking to be let in, coming back. A token is shown as it was given; a
 * passkey is asked for when the server wants one and there is a page to ask in.
 */
import type { SigningUp } from "./engine/messages.js";
import { KeyfoldError } from "./error.js";
import type { Link } from "./link.js";

/** What the parts of a client need of the page. */
export interface Page {
  /** Whose devices were here when somebody last looked. */
  knownUsers(): readonly string[];
  /** Asks the browser to keep the records. */
  persist(): void;
}

/** What is shown at the gate. */
export interface Shown {
  readonly token: string | undefined;
  readonly passkey: string | undefined;
}

/** How somebody comes in. */
interface Coming {
  readonly token: string | undefined;
  /** Whether a passkey is made, or one that there is shown. */
  readonly makes: boolean;
  readonly signal: AbortSignal | undefined;
}

/** Does `work` as whom the gate takes one for. */
export async function atGate<T>(
  call: Link["call"],
  who: SigningUp,
  { token, makes, signal }: Coming,
  work: (shown: Shown) => Promise<T>,
): Promise<T> {
  try {
    return await work({ token, passkey: undefined });
  } catch (refusal) {
    const asksForMore = refusal instanceof KeyfoldError && refusal.code === "GateMismatch";
    if (!asksForMore || token !== undefined) throw refusal;
    const { hasPasskeys, makePasskey, showPasskey } = await import("./passkey.js");
    // What the server said stands if there is nothing to be done by a passkey, or not here.
    if (!hasPasskeys()) throw refusal;
    const options = await call("askForPasskey", { ...who, makes }, { signal });
    const shown = makes ? makePasskey(options, signal) : showPasskey(options, signal).then(unforgotten);
    const { answer, forget } = await shown.catch(async (declined: unknown) => {
      await call("abandonSignup", { userId: who.userId });
      throw declined;
    });
    return work({ token: undefined, passkey: answer }).catch(async (refused: unknown) => {
      // Another answer may be one that was lost, and then the passkey counts.
      if (refused instanceof KeyfoldError && refused.code === "UserTaken") await forget();
      throw refused;
    });
  }
}

/** One that was there before stays. */
function unforgotten(answer: string): { answer: string; forget: () => Promise<void> } {
  return { answer, forget: () => Promise.resolve() };
}
