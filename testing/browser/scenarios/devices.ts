/** Several devices of one person: let in by another one or by a text, given new keys, named, revoked. */

import type { Client, Device, DeviceRequested, Progress } from "@keyfold/client";
import { equal, eventually, fails, ok } from "../src/assert.ts";
import type { Scenarios } from "../src/scenario.ts";
import { next } from "./events.ts";
import { type World, scenario } from "./world.ts";

const labels = (devices: readonly Device[]): (string | null)[] => devices.map(({ label }) => label);

/** Alice on her laptop, with a keychain and what is sealed under it. */
async function owner(world: World): Promise<{ alice: Client; notes: string; sealed: string }> {
  const alice = await world.person("alice");
  const { keychainFingerprint: notes } = await alice.createNewKeychain("notes", "secretBox");
  return { alice, notes, sealed: await alice.encrypt("hello", notes) };
}

/** A further device of alice's, let in by its code. */
async function letIn(world: World, by: Client, label: string): Promise<Client> {
  const device = world.client(label);
  const { code } = await device.devices.request("alice", { label });
  await by.devices.approve(code);
  await device.devices.approval();
  return device;
}

/** `code` with one character of its data other than it was, so that its checksum does not fit. */
function altered(code: string): string {
  const at = code.length - 3;
  return code.slice(0, at) + (code[at] === "A" ? "B" : "A") + code.slice(at + 1);
}

export const scenarios: Scenarios = {
  "devices.request: both devices show the same words, and who is let in has all that the other has": scenario(
    async (world) => {
      const { alice, sealed } = await owner(world);
      const heard = next(alice, "deviceRequested");
      const phone = world.client("phone");
      const asked = await phone.devices.request("alice", { label: "phone" });
      equal(await heard, { deviceId: asked.deviceId }, "what the laptop is told");
      equal(asked.words.split(" ").length, 8, "words");
      ok(asked.expiresAt.getTime() > Date.now(), "it lasts for a while");
      const { deviceId, words, expiresAt } = asked;
      equal(await alice.devices.requests(), [{ deviceId, label: "phone", words, expiresAt }], "who asks");

      const approval = phone.devices.approval();
      const added = await alice.devices.approve(asked.code);
      const laptopId = alice.currentDeviceId;
      const { addedAt } = added;
      equal(
        added,
        {
          deviceId,
          label: "phone",
          addedAt,
          addedBy: laptopId,
          isCurrent: false,
          loggedInSince: null,
          lastUsed: null,
        },
        "who was let in",
      );
      equal(await approval, phone.publicIdentity, "who one is");
      equal(phone.publicIdentity, alice.publicIdentity, "the same person");
      equal(phone.currentDeviceId, deviceId, "another device");
      equal(await phone.decrypt(sealed), "hello", "what was written before");
      equal(await alice.devices.requests(), [], "who asks afterwards");

      const { keychainFingerprint } = await phone.createNewKeychain("photos", "secretBox");
      await eventually("the laptop has it by itself", () => alice.keys[keychainFingerprint]);
      equal(await alice.decrypt(await phone.encrypt("cat", keychainFingerprint)), "cat", "the other way");
      for (const device of [alice, phone]) {
        const listed = await device.devices.list();
        equal(labels(listed).slice(1), ["phone"], "what they are called");
        equal(
          listed.filter(({ isCurrent }) => isCurrent).map((one) => one.deviceId),
          [device.currentDeviceId],
          "this one",
        );
      }
    },
  ),

  "devices.request: asking again shows the same, and nobody needs to have waited for the answer": scenario(
    async (world) => {
      const { alice, sealed } = await owner(world);
      const before = world.client("phone");
      const asked = await before.devices.request("alice", { label: "phone" });
      equal(before.state.status, "out", "nobody is in yet");
      await fails("NoHome", () => before.decrypt(sealed));
      before.close();

      const phone = world.client("phone");
      const again = await phone.devices.request("alice", { label: "phone" });
      equal([again.code, again.words], [asked.code, asked.words], "what it shows");
      equal((await alice.devices.requests()).length, 1, "it asks once");
      phone.close();
      await alice.devices.approve(asked.deviceId, { label: "my phone" });

      const after = world.client("phone");
      equal((await after.login()).accountId, alice.publicIdentity?.accountId, "who is in");
      equal(await after.decrypt(sealed), "hello", "what was written before");
      equal(labels(await alice.devices.list()).slice(1), ["my phone"], "what it is called");
    },
  ),

  "devices.decline: the device hears it, nothing of the account is on it, and it may ask again": scenario(
    async (world) => {
      const { alice, sealed } = await owner(world);
      const phone = world.client("phone");
      const asked = await phone.devices.request("alice");
      const declined = fails("UnknownEnrolment", () => phone.devices.approval());
      await alice.devices.decline(asked.code);
      await declined;
      equal([phone.state.status, phone.keys], ["out", {}], "the phone");
      await fails("UnknownEnrolment", () => alice.devices.approve(asked.code));
      await fails("UnknownEnrolment", () => alice.devices.decline(asked.deviceId));
      await fails("NoHome", () => phone.devices.approval());

      const again = await phone.devices.request("alice");
      await alice.devices.approve(again.code);
      await phone.devices.approval();
      equal(await phone.decrypt(sealed), "hello", "what was written before");
    },
  ),

  "S19 devices.approve: an altered code, a foreign one and none let nobody in; the right one does once":
    scenario(async (world) => {
      const { alice } = await owner(world);
      const bob = await world.person("bob");
      const phone = world.client("phone");
      const asked: DeviceRequested = await phone.devices.request("alice");
      await fails("BadCode", () => bob.devices.approve(asked.code));
      // By the device's id alone bob finds nothing either: who asks alice is not shown to him.
      await fails("UnknownEnrolment", () => bob.devices.approve(asked.deviceId));
      equal(await bob.devices.requests(), [], "who asks bob");
      for (const bad of ["", "hello", asked.code.slice(0, -8), asked.words, altered(asked.code)]) {
        await fails(bad === "" ? "Malformed" : "BadCode", () => alice.devices.approve(bad));
      }
      equal((await alice.devices.list()).length, 1, "nobody was let in");
      await alice.devices.approve(asked.code);
      // An answer that was lost is given again, and changes nothing.
      await alice.devices.approve(asked.code);
      equal((await alice.devices.list()).length, 2, "one was let in");
      await phone.devices.approval();
      await fails("UnknownUser", () => world.client("nobody's").devices.request("nobody"));
      await fails("HomeExists", () => phone.devices.request("alice"));
    }),

  "devices.enroll, register: a text brings one device in, once": scenario(async (world) => {
    const { alice, sealed } = await owner(world);
    const uri = await alice.devices.enroll({ label: "tablet" });
    const tablet = world.client("tablet");
    equal((await tablet.devices.register(uri)).accountId, alice.publicIdentity?.accountId, "who is in");
    equal(await tablet.decrypt(sealed), "hello", "what was written before");
    equal(labels(await tablet.devices.list()).slice(1), ["tablet"], "what it is called");
    const late = world.client("late");
    await fails("Unauthorized", () => late.devices.register(uri));
    await fails("NoHome", () => late.login());
    await fails("HomeExists", () => tablet.devices.register(uri));
    for (const bad of ["hello", "keyfold:enroll/", uri.slice(0, -1), uri.replace("enroll", "device")]) {
      await fails("BadCode", () => late.devices.register(bad));
    }
    equal([late.state.status, (await alice.devices.list()).length], ["out", 2], "nobody else came in");
  }),

  "devices.enroll: a text that is too old, for another server or of a revoked device brings nobody in":
    scenario(async (world) => {
      const { alice } = await owner(world);
      const short = await alice.devices.enroll({ lastsMs: 1 });
      await new Promise((resolve) => setTimeout(resolve, 5));
      await fails("EnrolmentExpired", () => world.client("late").devices.register(short));
      // The device of a text stands in the account until it is taken back.
      const [, unused] = await alice.devices.list();
      await alice.devices.revoke(unused?.deviceId ?? "");

      const text = await alice.devices.enroll({ label: "never" });
      const elsewhere = world.client("elsewhere", { serverURL: "http://127.0.0.1:9" });
      await fails("WrongServer", () => elsewhere.devices.register(text));
      const other = world.client("other", { serverSignaturePublicKey: "A".repeat(43) });
      await fails("WrongServerKey", () => other.devices.register(text));
      await alice.devices.revoke("never");
      const refused = world.client("refused");
      const why = await refused.devices.register(text).catch((error: { code: string }) => error.code);
      ok(why === "Unauthorized" || why === "UnknownDevice", `it was taken back: ${String(why)}`);
      equal((await alice.devices.list()).length, 1, "devices");
    }),

  "devices.rename, rotate: this device has another name and other keys, and nothing else changes": scenario(
    async (world) => {
      const { alice, notes, sealed } = await owner(world);
      const phone = await letIn(world, alice, "phone");
      const before = phone.publicIdentity;
      const renamed = await phone.devices.rename("new phone");
      equal([renamed.label, renamed.isCurrent], ["new phone", true], "renamed");
      const rotated = await phone.devices.rotate();
      equal([rotated.deviceId, rotated.label], [renamed.deviceId, "new phone"], "rotated");
      equal(phone.publicIdentity, before, "the same person");
      equal(await alice.decrypt(await phone.encrypt("still me", notes)), "still me", "it writes");
      phone.close();
      const again = world.client("phone");
      await again.login();
      equal(await again.decrypt(sealed), "hello", "what was written before");
      equal(labels(await alice.devices.list()).slice(1), ["new phone"], "what the others see");
      for (const bad of ["line\nbreak", "e\u0301"]) {
        await fails("BadText", () => again.devices.rename(bad));
      }
    },
  ),

  "S14 devices.revoke: whoever is out ends, with whom he let in; what is written afterwards opens for neither":
    scenario(async (world) => {
      const alice = await world.person("alice");
      const bob = await world.person("bob");
      const keychains: string[] = [];
      for (const purpose of ["one", "two", "three"]) {
        const { keychainFingerprint } = await alice.createNewKeychain(purpose, "secretBox");
        await alice.shareCompleteKeychain(keychainFingerprint, { userId: "bob" });
        keychains.push(keychainFingerprint);
      }
      const [one = ""] = keychains;
      await eventually("bob has all", () => bob.state.keychains.length === 3);
      const stolen = await letIn(world, alice, "stolen phone");
      const thiefs = await letIn(world, stolen, "thief's own");
      const old = await bob.encrypt("old", one);
      for (const out of [stolen, thiefs]) {
        equal(await out.decrypt(old), "old", "while it is in");
        await eventually("it is connected", () => out.state.sync === "online");
      }
      const offline = [stolen, thiefs].map((out) =>
        next(out, "syncStateChanged", ({ state }) => state === "offline"),
      );

      const steps: Progress[] = [];
      const revoked = await alice.devices.revoke("stolen phone", { onProgress: (step) => steps.push(step) });
      equal(
        [...revoked.deviceIds].sort(),
        [stolen.currentDeviceId, thiefs.currentDeviceId].sort(),
        "who is out",
      );
      equal(revoked.generation, 1, "generation");
      // Bob makes a new key where he is quicker: then it may be one less that is left to do.
      const [begun, ended] = [steps.at(0), steps.at(-1)];
      ok(begun?.loaded === 0 && [1, 2, 3].includes(begun.total ?? 0), "progress begins");
      ok(ended !== undefined && ended.loaded === ended.total, "progress ends");
      ok(
        steps.every(({ loaded }, at) => at === 0 || loaded >= (steps[at - 1]?.loaded ?? 0)),
        "progress goes one way",
      );
      await Promise.all(offline);
      await eventually("bob has the new keys by himself", () =>
        keychains.every((kc) => bob.keys[kc]?.length === 2),
      );
      for (const kc of keychains) {
        const fresh = await bob.encrypt("fresh", kc);
        equal(await alice.decrypt(fresh), "fresh", "alice goes on");
        for (const out of [stolen, thiefs]) {
          const opened = await out.decrypt(fresh).catch((error: { code: string }) => error);
          ok(opened instanceof Error, `it opened ${JSON.stringify(opened)}`);
        }
      }
      for (const out of [stolen, thiefs]) {
        await fails("UnknownDevice", () => out.sync());
        await fails("UnknownDevice", () => out.createNewKeychain("more", "secretBox"));
        await fails("UnknownDevice", () => out.devices.enroll());
      }
      equal(await alice.decrypt(old), "old", "what was written before");
      equal((await alice.devices.list()).length, 1, "devices");
      await fails("UnknownHolder", () => alice.devices.revoke("stolen phone"));
      await fails("RevocationOfOneself", () => alice.devices.revoke(alice.currentDeviceId ?? ""));
      await fails("Malformed", () => alice.devices.revoke([]));
    }),

  "devices.revoke: the device itself is told, its person may forget it and ask again": scenario(
    async (world) => {
      const { alice, sealed } = await owner(world);
      const phone = await letIn(world, alice, "phone");
      const deviceId = phone.currentDeviceId;
      await eventually("it is connected", () => phone.state.sync === "online");
      const told = next(phone, "deviceRevoked");
      await alice.devices.revoke(deviceId ?? "");
      equal(await told, { deviceId }, "what the phone is told");
      await fails("UnknownDevice", () => phone.devices.list());
      // The server does not know it any more, and says so; it is gone nevertheless.
      await phone.logout({ forget: true }).catch(() => undefined);
      equal([phone.state.status, phone.keys], ["out", {}], "the phone");
      const asked = await phone.devices.request("alice");
      await alice.devices.approve(asked.code);
      await phone.devices.approval();
      ok(phone.currentDeviceId !== deviceId, "it is another device");
      equal(await phone.decrypt(sealed), "hello", "what was written before");
    },
  ),

  "devices.revoke: who is kept stays, and the other devices are told who is out": scenario(async (world) => {
    const { alice, notes } = await owner(world);
    const phone = await letIn(world, alice, "phone");
    const tablet = await letIn(world, phone, "tablet");
    await eventually("it is connected", () => tablet.state.sync === "online");
    const told = next(tablet, "deviceRevoked");
    const updated = next(tablet, "devicesUpdated");
    const { deviceIds } = await alice.devices.revoke("phone", { keep: [tablet.currentDeviceId ?? ""] });
    equal(deviceIds, [phone.currentDeviceId], "who is out");
    equal(await told, { deviceId: phone.currentDeviceId }, "what the tablet is told");
    equal(await updated, { accountId: alice.publicIdentity?.accountId }, "whose devices are others");
    // Whoever comes in is shown on the others too.
    const more = next(tablet, "devicesUpdated");
    await letIn(world, alice, "watch");
    await more;
    await eventually("the tablet lists it", async () =>
      labels(await tablet.devices.list()).includes("watch"),
    );
    const fresh = await alice.encrypt("fresh", notes);
    await eventually("the tablet has the new key", () => tablet.keys[notes]?.length === 2);
    equal(await tablet.decrypt(fresh), "fresh", "the tablet goes on");
    await fails("UnknownDevice", () => phone.sync());
  }),

  "devices.revoke: cancelled halfway, it is gone on with by itself": scenario(async (world) => {
    const alice = await world.person("alice");
    const bob = await world.person("bob");
    const keychains: string[] = [];
    for (let at = 0; at < 5; at += 1) {
      const { keychainFingerprint } = await alice.createNewKeychain(`number ${at}`, "secretBox");
      await alice.shareCompleteKeychain(keychainFingerprint, { userId: "bob" });
      keychains.push(keychainFingerprint);
    }
    const phone = await letIn(world, alice, "phone");
    const stopping = new AbortController();
    await fails("Cancelled", () =>
      alice.devices.revoke("phone", {
        signal: stopping.signal,
        onProgress: ({ loaded }) => {
          if (loaded > 0) stopping.abort();
        },
      }),
    );
    await fails("UnknownDevice", () => phone.sync());
    await eventually("every keychain has a new key", () =>
      keychains.every((kc) => alice.keys[kc]?.length === 2 && bob.keys[kc]?.length === 2),
    );
    for (const kc of keychains) {
      equal(await alice.decrypt(await bob.encrypt("fresh", kc)), "fresh", "both go on");
    }
  }),

  "as e2esdk names them: enrollNewDevice, registerEnrolledDevice, getEnrolledDevices": scenario(
    async (world) => {
      const { alice, sealed } = await owner(world);
      const uri = await alice.enrollNewDevice("phone");
      const phone = world.client("phone");
      equal((await phone.registerEnrolledDevice(uri)).userId, "alice", "who is in");
      equal(await phone.decrypt(sealed), "hello", "what was written before");
      equal(await phone.getEnrolledDevices(), await phone.devices.list(), "the same list");
      equal(labels(await alice.getEnrolledDevices()).slice(1), ["phone"], "labels");
      // Works once, and is a text that any parser of URIs takes.
      ok(new URL(uri).protocol === "keyfold:", "a URI");
      await fails("Unauthorized", () => world.client("late").registerEnrolledDevice(uri));
      const unnamed = await alice.enrollNewDevice();
      await world.client("tablet").registerEnrolledDevice(unnamed);
      equal((await alice.getEnrolledDevices()).length, 3, "devices");
    },
  ),
};
