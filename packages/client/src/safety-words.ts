/**
 * Safety words: numbers of the WebAssembly as words that people say, and the other way round. The list is loaded when
 * somebody shows or reads words: most pages never do.
 */
import { KeyfoldError } from "./error.js";

/** Words that stand for these numbers, with a space between. */
export async function spelled(numbers: Iterable<number>): Promise<string> {
  const list = await words();
  return Array.from(numbers, (number) => list[number]).join(" ");
}

/**
 * What somebody was told, as the WebAssembly takes it: a URI or an account id as it is, words as their numbers, in
 * whatever case and with whatever spaces and commas they were typed.
 *
 * @throws `NotVerified` for a word that is not in the list
 */
export async function told(text: string): Promise<string | Uint16Array> {
  const trimmed = text.trim();
  if (trimmed.startsWith("keyfold:") || /^[\w-]{43}$/.test(trimmed)) return trimmed;
  const list = await words();
  const said = trimmed.toLowerCase().split(/[\s,]+/);
  return Uint16Array.from(said, (word) => {
    const number = list.indexOf(word);
    if (number >= 0) return number;
    throw new KeyfoldError(
      "NotVerified",
      `${JSON.stringify(word)} is none of the words that safety words are made of`,
      {
        hint: "Ask for that word again, letter by letter.",
      },
    );
  });
}

/**
 * A paper key's words as numbers, however they were typed.
 *
 * @throws `UnknownWord`
 */
export async function paperNumbers(text: string): Promise<Uint16Array<ArrayBuffer>> {
  const list = await words();
  const typed = text
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((word) => word !== "");
  return Uint16Array.from(typed, (word) => {
    const number = list.indexOf(word);
    if (number >= 0) return number;
    throw new KeyfoldError(
      "UnknownWord",
      `${JSON.stringify(word)} is none of the words that paper keys are made of`,
      {
        hint: "Look at that word on the paper again, letter by letter.",
      },
    );
  });
}

async function words(): Promise<readonly string[]> {
  return (await import("./wasm/words.js")).WORDS.split(" ");
}
