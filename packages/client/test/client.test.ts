import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Client } from "../src/node.js";
import type { ClientEvents, Value } from "../src/types.js";
import { Server, codeOf, until } from "./server.js";

let server: Server;
beforeAll(async () => {
  server = await Server.start();
});
afterAll(() => server.close());

let people = 0;
/** Two people who know nothing of those of other tests. */
async function two(storage?: string): Promise<{ alice: Client; bob: Client; bobId: string }> {
  people += 1;
  const bobId = `bob-${people}`;
  const alice = server.client();
  const bob = server.client(storage === undefined ? {} : { storage });
  await Promise.all([alice.signup(`alice-${people}`), bob.signup(bobId)]);
  return { alice, bob, bobId };
}

async function identity(of: Client, userId: string): Promise<{ userId: string }> {
  const found = await of.getUserIdentity(userId);
  if (found === null) throw new Error(`nobody is called ${userId}`);
  return found;
}

describe("a client", () => {
  test("does nothing when it is made", () => {
    const client = server.client({ serverURL: "http://127.0.0.1:1" });
    expect(client.state).toBe(client.serverState);
    expect(client.state.status).toBe("loading");
    expect(client.publicIdentity).toBeNull();
    client.close();
  });

  test("reads what is stored by itself once somebody listens", async () => {
    const client = server.client();
    const off = client.subscribe(() => undefined);
    await until(() => client.state.status === "out");
    off();
  });

  test("answers Closed once it is closed, to calls under way too", async () => {
    const client = server.client();
    const call = client.signup("carol-closed");
    client.close();
    expect(await codeOf(call)).toBe("Closed");
    expect(await codeOf(client.login())).toBe("Closed");
  });
});

describe("sharing", () => {
  test("a key arrives by itself: keychainUpdated, then keyReceived, then it decrypts", async () => {
    const { alice, bob, bobId } = await two();
    const told: string[] = [];
    let received: ClientEvents["keyReceived"] | undefined;
    bob.on("keychainUpdated", ({ purpose }) => told.push(`keychainUpdated ${purpose}`));
    const off = bob.on("keyReceived", (payload) => {
      // What is told is already there to be looked at.
      expect(bob.keys[payload.keychainFingerprint]?.[0]?.keyFingerprint).toBe(payload.keyFingerprint);
      told.push("keyReceived");
      received = payload;
    });
    await until(() => bob.state.sync === "online");
    const { keychainFingerprint, keyFingerprint } = await alice.createNewKeychain("notes", "secretBox");
    const text = await alice.encrypt({ hello: "bob" }, keychainFingerprint);
    const outcome = await alice.shareMostRecentKey(keychainFingerprint, await identity(alice, bobId));
    expect(outcome.recipients).toMatchObject([{ userId: bobId, state: "pending" }]);
    await until(() => told.length === 2);
    expect(told).toEqual(["keychainUpdated notes", "keyReceived"]);
    expect(received).toMatchObject({
      keyFingerprint,
      purpose: "notes",
      sharedBy: alice.publicIdentity?.userId,
    });
    expect(await bob.decrypt(text, keychainFingerprint)).toEqual({ hello: "bob" });
    off();
    const second = await alice.createNewKeychain("more", "secretBox");
    await alice.shareMostRecentKey(second.keychainFingerprint, await identity(alice, bobId));
    await until(() => bob.findKeyByPurpose("more"));
    expect(told).toEqual(["keychainUpdated notes", "keyReceived", "keychainUpdated more"]);
  });

  test("the newest, all, or one key: each gives what it says", async () => {
    const { alice, bob, bobId } = await two();
    const to = await identity(alice, bobId);
    const made = async (purpose: string): Promise<{ kc: string; first: string }> => {
      const { keychainFingerprint: kc, keyFingerprint: first } = await alice.createNewKeychain(
        purpose,
        "secretBox",
      );
      await alice.rotateKey(kc);
      return { kc, first };
    };
    const newest = await made("newest");
    await alice.shareMostRecentKey(newest.kc, to);
    const all = await made("all");
    await alice.shareCompleteKeychain(all.kc, [to]);
    const one = await made("one");
    await alice.shareKey(one.kc, one.first, to);
    bob.subscribe(() => undefined);
    await until(() => bob.state.keychains.length === 3);
    expect(bob.keys[newest.kc]?.map((key) => key.keyNumber)).toEqual([2]);
    expect(bob.keys[all.kc]?.map((key) => key.keyNumber)).toEqual([2, 1]);
    expect(bob.keys[one.kc]?.map((key) => key.keyFingerprint)).toEqual([one.first]);
    await alice.rotateKey(newest.kc);
    await until(() => bob.keys[newest.kc]?.length === 2);
  });

  test("a share that waits is listed, and can be withdrawn", async () => {
    const { alice, bob, bobId } = await two();
    bob.close();
    const key = await alice.createNewKeychain("waiting", "secretBox");
    await alice.shareMostRecentKey(key.keychainFingerprint, await identity(alice, bobId));
    const [share] = await alice.getOutgoingSharedKeys();
    expect(share).toMatchObject({ userId: bobId, keyFingerprint: key.keyFingerprint, purpose: "waiting" });
    expect(share?.sharedAt).toBeInstanceOf(Date);
    const kc = key.keychainFingerprint;
    expect((await alice.getParticipants(kc, key.keyFingerprint)).map((who) => who.userId)).not.toContain(
      bobId,
    );
    const pending = await alice.getParticipants(kc, key.keyFingerprint, { pending: true });
    expect(pending.map(({ userId, state }) => [userId, state])).toContainEqual([bobId, "pending"]);
    await alice.deleteOutgoingSharedKey(bobId, key.keyFingerprint);
    expect(await alice.getOutgoingSharedKeys()).toEqual([]);
    expect(await codeOf(alice.deleteOutgoingSharedKey(bobId, key.keyFingerprint))).toBe("NotPending");
  });

  test("a purpose means one's own keychain, and is ambiguous between others'", async () => {
    const { alice, bob, bobId } = await two();
    const carol = server.client();
    await carol.signup(`carol-${people}`);
    for (const sharer of [alice, carol]) {
      const { keychainFingerprint } = await sharer.createNewKeychain("same", "secretBox");
      await sharer.shareMostRecentKey(keychainFingerprint, await identity(sharer, bobId));
    }
    bob.subscribe(() => undefined);
    await until(() => bob.state.keychains.length === 2);
    expect(() => bob.findKeyByPurpose("same")).toThrow(expect.objectContaining({ code: "AmbiguousPurpose" }));
    expect(bob.findKeyByPurpose("other")).toBeUndefined();
    const own = await bob.createNewKeychain("same", "secretBox");
    expect(bob.findKeyByPurpose("same")).toEqual(own);
  });
});

describe("values and signatures", () => {
  test("values of every type come back, under their context only", async () => {
    const { alice } = await two();
    const { keychainFingerprint: kc } = await alice.createNewKeychain("values", "secretBox");
    const other = await alice.createNewKeychain("others", "secretBox");
    const values: Value[] = [
      "text",
      "",
      1.5,
      -0,
      Number.NaN,
      true,
      new Date(5),
      new Uint8Array([1, 2]),
      null,
      { a: [1] },
    ];
    for (const value of values) {
      const text = await alice.encrypt(value, kc, "context");
      expect(await alice.decrypt(text, kc, "context")).toStrictEqual(value);
      expect(await codeOf(alice.decrypt(text, kc))).toBe("Unauthentic");
      expect(await codeOf(alice.decrypt(text, kc, new Uint8Array([9])))).toBe("Unauthentic");
      expect(await codeOf(alice.decrypt(text, other.keychainFingerprint, "context"))).toBe("Unauthentic");
    }
    const opened = await alice.open(await alice.encrypt("x", "values"));
    expect(opened).toMatchObject({ value: "x", keychainFingerprint: kc, keyNumber: 1, current: true });
  });

  test("each item of a signature counts, and whose it is", async () => {
    const { alice, bob } = await two();
    const key = alice.publicIdentity?.signaturePublicKey ?? "";
    const signature = await alice.sign("ab", new Uint8Array([1]));
    const verified = (...args: Parameters<Client["verifySignature"]>): Promise<boolean> =>
      bob.verifySignature(...args);
    expect(await verified(signature, key, "ab", new Uint8Array([1]))).toBe(true);
    expect(await verified(signature, bob.decode(key), "ab", new Uint8Array([1]))).toBe(true);
    expect(await verified(signature, key, "a", "b", new Uint8Array([1]))).toBe(false);
    expect(
      await verified(signature, bob.publicIdentity?.signaturePublicKey ?? "", "ab", new Uint8Array([1])),
    ).toBe(false);
    expect(await verified("nonsense", key, "ab")).toBe(false);
  });
});

describe("accounts", () => {
  test("a folder keeps a device; logging out wipes its keys, logging in brings them back", async () => {
    const storage = server.folder("bob");
    const { alice, bob, bobId } = await two(storage);
    const { keychainFingerprint: kc } = await alice.createNewKeychain("kept", "secretBox");
    await alice.shareMostRecentKey(kc, await identity(alice, bobId));
    await until(() => bob.keys[kc]);
    const { currentDeviceId } = bob;
    bob.close();
    const again = server.client({ storage });
    expect((await again.login()).userId).toBe(bobId);
    expect(again.currentDeviceId).toBe(currentDeviceId);
    expect(again.keys[kc]?.length).toBe(1);
    const told: unknown[] = [];
    again.on("identityUpdated", (payload) => told.push(payload?.userId ?? null));
    await again.logout();
    expect(again.state).toMatchObject({ status: "out", identity: null, keychains: [] });
    expect(await codeOf(again.createNewKeychain("out", "secretBox"))).toBe("LoggedOut");
    await again.login(bobId);
    expect(again.keys[kc]?.length).toBe(1);
    expect(told).toEqual([null, bobId]);
    await again.logout({ forget: true });
    expect(await codeOf(again.login(bobId))).toBe("NoHome");
  });

  test("one storage holds several people, one of them at a time", async () => {
    people += 1;
    const client = server.client({ storage: server.folder(`shared-${people}`) });
    const [one, other] = [`alice-${people}`, `carol-${people}`];
    await client.signup(one);
    expect(await codeOf(client.signup(other))).toBe("HomeExists");
    await client.logout();
    await client.signup(other);
    expect(await codeOf(client.login(one))).toBe("HomeExists");
    await client.logout();
    expect((await client.login()).userId).toBe(other);
    await client.logout();
    expect((await client.login(one)).userId).toBe(one);
    expect(client.state.identity?.userId).toBe(one);
  });

  test("a user id that is taken leaves nothing behind", async () => {
    const { bobId } = await two();
    const client = server.client();
    expect(await codeOf(client.signup(bobId))).toBe("UserTaken");
    expect(await codeOf(client.login(bobId))).toBe("NoHome");
    expect(client.state.status).toBe("out");
    await client.signup(`${bobId}-other`);
  });

  test("logging out everywhere ends this session too, and the device can log in again", async () => {
    const client = server.client();
    await client.signup("everywhere");
    const { keychainFingerprint } = await client.createNewKeychain("kept", "secretBox");
    await client.logout({ everywhere: true });
    expect(client.state.status).toBe("out");
    expect(await codeOf(client.sync())).toBe("LoggedOut");
    // Who did not hear the answer says it again; it reaches the account's devices though this one is out.
    await client.logout({ everywhere: true });
    await client.login();
    expect(client.state.keychains.map((kept) => kept.keychainFingerprint)).toEqual([keychainFingerprint]);
  });

  test("another server, or another key than was pinned, is refused", async () => {
    const storage = server.folder("pinned");
    const first = server.client({ storage });
    await first.signup("pinned");
    first.close();
    const key = first.encode(new Uint8Array(32));
    const other = server.client({ storage, serverSignaturePublicKey: key });
    expect(await codeOf(other.login())).toBe("WrongServerKey");
    other.close();
    const elsewhere = server.client({ storage, serverURL: "http://127.0.0.1:1" });
    expect(await codeOf(elsewhere.login())).toBe("WrongServer");
    elsewhere.close();
    const fresh = server.client({ serverSignaturePublicKey: key });
    expect(await codeOf(fresh.signup("fresh"))).toBe("WrongServerKey");
    const moving = server.client({ storage, serverSignaturePublicKey: [key, server.key] });
    expect((await moving.login()).userId).toBe("pinned");
  });
});

describe("bad arguments fail before anything is sent", () => {
  const calls: [string, (client: Client) => unknown, string][] = [
    ["signup without a user id", (client) => client.signup(undefined as never), "Malformed"],
    ["signup with an empty user id", (client) => client.signup(""), "Malformed"],
    ["encrypt of undefined", (client) => client.encrypt(undefined as never, "kc"), "Unsupported"],
    ["encrypt without a keychain", (client) => client.encrypt("a", undefined as never), "Malformed"],
    ["encrypt with a number as context", (client) => client.encrypt("a", "kc", 5 as never), "Malformed"],
    ["decrypt of a number", (client) => client.decrypt(5 as never), "Malformed"],
    ["share with nobody", (client) => client.shareMostRecentKey("kc", null as never), "Malformed"],
    ["share with an empty list", (client) => client.shareMostRecentKey("kc", []), "Malformed"],
    ["share with a user id", (client) => client.shareMostRecentKey("kc", "bob" as never), "Malformed"],
    [
      "share with no such permission",
      (client) =>
        client.shareMostRecentKey("kc", { userId: "b" }, { permissions: { allowAll: true } as never }),
      "Malformed",
    ],
    [
      "share until an invalid date",
      (client) => client.shareMostRecentKey("kc", { userId: "b" }, { expiresAt: new Date(Number.NaN) }),
      "Malformed",
    ],
    [
      "setPermissions with a text",
      (client) => client.setPermissions("bob", "kc", { allowSharing: "yes" } as never),
      "Malformed",
    ],
    ["sign of a number", (client) => client.sign(5 as never), "Malformed"],
    [
      "an event that is none",
      async (client) => client.on("keyRecieved" as never, () => undefined),
      "Malformed",
    ],
    ["a callback that is none", async (client) => client.subscribe(5 as never), "Malformed"],
    ["a file that is none", (client) => client.encryptFile("text" as never, "kc"), "Malformed"],
    ["a file for no keychain", (client) => client.encryptFile(new Blob(), []), "Malformed"],
    ["metadata without an id", (client) => client.decryptFileContents(new Blob(), {} as never), "Malformed"],
    [
      "a range that ends before it starts",
      (client) => client.decryptFileRange(new Blob(), { start: 2, end: 1 }),
      "Malformed",
    ],
    [
      "a keychain that expires",
      (client) => client.createNewKeychain("a", "secretBox", new Date()),
      "Unsupported",
    ],
    ["deleteKey without a key", (client) => client.deleteKey("kc", undefined as never), "Malformed"],
    ["addOwner of nobody", (client) => client.addOwner("", "kc"), "Malformed"],
    ["many identities that are no array", (client) => client.getUsersIdentities("bob" as never), "Malformed"],
  ];
  test.each(calls)("%s", async (_, call, code) => {
    // Nobody listens at this address, so whatever is sent would be ServerUnavailable.
    const client = server.client({ serverURL: "http://127.0.0.1:1" });
    expect(await codeOf(Promise.resolve(call(client)))).toBe(code);
    client.close();
  });

  test("an address or a key that is none is refused at once", () => {
    expect(() => server.client({ serverURL: "keyfold.example" })).toThrow(
      expect.objectContaining({ code: "Malformed" }),
    );
    expect(() => server.client({ serverURL: "ftp://keyfold.example" })).toThrow(
      expect.objectContaining({ code: "Malformed" }),
    );
    expect(() => server.client({ serverSignaturePublicKey: 5 as never })).toThrow(
      expect.objectContaining({ code: "Malformed" }),
    );
  });

  test("errors say which page explains them", async () => {
    const error = await server
      .client()
      .encrypt("a", "")
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      name: "KeyfoldError",
      retryable: false,
      docs: expect.stringMatching(/errors\.md#malformed$/),
    });
  });
});

describe("cancelling", () => {
  test("a call that was cancelled says why, and the next one works", async () => {
    const { alice } = await two();
    const reason = new Error("the person left");
    const already = await alice
      .createNewKeychain("no", "secretBox", null, { signal: AbortSignal.abort(reason) })
      .catch((e: unknown) => e);
    expect(already).toMatchObject({ code: "Cancelled", cause: reason });
    const abort = new AbortController();
    const calls = Array.from({ length: 5 }, () =>
      codeOf(alice.getUserIdentity("nobody", { signal: abort.signal })),
    );
    abort.abort(reason);
    expect(await Promise.all(calls)).toEqual(Array.from({ length: 5 }, () => "Cancelled"));
    await alice.createNewKeychain("yes", "secretBox");
    expect(alice.state.keychains.map(({ purpose }) => purpose)).toEqual(["yes"]);
  });
});

describe("the module", () => {
  test("bytes that are no WebAssembly are WasmUnavailable", async () => {
    const { startModule } = await import("../src/engine/module.js?other" as "../src/engine/module.js");
    expect(
      await codeOf(startModule(new Uint8Array([1, 2, 3]), () => Promise.reject(new Error("unused")))),
    ).toBe("WasmUnavailable");
  });
});
