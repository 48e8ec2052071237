/**
 * The tabs of one browser that share a store. One leads: it holds the connection, until it dies, and the browser
 * hands the lead on. Whoever changed something says so to the others, who read it from the store: no record crosses
 * the channel, and of secrets the key of an unlocked lock only, which nobody can read, as a `CryptoKey` that does not
 * say its bytes.
 */
import type { SyncState } from "../types.js";

/** What a tab does on behalf of the others' words. */
export interface TabHooks {
  /** Another tab changed the store. */
  changed(): void;
  /** The leading tab's connection came or went. */
  synced(state: SyncState): void;
  /** The leading tab took in new entries of these keychains, or of all. */
  looked(keychains: readonly string[] | undefined): void;
  /** The leading tab was told that an index has changed. */
  indexChanged(keychain: string, index: string): void;
  /** Another tab was told that the account has this device no more. */
  out(): void;
  /** Another tab wants to know the state of the connection, and the keys of open locks. */
  asked(): void;
  /** Another tab locks: this one does too, and what waits for a server must not keep it from that. */
  hurry(): void;
  /** Somebody is there, in another tab. */
  active(): void;
  /** Another tab has the key of this time of being unlocked. */
  unlocked(period: string, key: CryptoKey): void;
  /** This tab leads from now on. */
  lead(): void;
}

type Word =
  | { readonly type: "changed" }
  | { readonly type: "asked" }
  | { readonly type: "hurry" }
  | { readonly type: "out" }
  | { readonly type: "active" }
  | { readonly type: "unlocked"; readonly period: string; readonly key: CryptoKey }
  | { readonly type: "looked"; readonly keychains: readonly string[] | undefined }
  | { readonly type: "index"; readonly keychain: string; readonly index: string }
  | { readonly type: "synced"; readonly state: SyncState };

/** This tab among those of a store. */
export interface Tabs {
  changed(): void;
  looked(keychains: readonly string[] | undefined): void;
  indexChanged(keychain: string, index: string): void;
  synced(state: SyncState): void;
  hurry(): void;
  out(): void;
  active(): void;
  /** Asks the others how things stand. */
  ask(): void;
  /** Hands the key of a lock to the other tabs. Nobody can read it, and it does not outlive the last of them. */
  unlocked(period: string, key: CryptoKey): void;
  close(): void;
}

/** Joins the tabs of a store. With `mayLead` this one takes the lead when it is free. */
export function joinTabs(name: string, mayLead: boolean, hooks: TabHooks): Tabs {
  const channel = new BroadcastChannel(`keyfold:${name}`);
  channel.onmessage = ({ data }: MessageEvent<Word>) => {
    if (data.type === "changed") hooks.changed();
    else if (data.type === "synced") hooks.synced(data.state);
    else if (data.type === "looked") hooks.looked(data.keychains);
    else if (data.type === "index") hooks.indexChanged(data.keychain, data.index);
    else if (data.type === "hurry") hooks.hurry();
    else if (data.type === "out") hooks.out();
    else if (data.type === "active") hooks.active();
    else if (data.type === "unlocked") hooks.unlocked(data.period, data.key);
    else hooks.asked();
  };
  const say = (word: Word): void => channel.postMessage(word);
  const left = new AbortController();
  if (mayLead) {
    const hold = (): Promise<void> =>
      new Promise((resolve) => {
        left.signal.addEventListener("abort", () => resolve());
        hooks.lead();
      });
    // Rejects when it was left while it waited: then there is nothing to do.
    navigator.locks.request(`keyfold:${name}:leader`, { signal: left.signal }, hold).catch(() => undefined);
  }
  say({ type: "asked" });
  return {
    changed: () => say({ type: "changed" }),
    looked: (keychains) => say({ type: "looked", keychains }),
    indexChanged: (keychain, index) => say({ type: "index", keychain, index }),
    synced: (state) => say({ type: "synced", state }),
    hurry: () => say({ type: "hurry" }),
    out: () => say({ type: "out" }),
    active: () => say({ type: "active" }),
    ask: () => say({ type: "asked" }),
    unlocked: (period, key) => say({ type: "unlocked", period, key }),
    close: () => {
      left.abort();
      channel.close();
    },
  };
}

/** Nobody else has the store: one leads at once. */
export function alone(mayLead: boolean, hooks: TabHooks): Tabs {
  if (mayLead) queueMicrotask(() => hooks.lead());
  return {
    changed: () => undefined,
    looked: () => undefined,
    indexChanged: () => undefined,
    synced: () => undefined,
    hurry: () => undefined,
    out: () => undefined,
    active: () => undefined,
    ask: () => undefined,
    unlocked: () => undefined,
    close: () => undefined,
  };
}
