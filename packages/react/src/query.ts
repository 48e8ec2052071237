/**
 * Questions that take time: asked once however many components want the answer, asked again when an event says that
 * it may be another. Apart from the hooks, because one cache serves all components of a client.
 */

import type { Client } from "@keyfold/client";
import { useMemo, useSyncExternalStore } from "react";
import { useClient } from "./provider.js";

/** How an answer stands. A failed one keeps the answer before it, if there was one. */
export type Query<T> =
  | { readonly status: "loading"; readonly data: undefined; readonly error: undefined }
  | { readonly status: "ready"; readonly data: T; readonly error: undefined }
  | { readonly status: "failed"; readonly data: T | undefined; readonly error: Error };

/** What to ask, and when to ask again. */
export interface Question<T> {
  /** Equal questions have equal keys. */
  readonly key: string;
  /** Events of this keychain, and of groups, ask again; `null`: of any. */
  readonly keychain: string | null;
  /** Whether it is about one's own devices and ways back: then events about those ask again, and no others. */
  readonly own?: true;
  /** An index, `keychain/name`: then only what is written to it asks again. */
  readonly index?: string;
  /** Whether an answer that was given can become another. */
  readonly changes: boolean;
  ask(client: Client): Promise<T>;
}

const LOADING = Object.freeze({ status: "loading", data: undefined, error: undefined } as const);

/** How long an answer that nobody shows is kept, in milliseconds: long enough for a remount and for a suspension. */
const LINGER = 10_000;

/** One question and its answer. */
class Asked<T> {
  snapshot: Query<T> = LOADING;
  readonly listeners = new Set<() => void>();
  #running: Promise<void> | null = null;
  #again = false;
  #epoch = 0;
  #lingering: ReturnType<typeof setTimeout> | undefined;

  constructor(
    readonly question: Question<T>,
    private readonly client: Client,
    private readonly drop: () => void,
  ) {}

  /** Settles when an answer, or a failure, is there. */
  settled(): Promise<void> {
    return this.#running ?? this.refresh();
  }

  refresh(): Promise<void> {
    if (this.#running !== null) {
      this.#again = true;
      return this.#running;
    }
    this.#running = this.#ask().finally(() => {
      this.#running = null;
      if (this.listeners.size === 0) this.linger();
    });
    return this.#running;
  }

  /** Forgets the answer: it belonged to somebody who logged out. */
  forget(): void {
    this.#epoch += 1;
    this.#show(LOADING);
    if (this.listeners.size > 0) void this.refresh();
    else this.drop();
  }

  subscribe(listener: () => void): () => void {
    clearTimeout(this.#lingering);
    this.listeners.add(listener);
    if (this.snapshot.status !== "ready" && this.#running === null) void this.refresh();
    return () => {
      this.listeners.delete(listener);
      if (this.listeners.size === 0) this.linger();
    };
  }

  linger(): void {
    clearTimeout(this.#lingering);
    this.#lingering = setTimeout(() => {
      if (this.listeners.size === 0 && this.#running === null) this.drop();
    }, LINGER);
  }

  async #ask(): Promise<void> {
    do {
      this.#again = false;
      const epoch = this.#epoch;
      const next = await this.question.ask(this.client).then(
        (data): Query<T> => ({ status: "ready", data, error: undefined }),
        (error: unknown): Query<T> => ({ status: "failed", data: this.snapshot.data, error: asError(error) }),
      );
      // What was asked for somebody who logged out meanwhile is shown to nobody.
      if (epoch === this.#epoch) this.#show(next);
      else this.#again = this.listeners.size > 0;
    } while (this.#again);
  }

  #show(next: Query<T>): void {
    if (this.snapshot === next) return;
    this.snapshot = next;
    for (const listener of this.listeners) listener();
  }
}

/** All questions of one client. It listens to the client only while it holds any. */
class Answers {
  readonly #asked = new Map<string, Asked<unknown>>();
  #stop: (() => void) | null = null;

  constructor(private readonly client: Client) {}

  peek<T>(key: string): Query<T> {
    return (this.#asked.get(key)?.snapshot ?? LOADING) as Query<T>;
  }

  of<T>(question: Question<T>): Asked<T> {
    const known = this.#asked.get(question.key);
    // A key names its question, and with it the type of the answer.
    if (known !== undefined) return known as Asked<T>;
    const asked: Asked<T> = new Asked(question, this.client, () => {
      // Who is dropped late may have been asked anew by somebody else meanwhile.
      if (this.#asked.get(question.key) === asked) this.#drop(question.key);
    });
    this.#asked.set(question.key, asked as Asked<unknown>);
    this.#stop ??= this.#listen();
    return asked;
  }

  #drop(key: string): void {
    this.#asked.delete(key);
    if (this.#asked.size > 0) return;
    this.#stop?.();
    this.#stop = null;
  }

  #listen(): () => void {
    const changed = ({ keychainFingerprint }: { keychainFingerprint: string }) => {
      const { keychains } = this.client.state;
      // Of a group, say: who is in it is in all that was shared with it.
      const any = !keychains.some((known) => known.keychainFingerprint === keychainFingerprint);
      for (const asked of [...this.#asked.values()]) {
        const { keychain, changes, own, index } = asked.question;
        // An index that could not be read may be, with a key that came.
        if (own === true || (index !== undefined && asked.snapshot.status !== "failed")) continue;
        const concerned = any || keychain === null || keychain === keychainFingerprint;
        if (concerned && (changes || asked.snapshot.status !== "ready")) void asked.refresh();
      }
    };
    const devices = () => {
      for (const asked of [...this.#asked.values()]) if (asked.question.own === true) void asked.refresh();
    };
    const written = (keychain?: string) => {
      for (const asked of [...this.#asked.values()]) {
        const { index } = asked.question;
        if (index !== undefined && (keychain === undefined || index.startsWith(`${keychain}/`)))
          void asked.refresh();
      }
    };
    const stops = [
      this.client.on("indexChanged", ({ keychainFingerprint }) => written(keychainFingerprint)),
      // What happened while the line was down was not told.
      this.client.on("syncStateChanged", ({ state }) => {
        if (state === "online") written();
      }),
      this.client.on("deviceRequested", devices),
      this.client.on("deviceRevoked", devices),
      this.client.on("devicesUpdated", devices),
      this.client.on("recoveryUsed", devices),
      this.client.on("keychainUpdated", changed),
      this.client.on("keyReceived", changed),
      this.client.on("keyRotated", changed),
      this.client.on("participantsUpdated", changed),
      this.client.on("permissionsUpdated", changed),
      this.client.on("memberBanned", changed),
      this.client.on("groupUpdated", ({ groupFingerprint }) =>
        changed({ keychainFingerprint: groupFingerprint }),
      ),
      this.client.on("identityUpdated", () => {
        for (const asked of [...this.#asked.values()]) asked.forget();
      }),
    ];
    return () => {
      for (const stop of stops) stop();
    };
  }
}

const ANSWERS = new WeakMap<Client, Answers>();

function answersOf(client: Client): Answers {
  let answers = ANSWERS.get(client);
  if (answers === undefined) {
    answers = new Answers(client);
    ANSWERS.set(client, answers);
  }
  return answers;
}

/** The answer as it stands. Nothing is asked while rendering, so a server asks nothing. `null` asks nothing at all. */
export function useQuery<T>(question: Question<T> | null): Query<T> {
  const client = useClient();
  const key = question?.key ?? null;
  // The key stands for the question: equal keys ask the same.
  const source = useMemo(
    () => ({
      subscribe: (changed: () => void) =>
        question === null ? () => {} : answersOf(client).of(question).subscribe(changed),
      snapshot: () => (key === null ? LOADING : answersOf(client).peek<T>(key)),
    }),
    [client, key],
  );
  return useSyncExternalStore(source.subscribe, source.snapshot, () => LOADING);
}

/** The answer itself: suspends until it is there, and throws what asking failed with. */
export function useSuspendedQuery<T>(question: Question<T>): T {
  const client = useClient();
  const query = useQuery(question);
  if (query.status !== "loading" && query.data !== undefined) return query.data;
  if (query.status === "ready") return query.data;
  if (query.status === "failed") throw query.error;
  // A server has no keys, so it could wait forever. It leaves the boundary's fallback to the browser instead.
  if (typeof document === "undefined")
    throw new Error("A suspending hook of @keyfold/react renders in browsers only");
  throw answersOf(client).of(question).settled();
}

/** Something thrown as what it mostly is already. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
