/** Numbers and times as people read them. */

const SIZES = ["B", "kB", "MB", "GB"];

/** 1234567 → "1.2 MB". */
export function bytes(count: number): string {
  let [size, unit] = [count, 0];
  while (size >= 1_000 && unit < SIZES.length - 1) [size, unit] = [size / 1_000, unit + 1];
  return `${unit === 0 || size >= 100 ? Math.round(size) : size.toFixed(1)} ${SIZES[unit] ?? ""}`;
}

const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const EXACT = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });

/** "14:05". */
export function clock(at: number): string {
  return CLOCK.format(at);
}

/** "14:05:09". */
export function exactClock(at: number): string {
  return EXACT.format(at);
}

/** The beginning of something long. */
export function beginning(text: string, characters: number): string {
  return text.length > characters ? `${text.slice(0, characters)}…` : text;
}

/** What the application writes in front of a team's fingerprint, so that its lists can tell teams from people. */
export const TEAM = "team.";

/** A workspace or a team as those know it who know no name of it. */
export function sealedName(id: string): string {
  return id.startsWith(TEAM)
    ? `team ${id.slice(TEAM.length, TEAM.length + 8)}`
    : `workspace ${id.slice(0, 8)}`;
}
