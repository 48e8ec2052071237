/** Reacting to what arrives, where a snapshot does not say enough: a notice, a sound, a line of a log. */

import type { ClientEvents } from "@keyfold/client";
import { useEffect, useRef } from "react";
import { useClient } from "./provider.js";

/** Calls back for each event while the component is mounted. The callback may be a new function each time. */
export function useEvent<E extends keyof ClientEvents>(
  event: E,
  callback: (payload: ClientEvents[E]) => void,
): void {
  const client = useClient();
  const latest = useRef(callback);
  // Declared first, so it runs first: the subscription below never calls a callback of an earlier rendering.
  useEffect(() => {
    latest.current = callback;
  });
  useEffect(() => client.on(event, (payload) => latest.current(payload)), [client, event]);
}
