/** Ways back into an account: kept, proved, replaced, and used when every device is lost or a thief has one. */

import type { Client, Recovered, RecoverySecret } from "@keyfold/client";
import { equal, eventually, fails, ok } from "../src/assert.ts";
import type { Scenarios } from "../src/scenario.ts";
import { next } from "./events.ts";
import { type World, scenario } from "./world.ts";

const PASSWORD = "correct horse battery staple";

/** Alice with a keychain, and what is sealed under it. */
async function owner(world: World): Promise<{ alice: Client; notes: string; sealed: string }> {
  const alice = await world.person("alice");
  const { keychainFingerprint: notes } = await alice.createNewKeychain("notes", "secretBox");
  return { alice, notes, sealed: await alice.encrypt("hello", notes) };
}

type Options = NonNullable<Parameters<Client["recovery"]["recover"]>[1]>;

/** Comes back as alice with a device that was never here. */
async function back(client: Client, secret: RecoverySecret, options: Options = {}): Promise<Recovered> {
  await client.recovery.start("alice");
  return client.recovery.recover(secret, options);
}

/** A further device, brought in by a text. */
async function broughtIn(world: World, by: Client, name: string): Promise<Client> {
  const device = world.client(name);
  await device.devices.register(await by.devices.enroll({ label: name }));
  return device;
}

async function opens(client: Client, sealed: string): Promise<boolean> {
  return client.decrypt(sealed).then(
    () => true,
    () => false,
  );
}

/** A share of which one character is another. */
function misread(share: string): string {
  return share.slice(0, 40) + (share[40] === "A" ? "B" : "A") + share.slice(41);
}

export const scenarios: Scenarios = {
  "recovery.status: says what is missing, and each way back opens what was written before all were lost":
    scenario(async (world) => {
      const { alice, sealed } = await owner(world);
      equal(
        await alice.recovery.status(),
        { methods: [], missing: ["noRecovery", "nothingOffline"] },
        "none",
      );
      const password = await alice.recovery.password(PASSWORD);
      equal((await alice.recovery.status()).missing, ["nothingOffline"], "a password");
      const paper = await alice.recovery.paper({ label: "in the safe" });
      const shares = await alice.recovery.shares(2, 3, { label: "friends" });
      equal([paper.words.split(" ").length, shares.shares.length], [24, 3], "what is to be kept");
      const status = await alice.recovery.status();
      equal(status, { methods: [password, paper.recovery, shares.recovery], missing: [] }, "all");
      equal(
        status.methods.map(({ method, label, addedBy }) => [method, label, addedBy]),
        [
          ["password", null, alice.currentDeviceId],
          ["paper", "in the safe", alice.currentDeviceId],
          ["shares", "friends", alice.currentDeviceId],
        ],
        "methods",
      );

      const [one = "", , three = ""] = shares.shares;
      const ways: RecoverySecret[] = [
        { password: PASSWORD },
        { paper: ` ${paper.words.toUpperCase().replaceAll(" ", ",\n")}\n` },
        { shares: [`${three}\n`, one] },
      ];
      for (const [at, way] of ways.entries()) {
        const found = world.client(`new ${at}`);
        const started = await found.recovery.start("alice");
        equal(started.accountId, alice.publicIdentity?.accountId, "whose");
        // Signing in alone opens nothing.
        equal([found.state.status, found.keys, found.publicIdentity], ["out", {}, null], "signed in");
        await fails("NoHome", () => found.decrypt(sealed));
        const recovered = await found.recovery.recover(way, { label: `new ${at}` });
        equal([recovered.revokedDeviceIds, recovered.removedRecoveryIds], [[], []], "who is out");
        equal(recovered.identity, found.publicIdentity, "who is in");
        equal(found.publicIdentity?.accountId, alice.publicIdentity?.accountId, "the same account");
        equal(await found.decrypt(sealed), "hello", "what was written before");
        const device = (await found.devices.list()).find(({ isCurrent }) => isCurrent);
        equal([device?.label, device?.addedBy], [`new ${at}`, status.methods[at]?.recoveryId], "the device");
        found.close();
      }
      equal(await alice.decrypt(sealed), "hello", "the old device stays, unless it is said to be lost");
    }),

  "recovery.recover: lost devices are out, others are told, and everybody goes on": scenario(
    async (world) => {
      const { alice: lost, notes, sealed } = await owner(world);
      const bob = await world.person("bob");
      await lost.shareCompleteKeychain(notes, { userId: "bob" });
      await lost.createNewKeychain("of her own", "secretBox");
      const { words } = await lost.recovery.paper();
      const tablet = await broughtIn(world, lost, "tablet");
      await eventually("all are connected", () => tablet.state.sync === "online" && bob.keys[notes]);
      const told = next(tablet, "deviceRevoked");
      const steps: number[] = [];

      const found = world.client("new laptop");
      // The tablet was let in by the lost one, and goes with it.
      const revoke = [lost.currentDeviceId ?? ""];
      const recovered = await back(
        found,
        { paper: words },
        { revoke, onProgress: (step) => steps.push(step.loaded) },
      );
      equal(await told, { deviceId: tablet.currentDeviceId }, "what the tablet is told");
      equal(
        [...recovered.revokedDeviceIds].sort(),
        [lost.currentDeviceId, tablet.currentDeviceId].sort(),
        "who is out",
      );
      // Bob makes the new key of the other one, if he is quicker.
      ok([1, 2].includes(steps.at(-1) ?? 0), "progress: the keychain of her own, at least");
      await eventually("bob has the new key by himself", () => bob.keys[notes]?.length === 2);
      const fresh = await bob.encrypt("fresh", notes);
      equal([await found.decrypt(fresh), await found.decrypt(sealed)], ["fresh", "hello"], "the new one");
      for (const out of [lost, tablet]) {
        ok(!(await opens(out, fresh)), "a device that is out reads nothing that comes");
        await fails("UnknownDevice", () => out.sync());
      }
    },
  ),

  "recoveryUsed: the devices that are still in are told who came back, and by what": scenario(
    async (world) => {
      const { alice } = await owner(world);
      const { words, recovery } = await alice.recovery.paper();
      await eventually("it is connected", () => alice.state.sync === "online");
      const used = next(alice, "recoveryUsed");
      await back(world.client("new"), { paper: words });
      equal(await used, { recoveryId: recovery.recoveryId }, "what it is told");
      // Whom she did not let in herself she puts out, and changes the way back that was found.
      const stranger = (await alice.devices.list()).find(({ addedBy }) => addedBy === recovery.recoveryId);
      await alice.devices.revoke(stranger?.deviceId ?? "");
      await alice.recovery.paper({ replaces: { paper: words } });
      const again = world.client("again");
      await again.recovery.start("alice");
      await fails("WrongSecret", () => again.recovery.recover({ paper: words }));
    },
  ),

  "S20 recovery: a thief with a device, who was quicker with everything, is thrown out by an older way back":
    scenario(async (world) => {
      const { alice: stolen, notes, sealed } = await owner(world);
      const paper = await stolen.recovery.paper();
      const owners = await broughtIn(world, stolen, "owner's other");
      // He brings in a device of his own, puts the owner's other one out, and keeps a way back for himself.
      const thiefs = await broughtIn(world, stolen, "thief's");
      await thiefs.devices.revoke(owners.currentDeviceId ?? "");
      await fails("UnknownDevice", () => owners.sync());
      const kept = await thiefs.recovery.paper({ label: "thief's" });
      await fails("RecoveryProtected", () =>
        thiefs.recovery.remove(paper.recovery.recoveryId, { paper: kept.words }),
      );

      const found = world.client("new");
      const recovered = await back(found, { paper: paper.words }, { revoke: "all" });
      equal(recovered.removedRecoveryIds, [kept.recovery.recoveryId], "his way back is gone");
      equal(
        (await found.devices.list()).map((device) => device.isCurrent),
        [true],
        "devices",
      );
      equal(await found.decrypt(sealed), "hello", "what was written before");
      const fresh = await found.encrypt("fresh", notes);
      for (const out of [stolen, thiefs]) {
        ok(!(await opens(out, fresh)), "the thief reads nothing that comes");
        await fails("UnknownDevice", () => out.sync());
      }
      const again = world.client("thief again");
      await again.recovery.start("alice");
      await fails("WrongSecret", () => again.recovery.recover({ paper: kept.words }));
      equal([again.state.status, again.keys], ["out", {}], "the thief");
    }),

  "S20 recovery: wrong, cut, mixed, altered and foreign secrets let nobody in, and say what is wrong":
    scenario(async (world) => {
      const { alice } = await owner(world);
      const bob = await world.person("bob");
      const { words } = await alice.recovery.paper();
      const { shares } = await alice.recovery.shares(2, 3);
      const others = await alice.recovery.shares(2, 3);
      const bobs = await bob.recovery.shares(2, 3);
      const bobsPaper = await bob.recovery.paper();
      const [one = "", two = ""] = shares;
      const [, ...rest] = words.split(" ");
      const found = world.client("somebody's");
      await found.recovery.start("alice");
      const wrong: [code: string, secret: RecoverySecret][] = [
        ["WrongWordCount", { paper: rest.join(" ") }],
        ["UnknownWord", { paper: "nonsense" }],
        // Of these the last would have to be another; of words in another order one in 256 is a secret too.
        ["WrongWords", { paper: Array.from({ length: 24 }, () => "abandon").join(" ") }],
        ["WrongSecret", { paper: bobsPaper.words }],
        ["TooFewShares", { shares: [] }],
        ["TooFewShares", { shares: [one] }],
        ["ShareRepeated", { shares: [one, one] }],
        ["SharesMixed", { shares: [one, others.shares[1] ?? ""] }],
        ["ShareOfAnotherAccount", { shares: bobs.shares.slice(0, 2) }],
        ["ShareDamaged", { shares: [one, misread(two)] }],
        ["ShareDamaged", { shares: ["hello", two] }],
        ["NoRecovery", { password: PASSWORD }],
        ["Malformed", {} as RecoverySecret],
        ["Malformed", "words" as unknown as RecoverySecret],
      ];
      for (const [code, secret] of wrong) {
        const refused = await fails(code, () => found.recovery.recover(secret));
        // Two of them that stand side by side: a single short one may be in any sentence.
        ok(!refused.message.includes(rest.slice(0, 2).join(" ")), "no secret is in the message");
        equal([found.state.status, found.publicIdentity], ["out", null], code);
      }
      // A mistake costs nothing: the same client goes on with what is right.
      await found.recovery.recover({ paper: words });
      equal((await alice.devices.list()).length, 2, "devices");
      // Who has no way back is told so, and not that the secret is wrong.
      await world.person("dave");
      const daves = world.client("dave's new one");
      await daves.recovery.start("dave");
      await fails("NoRecovery", () => daves.recovery.recover({ paper: words }));
      await fails("UnknownUser", () => world.client("nobody's").recovery.start("nobody"));
      await fails("NoHome", () => world.client("no start").recovery.recover({ paper: words }));
      await fails("HomeExists", () => alice.recovery.start("alice"));
    }),

  "S9 recovery.password: each wrong one is answered alike, after some the server answers no more": scenario(
    async (world) => {
      const { alice, sealed } = await owner(world);
      await alice.recovery.password(PASSWORD);
      const { words } = await alice.recovery.paper();
      const guesser = world.client("guesser's");
      await guesser.recovery.start("alice");
      const answers: string[] = [];
      for (let guess = 0; guess < 12 && answers.at(-1) !== "RateLimited"; guess += 1) {
        const refusal = await guesser.recovery
          .recover({ password: `guess ${guess}` })
          .catch((error) => error);
        answers.push(refusal.code);
      }
      ok(answers.length > 3, "a person may mistype");
      equal(
        answers.slice(0, -1),
        answers.slice(1).map(() => "WrongPassword"),
        "what a wrong one is told",
      );
      equal(answers.at(-1), "RateLimited", "in the end");
      // Whoever guesses locks nobody out of what else she has.
      equal(await alice.decrypt(sealed), "hello", "her device");
      await guesser.recovery.recover({ paper: words });
      equal(await guesser.decrypt(sealed), "hello", "her paper");
    },
  ),

  "recovery.remove, replaces: by its own secret or an older one, never by a younger one": scenario(
    async (world) => {
      const { alice, sealed } = await owner(world);
      const former = await alice.recovery.password("the former password");
      await fails("WrongPassword", () =>
        alice.recovery.password(PASSWORD, { replaces: { password: "another one" } }),
      );
      const current = await alice.recovery.password(PASSWORD, {
        replaces: { password: "the former password" },
      });
      equal((await alice.recovery.status()).methods, [current], "one stands for the other");
      ok(current.recoveryId !== former.recoveryId, "it is another");
      const paper = await alice.recovery.paper();
      await fails("RecoveryProtected", () =>
        alice.recovery.remove(current.recoveryId, { paper: paper.words }),
      );
      await alice.recovery.remove(paper.recovery.recoveryId, { password: PASSWORD });
      await fails("NoRecovery", () =>
        alice.recovery.remove(paper.recovery.recoveryId, { password: PASSWORD }),
      );
      equal((await alice.recovery.status()).methods, [current], "what is left");

      const found = world.client("new");
      await found.recovery.start("alice");
      await fails("WrongPassword", () => found.recovery.recover({ password: "the former password" }));
      await fails("WrongSecret", () => found.recovery.recover({ paper: paper.words }));
      await found.recovery.recover({ password: PASSWORD });
      equal([await found.decrypt(sealed), await alice.decrypt(sealed)], ["hello", "hello"], "both are in");
    },
  ),

  "recovery: what cannot be is refused before anything is made": scenario(async (world) => {
    const { alice } = await owner(world);
    await fails("Malformed", () => alice.recovery.password("short"));
    await fails("Malformed", () => alice.recovery.password("x".repeat(1_025)));
    for (const [needed, count] of [
      [1, 3],
      [3, 2],
      [2, 17],
      [2.5, 3],
    ] as const) {
      await fails("Malformed", () => alice.recovery.shares(needed, count));
    }
    await fails("BadText", () => alice.recovery.paper({ label: "line\nbreak" }));
    equal((await alice.recovery.status()).methods, [], "methods");
    // Composed or not, a password is what the person typed.
    await alice.recovery.password("gr\u00fc\u00dfe aus k\u00f6ln");
    const found = world.client("another keyboard");
    await back(found, { password: "gru\u0308\u00dfe aus ko\u0308ln" });
    equal(found.publicIdentity?.userId, "alice", "who is in");
  }),
};
