/**
 * Forks: an operator shows two people two histories of one keychain, each signed with his key. Once they communicate,
 * both hold a proof of it; and no accident makes one.
 */

import type { Client, Evidence } from "@keyfold/client";
import { equal, fails, ok } from "../src/assert.ts";
import type { LyingScenarios } from "../src/liar.ts";
import { type World, lied } from "./world.ts";

/** Alice and bob in one keychain, where both may rotate. They ask when they are told to, and not by themselves. */
async function two(world: World): Promise<{ alice: Client; bob: Client; kc: string }> {
  const alone = { handleNotifications: false };
  const [alice, bob] = [await world.person("alice", alone), await world.person("bob", alone)];
  const { keychainFingerprint: kc } = await alice.createNewKeychain("notes", "secretBox");
  const permissions = { allowRotation: true };
  await alice.shareCompleteKeychain(kc, { userId: "bob" }, { permissions });
  await bob.sync();
  await alice.sync();
  return { alice, bob, kc };
}

/** What a file proves to somebody who has only the server's key. */
async function proved(world: World, reader: Client, file: Uint8Array): Promise<Evidence> {
  const { serverKey } = world.environment;
  const evidence = await reader.audit.verify(file, { serverKey });
  ok(evidence.kind === "evidence", "it is evidence");
  await fails("WrongServerKey", () => reader.audit.verify(file, { serverKey: "A".repeat(43) }));
  return evidence;
}

export const scenarios: LyingScenarios = {
  "S11 fork: two who were forked and communicate both hold evidence that verifies alone": lied(
    async (world, liar) => {
      const { alice, bob, kc } = await two(world);
      await liar.lie({ kind: "fork" });
      await bob.rotateKey(kc);
      await bob.rotateKey(kc);
      const bobs = await bob.audit.export(kc);
      await liar.beHonest();
      await alice.rotateKey(kc);
      const alices = await alice.audit.export(kc);

      equal(
        await alice.audit.compare(kc, bobs),
        { agrees: false, commonSeq: 2, ownSeq: 3, otherSeq: 4 },
        "bob's history beside alice's",
      );
      const stranger = world.client("stranger");
      const first = await proved(world, stranger, await alice.audit.evidence(kc, { compare: bobs }));
      await liar.lie({ kind: "show-fork" });
      const second = await proved(world, stranger, await bob.audit.evidence(kc, { compare: alices }));
      for (const { scope, earlier, later, fork } of [first, second]) {
        equal([scope, earlier.seq, later.seq], [kc, 3, 4], "what both receipts are about");
        ok(fork !== earlier.entryHash, "they contradict each other");
      }
    },
  ),

  "S11 fork: a client that stopped keeps what it was shown, until it is evidence": lied(
    async (world, liar) => {
      const { alice, bob, kc } = await two(world);
      await liar.lie({ kind: "fork" });
      await bob.rotateKey(kc);
      await liar.beHonest();
      await alice.rotateKey(kc);
      await liar.lie({ kind: "show-fork" });
      await fails("Rollback", () => alice.audit.keychain(kc));
      await liar.beHonest();
      const { earlier, later } = await proved(world, bob, await alice.audit.evidence(kc));
      equal([earlier.seq, later.seq], [3, 3], "two heads under one number");
    },
  ),

  "S11 fork: a lost reply makes no evidence": lied(async (world, liar) => {
    const { alice, bob, kc } = await two(world);
    for (const path of ["/entries", "/ledgers", "/wraps"]) {
      await liar.lie({ kind: "lost-reply", path });
      await alice.rotateKey(kc).catch(() => undefined);
      await bob.rotateKey(kc).catch(() => undefined);
      await liar.beHonest();
      await bob.rotateKey(kc);
      await alice.rotateKey(kc);
    }
    const others = [await bob.audit.export(kc), await alice.audit.export(kc)];
    for (const [at, person] of [alice, bob].entries()) {
      await fails("NoEvidence", () => person.audit.evidence(kc));
      const compare = others[at] ?? new Uint8Array();
      ok((await person.audit.compare(kc, compare)).agrees, "both saw the same");
      await fails("NoEvidence", () => person.audit.evidence(kc, { compare }));
    }
  }),

  "an audit of what breaks a rule proves nothing, and what was verified before stands": lied(
    async (world, liar) => {
      const { alice, kc } = await two(world);
      await liar.person("insider");
      await liar.lie({ kind: "inject-rotation", keychain: kc, signer: "insider", author: "insider" });
      await fails("NotAMember", () => alice.audit.keychain(kc));
      await liar.beHonest();
      const audit = await alice.audit.keychain(kc);
      equal(
        audit.entries.map(({ author, actions }) => [author.userId, actions.map(({ kind }) => kind)]),
        [
          ["alice", ["genesis"]],
          ["alice", ["share"]],
          ["bob", ["accept"]],
        ],
        "who did what",
      );
    },
  ),

  "S11 fork: two heads that the server signed under one number are evidence, and the client goes on": lied(
    async (world, liar) => {
      const { alice, bob, kc } = await two(world);
      await liar.lie({ kind: "other-head", keychain: kc });
      await fails("Rollback", () => bob.sync());
      const { earlier, later } = await proved(world, alice, await bob.audit.evidence(kc));
      equal(earlier.seq, later.seq, "the number");
      await liar.beHonest();
      await bob.rotateKey(kc);
      await alice.sync();
      equal((await alice.audit.keychain(kc)).seq, later.seq + 1, "the newest entry");
    },
  ),

  "a server that keeps quiet is no evidence, and what it kept is there once it speaks": lied(
    async (world, liar) => {
      const { alice, bob, kc } = await two(world);
      await liar.lie({ kind: "withhold", keychain: kc });
      await bob.sync();
      const { keyFingerprint } = await alice.rotateKey(kc);
      await bob.sync();
      ok(bob.findKeyByKeychainFingerprint(kc)?.keyFingerprint !== keyFingerprint, "bob does not know of it");
      await fails("NoEvidence", () => bob.audit.evidence(kc));
      await liar.beHonest();
      await bob.sync();
      equal(bob.findKeyByKeychainFingerprint(kc)?.keyFingerprint, keyFingerprint, "the current key");
    },
  ),
};
