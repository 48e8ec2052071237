import type { Keychain, KeyMetadata } from "@keyfold/client";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createElement as h, type ReactNode, Suspense } from "react";
import { describe, expect, test, vi } from "vitest";
import {
  KeyfoldProvider,
  useClientState,
  useDecrypted,
  useDeviceRequests,
  useDevices,
  useEncryptFile,
  useEvent,
  useGroups,
  useAudit,
  useIncomingShares,
  useIsLocked,
  useKeychain,
  useKeychains,
  useLock,
  useOutgoingShares,
  useOwners,
  useParticipants,
  useRecordCount,
  useRecords,
  usePermissions,
  useRecoveryStatus,
  useSuspenseDecrypted,
  useSuspenseDevices,
  useSuspenseParticipants,
  useUpload,
} from "../src/index.js";
import { draw } from "./page.js";
import { type CountedClient, newcomer, somebody, withServer } from "./people.js";

withServer();

const PATIENCE = { timeout: 20_000, interval: 20 };

function under(client: CountedClient, component: () => ReactNode) {
  return draw(h(KeyfoldProvider, { client }, h(component)));
}

async function identityOf(asking: CountedClient, whom: CountedClient) {
  const identity = await asking.getUserIdentity(whom.publicIdentity?.userId ?? "");
  if (identity === null) throw new Error("unknown");
  return identity;
}

describe("state", () => {
  test("a keychain that is shared appears by itself, and tells of itself once although effects run twice", async () => {
    const [alice, bob] = [await somebody("alice"), await somebody("bob")];
    const received: KeyMetadata[] = [];
    const drawn = await under(bob, () => {
      const keychains = useKeychains();
      useEvent("keyReceived", (key) => received.push(key));
      return keychains.map(({ purpose }) => purpose).join();
    });
    const { keychainFingerprint } = await alice.createNewKeychain("notes", "secretBox");
    await alice.shareMostRecentKey(keychainFingerprint, await identityOf(alice, bob));
    await vi.waitFor(() => expect(drawn.text()).toBe("notes"), PATIENCE);
    await vi.waitFor(() => expect(received).toHaveLength(1), PATIENCE);
    await bob.sync();
    expect(received).toHaveLength(1);
    drawn.unmount();
  });

  test("a lock is shown, and a locked device shows nothing else", async () => {
    const folder = await mkdtemp(join(tmpdir(), "keyfold-react-"));
    const alice = await somebody("alice", { storage: folder });
    const drawn = await under(alice, () => {
      const [locked, lock, keychains] = [useIsLocked(), useLock(), useKeychains()];
      return [locked ? "locked" : "open", lock?.method ?? "no lock", keychains.length].join();
    });
    await alice.createNewKeychain("notes", "secretBox");
    await vi.waitFor(() => expect(drawn.text()).toBe("open,no lock,1"), PATIENCE);
    await alice.setLock({ pin: "271828" });
    await vi.waitFor(() => expect(drawn.text()).toBe("open,pin,1"), PATIENCE);
    await alice.lock();
    await vi.waitFor(() => expect(drawn.text()).toBe("locked,pin,0"), PATIENCE);
    await alice.unlock({ pin: "271828" });
    await vi.waitFor(() => expect(drawn.text()).toBe("open,pin,1"), PATIENCE);
    drawn.unmount();
    alice.close();
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  });

  test("a share that waits is shown until it is declined", async () => {
    const [alice, bob] = [await somebody("alice"), await somebody("bob", { acceptShares: () => false })];
    const drawn = await under(
      bob,
      () =>
        `${useIncomingShares()
          .map(({ known }) => known)
          .join()}.`,
    );
    const { keychainFingerprint } = await alice.createNewKeychain("notes", "secretBox");
    await alice.shareMostRecentKey(keychainFingerprint, await identityOf(alice, bob));
    await vi.waitFor(() => expect(drawn.text()).toBe("false."), PATIENCE);
    await bob.declineShare(keychainFingerprint);
    await vi.waitFor(() => expect(drawn.text()).toBe("."), PATIENCE);
    drawn.unmount();
  });

  test("what was selected stays the same object until it changes", async () => {
    const alice = await somebody("alice");
    const { keychainFingerprint } = await alice.createNewKeychain("notes", "secretBox");
    const seen = new Set<Keychain | null>();
    let renders = 0;
    const drawn = await under(alice, () => {
      renders += 1;
      seen.add(useKeychain(keychainFingerprint));
      useClientState();
      return String(usePermissions(keychainFingerprint)?.allowSharing);
    });
    await vi.waitFor(() => expect(drawn.text()).toBe("true"), PATIENCE);
    expect(seen.size).toBe(1);
    expect(renders).toBeGreaterThan(0);
    drawn.unmount();
  });

  test("nothing listens after unmounting", async () => {
    const alice = await somebody("alice");
    const { keychainFingerprint } = await alice.createNewKeychain("notes", "secretBox");
    const sealed = await alice.encrypt("hello", keychainFingerprint);
    const drawn = await under(alice, () => {
      useEvent("keyReceived", () => {});
      useClientState();
      return useDecrypted(sealed, keychainFingerprint).status;
    });
    await vi.waitFor(() => expect(drawn.text()).toBe("ready"), PATIENCE);
    expect(alice.listening).toBeGreaterThan(0);
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      drawn.unmount();
      // Answers linger for a remount, and what keeps them up to date with them.
      await vi.advanceTimersByTimeAsync(60_000);
      expect(alice.listening).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe("questions", () => {
  test("participants and outgoing shares follow an invitation until it is answered", async () => {
    const [alice, bob] = [await somebody("alice"), await somebody("bob")];
    const { keychainFingerprint } = await alice.createNewKeychain("notes", "secretBox");
    const drawn = await under(alice, () => {
      const members = useParticipants(keychainFingerprint, { pending: true });
      const outgoing = useOutgoingShares();
      return `${members.data?.map(({ state }) => state).join() ?? "?"} ${outgoing.data?.length ?? "?"}`;
    });
    await vi.waitFor(() => expect(drawn.text()).toBe("accepted 0"), PATIENCE);
    await alice.shareMostRecentKey(keychainFingerprint, await identityOf(alice, bob));
    await vi.waitFor(() => expect(drawn.text()).toBe("accepted,accepted 0"), PATIENCE);
    drawn.unmount();
  });

  test("owners follow a proposal until it is approved", async () => {
    const [alice, bob] = [await somebody("alice"), await somebody("bob")];
    const { keychainFingerprint } = await alice.createNewKeychain("notes", "secretBox");
    await alice.shareMostRecentKey(keychainFingerprint, await identityOf(alice, bob));
    await vi.waitFor(() => expect(bob.keys[keychainFingerprint]).toBeDefined(), PATIENCE);
    const drawn = await under(bob, () => {
      const { data } = useOwners(keychainFingerprint);
      return `${data?.owners.length ?? "?"} ${data?.proposals.map(({ decision }) => decision).join() ?? "?"}`;
    });
    await vi.waitFor(() => expect(drawn.text()).toBe("1 "), PATIENCE);
    const { userId } = await identityOf(alice, bob);
    await alice.addOwner(userId, keychainFingerprint);
    await vi.waitFor(() => expect(drawn.text()).toBe("2 "), PATIENCE);
    await alice.removeOwner(userId, keychainFingerprint);
    await vi.waitFor(() => expect(drawn.text()).toBe("2 removeOwner"), PATIENCE);
    drawn.unmount();
  });

  test("who comes into a group, and leaves it, is shown in all that was shared with it", async () => {
    const [alice, bob] = [await somebody("alice"), await somebody("bob")];
    const team = await alice.groups.create("team");
    const { keychainFingerprint } = await alice.createNewKeychain("notes", "secretBox");
    await alice.shareCompleteKeychain(keychainFingerprint, team);
    const drawn = await under(alice, () => {
      const groups = useGroups().data?.map(({ name, memberCount }) => `${name} ${memberCount}`);
      const people = useParticipants(keychainFingerprint).data?.length;
      const members = useParticipants(`group:${team.groupFingerprint}`).data?.length;
      return `${groups?.join() ?? "?"}, ${people ?? "?"} and ${members ?? "?"}`;
    });
    const theirs = await under(bob, () => {
      const keychains = useKeychains();
      return `${useGroups().data?.length ?? "?"} and ${keychains.length}`;
    });
    await vi.waitFor(() => expect(drawn.text()).toBe("team 1, 1 and 1"), PATIENCE);
    const whom = await identityOf(alice, bob);
    await alice.groups.add(team, whom);
    await vi.waitFor(() => expect(drawn.text()).toBe("team 2, 2 and 2"), PATIENCE);
    await vi.waitFor(() => expect(theirs.text()).toBe("1 and 1"), PATIENCE);
    await alice.groups.remove(team, whom);
    await vi.waitFor(() => expect(drawn.text()).toBe("team 1, 1 and 1"), PATIENCE);
    await vi.waitFor(() => expect(theirs.text()).toBe("0 and 0"), PATIENCE);
    drawn.unmount();
    theirs.unmount();
  });

  test("devices, those that ask, and ways back are shown as they come, are named, and go, on every device", async () => {
    const alice = await somebody("alice");
    const userId = alice.publicIdentity?.userId ?? "";
    const shown = () => {
      const [devices, requests, recovery] = [useDevices(), useDeviceRequests(), useRecoveryStatus()];
      const names = devices.data?.map(({ label, isCurrent }) => `${label}${isCurrent ? "*" : ""}`).join();
      const ways = recovery.data?.methods.map(({ method }) => method).join();
      return `${names} ask:${requests.data?.length} back:${ways} missing:${recovery.data?.missing.join()}`;
    };
    const drawn = await under(alice, shown);
    const now = (text: string) => vi.waitFor(() => expect(drawn.text()).toBe(text), PATIENCE);
    await now("null* ask:0 back: missing:noRecovery,nothingOffline");
    await alice.devices.rename("laptop");
    await now("laptop* ask:0 back: missing:noRecovery,nothingOffline");
    const phone = newcomer();
    await phone.devices.request(userId, { label: "phone" });
    await now("laptop* ask:1 back: missing:noRecovery,nothingOffline");
    const [request] = await alice.devices.requests();
    await alice.devices.approve(request?.deviceId ?? "");
    await now("laptop*,phone ask:0 back: missing:noRecovery,nothingOffline");
    await phone.devices.approval();
    // What the other device does is shown here too.
    const { words } = await phone.recovery.paper();
    await now("laptop*,phone ask:0 back:paper missing:");
    const other = await under(phone, shown);
    await alice.devices.rename("old laptop");
    const onPhone = (text: string) => vi.waitFor(() => expect(other.text()).toBe(text), PATIENCE);
    await onPhone("old laptop,phone* ask:0 back:paper missing:");
    await alice.recovery.paper({ replaces: { paper: words } });
    await alice.devices.revoke("phone");
    // The way back that the phone had added is replaced, and stays.
    await now("old laptop* ask:0 back:paper missing:");
    drawn.unmount();
    other.unmount();
  });

  test("the suspending twin of devices shows the fallback, and then them", async () => {
    const alice = await somebody("alice");
    await alice.devices.rename("laptop");
    const drawn = await under(alice, () => {
      const Devices = () =>
        useSuspenseDevices()
          .map(({ label }) => label)
          .join();
      return h(Suspense, { fallback: "reading" }, h(Devices));
    });
    await vi.waitFor(() => expect(drawn.text()).toBe("laptop"), PATIENCE);
    drawn.unmount();
  });

  test("an audit follows what people do", async () => {
    const [alice, bob] = [await somebody("alice"), await somebody("bob")];
    const { keychainFingerprint } = await alice.createNewKeychain("notes", "secretBox");
    await alice.shareMostRecentKey(keychainFingerprint, await identityOf(alice, bob));
    await vi.waitFor(() => expect(bob.keys[keychainFingerprint]).toBeDefined(), PATIENCE);
    const drawn = await under(bob, () => {
      const { data } = useAudit(keychainFingerprint);
      return data?.entries.flatMap(({ actions }) => actions.map(({ kind }) => kind)).join() ?? "?";
    });
    await vi.waitFor(() => expect(drawn.text()).toBe("genesis,share,accept"), PATIENCE);
    await alice.rotateKey(keychainFingerprint);
    await vi.waitFor(() => expect(drawn.text()).toBe("genesis,share,accept,rotate"), PATIENCE);
    drawn.unmount();
  });

  test("a text that came before its key opens when the key comes", async () => {
    const [alice, bob] = [await somebody("alice"), await somebody("bob")];
    const { keychainFingerprint } = await alice.createNewKeychain("notes", "secretBox");
    const sealed = await alice.encrypt("hello", keychainFingerprint, "note/1");
    const drawn = await under(bob, () => {
      const { status, data } = useDecrypted(sealed, keychainFingerprint, "note/1");
      return `${status} ${String(data?.value)} ${data?.keyNumber ?? ""}`;
    });
    await vi.waitFor(() => expect(drawn.text()).toContain("failed"), PATIENCE);
    await alice.shareMostRecentKey(keychainFingerprint, await identityOf(alice, bob));
    await vi.waitFor(() => expect(drawn.text()).toBe("ready hello 1"), PATIENCE);
    drawn.unmount();
  });

  test("a text of another context, and of another keychain, fails", async () => {
    const alice = await somebody("alice");
    const [one, two] = [await alice.createNewKeychain("one"), await alice.createNewKeychain("two")];
    const sealed = await alice.encrypt("hello", one.keychainFingerprint, "note/1");
    const drawn = await under(alice, () => {
      const context = useDecrypted(sealed, one.keychainFingerprint, "note/2");
      const keychain = useDecrypted(sealed, two.keychainFingerprint, "note/1");
      return `${context.status} ${keychain.status}`;
    });
    await vi.waitFor(() => expect(drawn.text()).toBe("failed failed"), PATIENCE);
    drawn.unmount();
  });

  test("what was decrypted is forgotten when its owner logs out", async () => {
    const alice = await somebody("alice");
    const { keychainFingerprint } = await alice.createNewKeychain("notes");
    const sealed = await alice.encrypt("hello", keychainFingerprint);
    const drawn = await under(alice, () => String(useDecrypted(sealed, keychainFingerprint).data?.value));
    await vi.waitFor(() => expect(drawn.text()).toBe("hello"), PATIENCE);
    await alice.logout();
    await vi.waitFor(() => expect(drawn.text()).toBe("undefined"), PATIENCE);
    drawn.unmount();
  });

  test("an answer that lingers from before a logout does not take away the one from after it", async () => {
    const alice = await somebody("alice");
    const userId = alice.publicIdentity?.userId ?? "";
    const { keychainFingerprint } = await alice.createNewKeychain("notes");
    const sealed = await alice.encrypt("hello", keychainFingerprint);
    const shown = () => {
      const { data } = useDecrypted(sealed, keychainFingerprint);
      return `${useKeychains().length} ${String(data?.value)}`;
    };
    const before = await under(alice, shown);
    await vi.waitFor(() => expect(before.text()).toBe("1 hello"), PATIENCE);
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      before.unmount();
      await alice.logout();
      await alice.login(userId);
      const after = await under(alice, shown);
      await vi.waitFor(() => expect(after.text()).toBe("1 hello"), PATIENCE);
      await vi.advanceTimersByTimeAsync(60_000);
      // Drawn anew, it asks what is known.
      await alice.createNewKeychain("more");
      await vi.waitFor(() => expect(after.text()).toMatch(/^2/), PATIENCE);
      expect(after.text()).toBe("2 hello");
      after.unmount();
    } finally {
      vi.useRealTimers();
    }
  });

  test("the suspending twins show the fallback, and then the answer", async () => {
    const alice = await somebody("alice");
    const { keychainFingerprint } = await alice.createNewKeychain("notes");
    const sealed = await alice.encrypt("hello", keychainFingerprint);
    const Opened = () => {
      const { value } = useSuspenseDecrypted(sealed, keychainFingerprint);
      return `${String(value)} ${useSuspenseParticipants(keychainFingerprint).length}`;
    };
    const drawn = await under(alice, () => h(Suspense, { fallback: "waiting" }, h(Opened)));
    await vi.waitFor(() => expect(drawn.text()).toBe("waiting"), { ...PATIENCE, interval: 1 });
    await vi.waitFor(() => expect(drawn.text()).toBe("hello 1"), PATIENCE);
    drawn.unmount();
  });
});

describe("files", () => {
  const file = () => new File([new Uint8Array(4_000_000)], "zeros.bin");

  test("a file is encrypted, with progress, and sent", async () => {
    const alice = await somebody("alice");
    const { keychainFingerprint } = await alice.createNewKeychain("notes");
    const sent: Blob[] = [];
    const loaded: number[] = [];
    let start: ReturnType<typeof useUpload<string>>["start"] | undefined;
    const drawn = await under(alice, () => {
      const hook = useUpload(async ({ encryptedFile }, { onProgress }) => {
        sent.push(encryptedFile);
        onProgress({ loaded: encryptedFile.size, total: encryptedFile.size });
        return "stored";
      });
      start = hook.start;
      for (const { phase, progress } of hook.uploads)
        if (phase === "encrypting") loaded.push(progress.loaded);
      return hook.uploads.map(({ phase, result }) => `${phase} ${result ?? ""}`).join();
    });
    await vi.waitFor(() => expect(start).toBeDefined(), PATIENCE);
    expect(await start?.(file(), keychainFingerprint)).toBe("stored");
    await vi.waitFor(() => expect(drawn.text()).toBe("done stored"), PATIENCE);
    expect(sent[0]?.size).toBeGreaterThan(4_000_000);
    expect(Math.max(...loaded)).toBeGreaterThan(0);
    drawn.unmount();
  });

  test("one that is cancelled is not sent, and says that it was cancelled", async () => {
    const alice = await somebody("alice");
    const { keychainFingerprint } = await alice.createNewKeychain("notes");
    const send = vi.fn(async () => "stored");
    let hook: ReturnType<typeof useUpload<string>> | undefined;
    const drawn = await under(alice, () => {
      hook = useUpload(send);
      return hook.uploads.map(({ phase }) => phase).join();
    });
    await vi.waitFor(() => expect(hook).toBeDefined(), PATIENCE);
    const upload = hook?.start(file(), keychainFingerprint);
    hook?.cancel(1);
    expect(await upload).toBeNull();
    await vi.waitFor(() => expect(drawn.text()).toBe("cancelled"), PATIENCE);
    hook?.dismiss(1);
    await vi.waitFor(() => expect(drawn.text()).toBe(""), PATIENCE);
    expect(send).not.toHaveBeenCalled();
    drawn.unmount();
  });

  test("unmounting cancels what runs", async () => {
    const alice = await somebody("alice");
    const { keychainFingerprint } = await alice.createNewKeychain("notes");
    let hook: ReturnType<typeof useEncryptFile> | undefined;
    const drawn = await under(alice, () => {
      hook = useEncryptFile();
      return null;
    });
    await vi.waitFor(() => expect(hook).toBeDefined(), PATIENCE);
    // Not before the effects ran, twice: the first of them must not have ended the list for good.
    await vi.waitFor(
      async () => expect(await hook?.start(new File(["x"], "x"), keychainFingerprint)).not.toBeNull(),
      PATIENCE,
    );
    const running = hook?.start(file(), keychainFingerprint);
    drawn.unmount();
    expect(await running).toBeNull();
  });
});

describe("records of an index", () => {
  interface Expense {
    readonly id: string;
    readonly amount: number;
  }
  const schema = {
    key: ({ id }: Expense) => id,
    secondary: { amount: { by: ({ amount }: Expense) => [amount] } },
  };

  test("follow what anybody writes, in the order of what they are found by", async () => {
    const [alice, bob] = [await somebody("alice"), await somebody("bob")];
    const { keychainFingerprint: kc } = await alice.createNewKeychain("books", "secretBox");
    const index = alice.vault(kc).index("expenses", schema);
    await index.put({ id: "rent", amount: 900 });
    await alice.shareCompleteKeychain(kc, await identityOf(alice, bob));
    const drawn = await under(bob, () => {
      const keychain = useKeychain(kc);
      const his = keychain === undefined ? null : bob.vault(kc).index("expenses", schema);
      const records = useRecords(his, { by: "amount" });
      const many = useRecordCount(his, { by: "amount", from: 100 });
      return `${records.data?.map(({ id }) => id).join()} ${many.data}`;
    });
    await vi.waitFor(() => expect(drawn.text()).toBe("rent 1"), PATIENCE);
    await index.put([
      { id: "tea", amount: 3 },
      { id: "car", amount: 400 },
    ]);
    await vi.waitFor(() => expect(drawn.text()).toBe("tea,car,rent 2"), PATIENCE);
    await index.delete("car");
    await vi.waitFor(() => expect(drawn.text()).toBe("tea,rent 1"), PATIENCE);
  });
});
