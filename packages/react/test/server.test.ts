import { Client } from "@keyfold/client";
import { createElement as h, type ReactNode, Suspense } from "react";
import { renderToString } from "react-dom/server";
import { expect, test } from "vitest";
import {
  KeyfoldProvider,
  useClient,
  useClientState,
  useDecrypted,
  useDeviceRequests,
  useDevices,
  useEncryptFile,
  useEvent,
  useKeychain,
  useOutgoingShares,
  useParticipants,
  useRecoveryStatus,
  useSuspenseDecrypted,
} from "../src/index.js";

// A port where nothing answers: rendering must not ask.
const client = new Client({ serverURL: "http://127.0.0.1:9", serverSignaturePublicKey: "A".repeat(43) });

function render(component: () => ReactNode): string {
  return renderToString(h(KeyfoldProvider, { client }, h(component)));
}

test("every hook renders on a server, to what a browser hydrates with, and asks nothing", () => {
  const before = client.state;
  const html = render(() => {
    useEvent("keyReceived", () => {});
    const { status } = useClientState();
    const uploads = useEncryptFile().uploads.length;
    const answers = [
      useParticipants("kc").status,
      useOutgoingShares().status,
      useDecrypted("kf1.", "kc").status,
      useDevices().status,
      useDeviceRequests().status,
      useRecoveryStatus().status,
    ];
    return [status, String(useKeychain("kc")), uploads, ...answers].join(" ");
  });
  expect(html).toBe("loading null 0 loading loading loading loading loading loading");
  expect(client.state).toBe(before);
  expect(client.state.status).toBe("loading");
});

test("a suspending hook leaves its fallback to the browser", () => {
  const Opened = () => String(useSuspenseDecrypted("kf1.", "kc").value);
  expect(render(() => h(Suspense, { fallback: "waiting" }, h(Opened)))).toContain("waiting");
});

test("a hook without a provider says what is missing", () => {
  const Lost = () => String(useClient());
  expect(() => renderToString(h(Lost))).toThrow("KeyfoldProvider");
});
