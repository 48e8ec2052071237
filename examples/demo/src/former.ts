/**
 * Workspaces that one was in: of this visit, and of earlier ones. A client lists those that one is in; the keys of the
 * others stay on the device, so what was written under them still opens.
 */

import type { Keychain } from "@keyfold/client";
import { useClient } from "@keyfold/react";
import { useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import { explain } from "./notices.js";
import { usePerson } from "./person.js";

/** A workspace of an earlier visit: what it was called, only its members are told. */
function ended(keychainFingerprint: string): Keychain {
  return {
    keychainFingerprint,
    purpose: "A former workspace",
    algorithm: "secretBox",
    permissions: { allowSharing: false, allowRotation: false, allowDeletion: false, allowManagement: false },
    readOnly: true,
    follows: false,
    needsRotation: false,
    sharedBy: null,
    sharedByVerified: false,
    keys: [],
  };
}

/** Those that one was in and is not any more, himself or through a team. */
export function useFormer(keychains: readonly Keychain[]): readonly Keychain[] {
  const [last, setLast] = useState(keychains);
  const [gone, setGone] = useState<readonly Keychain[]>([]);
  const earlier = useEarlier(keychains);
  const isIn = ({ keychainFingerprint: id }: Keychain) =>
    keychains.some((one) => one.keychainFingerprint === id);
  // As they were when they were seen last; in the render that misses them, so that no other one takes their place.
  if (last !== keychains) {
    setLast(keychains);
    setGone([...last, ...gone].filter((one) => !isIn(one)));
  }
  return [...gone, ...earlier].filter(
    (one, at, all) => !isIn(one) && all.findIndex((other) => same(one, other)) === at,
  );
}

function same(one: Keychain, other: Keychain): boolean {
  return one.keychainFingerprint === other.keychainFingerprint;
}

/** Those of earlier visits: whoever was in one is shown its history up to his end, and nobody else is. */
function useEarlier(keychains: readonly Keychain[]): readonly Keychain[] {
  const client = useClient();
  const workspaces = useWorkspacesOfRows();
  const asked = useRef(new Set<string>());
  const [found, setFound] = useState<readonly Keychain[]>([]);
  useEffect(() => {
    for (const { keychainFingerprint } of keychains) asked.current.add(keychainFingerprint);
    for (const id of workspaces) {
      if (asked.current.has(id)) continue;
      asked.current.add(id);
      client.audit.keychain(id).then(
        () => setFound((all) => [...all, ended(id)]),
        (error: unknown) => {
          // Whoever was offline asks again.
          if (explain(error).code !== "UnknownKeychain") asked.current.delete(id);
        },
      );
    }
  }, [client, keychains, workspaces]);
  return found;
}

/** The workspaces of all rows: the demo's server hands every row to everybody. */
function useWorkspacesOfRows(): readonly string[] {
  const { app } = usePerson();
  const { rows } = useSyncExternalStore(app.subscribe, app.snapshot);
  const all = [...new Set(rows.map(({ workspace }) => workspace))].sort().join(" ");
  return useMemo(() => all.split(" ").filter((id) => id !== ""), [all]);
}
