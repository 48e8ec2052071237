/** What a client told: waiting for one event, or writing down all of them in order. */

import type { Client, ClientEvents } from "@keyfold/client";

/** How long an event may take, milliseconds. */
const PATIENCE = 30_000;

/**
 * The next event of a kind that fits. Listen first, then do what makes it come.
 *
 * @throws If there is none within 30 s.
 */
export function next<E extends keyof ClientEvents>(
  client: Client,
  event: E,
  fits: (payload: ClientEvents[E]) => boolean = () => true,
): Promise<ClientEvents[E]> {
  const coming = new Promise<ClientEvents[E]>((resolve, reject) => {
    const timer = setTimeout(() => {
      off();
      reject(new Error(`no ${event} within ${PATIENCE} ms`));
    }, PATIENCE);
    const off = client.on(event, (payload) => {
      if (!fits(payload)) return;
      clearTimeout(timer);
      off();
      resolve(payload);
    });
  });
  // Whoever fails before he waits for it must not leave a second failure that nobody hears.
  coming.catch(() => undefined);
  return coming;
}

const CHANGES = [
  "keychainUpdated",
  "keyReceived",
  "keyRotated",
  "permissionsUpdated",
  "memberBanned",
  "shareReceived",
] as const satisfies readonly (keyof ClientEvents)[];

/** Every event about keychains from now on, in order: its name, and the fingerprint that tells which. */
export function record(client: Client): { readonly events: string[]; readonly off: () => void } {
  const events: string[] = [];
  const offs = CHANGES.map((name) =>
    client.on(name, (payload) => {
      const which = "keyFingerprint" in payload ? payload.keyFingerprint : payload.keychainFingerprint;
      events.push(`${name} ${which}`);
    }),
  );
  const off = (): void => {
    for (const off of offs) off();
  };
  return { events, off };
}
