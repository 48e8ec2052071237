// "Clean" of keychain-ledger.md, and whom a scope reaches through the groups that are.

import { citedState, type Scopes } from "../cited-scopes.ts";
import { currentKey, type Keychain, type MemberGroup, type Principal } from "../keychain-state.ts";

const DEEPEST = 8;

/** Groups in their cited states, each clean in the one before; whoever is a member of the last is reached. */
export type Path = readonly [Keychain, ...Keychain[]];

/** All paths from a scope through clean groups. */
export function* pathsFrom(scope: Keychain, scopes: Scopes): Generator<Path> {
  for (const group of cleanGroups(scope)) yield* pathsOn([citedState(scope, group, scopes)], scopes);
}

function* pathsOn(path: Path, scopes: Scopes): Generator<Path> {
  yield path;
  const last = lastOf(path);
  for (const group of cleanGroups(last)) yield* pathsOn([...path, citedState(last, group, scopes)], scopes);
}

/** The group at the end of a path. */
export function lastOf(path: Path): Keychain {
  return path.at(-1) ?? path[0];
}

/** The most exclusions that any of some scopes cites of somebody; -1 where none cites him. */
export function newestOf(principal: Principal, scopes: readonly Keychain[]): number {
  return Math.max(-1, ...scopes.map(({ cites }) => cites.get(principal)?.exclusions ?? -1));
}

/** What a scope holds of a member group, by the state that it cites and by its own bans and cites. */
export function judge(scope: Keychain, group: Principal, scopes: Scopes): MemberGroup {
  const cited = citedState(scope, group, scopes);
  const inner = [...cited.groups.values()].filter(({ clean }) => clean);
  const depth = 1 + Math.max(0, ...inner.map(({ depth }) => depth));
  const clean = !cited.needsRotation && depth <= DEEPEST && reachesNobodyOut(scope, cited, scopes);
  return { key: currentKey(cited), clean, depth };
}

/** Judges every member group anew. */
export function judgeAll(scope: Keychain, scopes: Scopes): void {
  for (const group of scope.groups.keys()) scope.groups.set(group, judge(scope, group, scopes));
}

/** The member groups to which keys are wrapped. */
export function cleanGroups({ groups }: Keychain): readonly Principal[] {
  return [...groups].filter(([, { clean }]) => clean).map(([group]) => group);
}

/** Nobody whom the scope banned, or of whom it knows an exclusion that the groups on the way do not. */
function reachesNobodyOut(scope: Keychain, cited: Keychain, scopes: Scopes): boolean {
  for (const path of pathsOn([cited], scopes)) {
    for (const member of lastOf(path).members.keys()) {
      if (scope.bans.has(member) || newestOf(member, [scope]) > newestOf(member, path)) return false;
    }
  }
  return true;
}
