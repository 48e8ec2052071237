/** The lies in plain words. What a client does about one is not written here: the page shows what it did. */

import type { LieName } from "../server/lies.js";

/** A lie as a person is offered it. */
export interface LieWords {
  readonly name: LieName;
  /** What the attacker does. */
  readonly title: string;
  /** What the attacker hopes for. `{victim}` and `{other}` are people. */
  readonly hope: string;
}

/** In the order in which they are shown. */
export const LIE_WORDS: readonly LieWords[] = [
  {
    name: "rollback",
    title: "Show an old state",
    hope: "{victim} sees the workspace as it was at first, and writes for people who have been removed since.",
  },
  {
    name: "two-histories",
    title: "Tell two stories",
    hope: "{victim} and {other} each see a history of their own, signed by the server, and never find out.",
  },
  {
    name: "impostor",
    title: "Swap an identity",
    hope: "{victim} takes the server's keys for {other}'s, and shares the next secret with the server.",
  },
  {
    name: "stranger",
    title: "Slip somebody in",
    hope: "A stranger makes the next key. Whatever {victim} writes from then on, the stranger reads.",
  },
  {
    name: "forgery",
    title: "Forge a signature",
    hope: "The stranger's key comes in the name of {other}, whom {victim} trusts.",
  },
  {
    name: "altered",
    title: "Change a byte",
    hope: "Notes and files that are sealed say something else, and {victim} believes it.",
  },
  {
    name: "replay",
    title: "Repeat old answers",
    hope: "Somebody on the wire, without any key, plays back what the server once signed, so {victim} misses what came since.",
  },
  {
    name: "silence",
    title: "Say nothing new",
    hope: "{victim} goes on with what was true a moment ago.",
  },
];
