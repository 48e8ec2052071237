/** Sharing in TypeScript: one Node process with everybody in it, one server, and clients that wait for events. */
import { Client } from "@keyfold/client";
import type { Options } from "./main.js";
import { atMost, beside, keep, keyfold } from "./table.js";
import { startKeyfold } from "./world.js";

const PEOPLE = 50;
const TURNS = 5;
const PATIENCE = 60_000;

export async function sharing(options: Options): Promise<void> {
  console.log(`Sharing with ${PEOPLE} people, in Node …`);
  const server = await startKeyfold(options.keyfold);
  const place = { serverURL: server.url, serverSignaturePublicKey: server.serverKey };
  const signups: number[] = [];
  const clients: Client[] = [];
  const join = async (userId: string) => {
    const client = new Client({ ...place, storage: { memory: true } });
    const start = performance.now();
    await client.signup(userId);
    await client.logout();
    await client.login(userId);
    signups.push(performance.now() - start);
    clients.push(client);
    return client;
  };
  const samples = {
    create: [] as number[],
    one: [] as number[],
    all: [] as number[],
    rotate: [] as number[],
    ban: [] as number[],
  };
  try {
    const alice = await join("alice");
    const members: Client[] = [];
    for (let number = 0; number < PEOPLE; number++) members.push(await join(`member${number}`));
    await Promise.all(members.map(isOnline));
    const names = members.map((member) => ({ userId: member.publicIdentity?.userId ?? "" }));
    for (let turn = 0; turn < TURNS; turn++) {
      const made: string[] = [];
      for (const kind of ["one", "all"]) {
        const start = performance.now();
        made.push((await alice.createNewKeychain(`${kind} ${turn}`, "secretBox")).keychainFingerprint);
        samples.create.push(performance.now() - start);
      }
      const [one = "", all = ""] = made;

      let arrived = everybody(members.slice(0, 1), "keyReceived", one);
      let start = performance.now();
      await alice.shareMostRecentKey(one, names.slice(0, 1));
      await arrived;
      samples.one.push(performance.now() - start);

      arrived = everybody(members, "keyReceived", all);
      start = performance.now();
      await alice.shareMostRecentKey(all, names);
      await arrived;
      samples.all.push(performance.now() - start);

      // Everybody reads that everybody else accepted: fifty clients share one thread here, and in life do not.
      await settle(members, all);
      arrived = everybody(members, "keyRotated", all);
      start = performance.now();
      await alice.rotateKey(all);
      await arrived;
      samples.rotate.push(performance.now() - start);

      await settle(members, all);
      const [banned] = names.slice(-1);
      arrived = everybody(members.slice(0, -1), "keyRotated", all);
      start = performance.now();
      await alice.banUser(banned?.userId ?? "", all);
      await arrived;
      samples.ban.push(performance.now() - start);
    }
  } finally {
    await Promise.all(clients.map((client) => client.close()));
    await server.stop();
  }
  await keep(
    options.samples,
    {
      id: "8-sharing-typescript",
      title: "Sharing, in TypeScript",
      note:
        `${PEOPLE} clients of @keyfold/client in one Node process on one thread, the sharer among them, with ` +
        `WebAssembly; the server beside it. Each time ends when the last client has the key. ${TURNS} turns. ` +
        "e2esdk (each client in Node, PostgreSQL and Redis): recorded on a machine of the same size.",
      lines: [
        keyfold("sign up, log out, log in", "ms", signups),
        beside("Peer", "e2esdk: sign up and log in", "ms", [107]),
        keyfold("create a keychain", "ms", samples.create),
        beside("Peer", "e2esdk: create a keychain", "ms", [17]),
        keyfold("share a key with one, delivered", "ms", samples.one, atMost(50, "ms")),
        beside("Peer", "e2esdk: share a key with one", "ms", [853]),
        keyfold(`share a key with ${PEOPLE}, delivered to all`, "ms", samples.all),
        beside("Peer", "e2esdk: share a key with 50", "ms", [4700, 5800]),
        keyfold(`rotate for ${PEOPLE}`, "ms", samples.rotate),
        keyfold(`ban one and rotate for ${PEOPLE - 1}`, "ms", samples.ban),
        beside("Peer", "e2esdk: ban, rotate for 49", "ms", [3400, 4500]),
      ],
    },
    options.versions,
  );
}

function isOnline(client: Client): Promise<void> {
  return until(
    (look) => client.subscribe(look),
    () => client.state.sync === "online",
    "online",
  );
}

/** Waits until all know all members, so that what follows is measured alone. */
async function settle(members: readonly Client[], keychain: string): Promise<void> {
  await Promise.all(members.map((member) => member.sync()));
  await Promise.all(members.map((member) => member.getParticipants(keychain)));
}

function everybody(
  clients: readonly Client[],
  event: "keyReceived" | "keyRotated",
  keychain: string,
): Promise<unknown> {
  return Promise.all(
    clients.map((client) => {
      let happened = false;
      return until(
        (look) =>
          client.on(event, (about) => {
            happened ||= about.keychainFingerprint === keychain;
            look();
          }),
        () => happened,
        event,
      );
    }),
  );
}

function until(listen: (look: () => void) => () => void, is: () => boolean, what: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => done(new Error(`${what} did not happen in ${PATIENCE} ms`)), PATIENCE);
    let off = () => {};
    const done = (error?: Error) => {
      clearTimeout(timer);
      queueMicrotask(() => off());
      if (error) reject(error);
      else resolve();
    };
    const look = () => is() && done();
    off = listen(look);
    look();
  });
}
