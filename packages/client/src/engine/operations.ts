/**
 * What each call does: a few lines each, because the WebAssembly module does the work. Separate from the engine,
 * which knows about turns and tabs and nothing of what is done in them.
 */
import { KeyfoldError } from "../error.js";
import type { Bytes, Progress, PublicUserIdentity } from "../types.js";
import type { Session } from "../wasm/keyfold.js";
import type { Device } from "./device.js";
import { accountAuditFrom, auditedFileFrom, keychainAuditFrom } from "./audit-documents.js";
import {
  banOutcomeFrom,
  incomingShareFrom,
  deviceFrom,
  keyFrom,
  keychainFrom,
  outgoingShareFrom,
  participantFrom,
  recoveryFrom,
} from "./documents.js";
import { type Engine, type Turn, refuseIfLocked } from "./engine.js";
import { type Surroundings, openFile, openFileRange, sealFile } from "./files.js";
import {
  type Home,
  type Register,
  homeOf,
  isBlank,
  loadRegister,
  newHome,
  removeHome,
  useHome,
} from "./homes.js";
import {
  awaitEnrolment,
  devices,
  enrolmentRequests,
  registerEnrolledDevice,
  requestEnrolment,
  revokeDevices,
} from "./enrolling.js";
import { lock, lockDetails, setLock, unlock } from "./locking.js";
import { ContentReader, getFile, getRange } from "./vault-content.js";
import { putFile } from "./vault-upload.js";
import { addRecovery, recover, releaseName, removeRecovery, startRecovery } from "./recovering.js";
import type { Answer, Arguments, Calls, SigningUp } from "./messages.js";

/** What every call may use. */
export interface Call {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Progress) => void;
  /** The stream that came with the call, to be read once. */
  readonly stream: () => ReadableStream<Uint8Array>;
}

type Operations = {
  readonly [M in keyof Calls]: (engine: Engine, args: Arguments<M>, call: Call) => Promise<Answer<M>>;
};

/** The calls, by name. */
export const operations: Operations = {
  signup: (engine, args, { signal }) => engine.turn((turn) => signUp(engine, turn, args), signal),
  askForPasskey: (engine, args, { signal }) =>
    engine.turn((turn) => askForPasskey(engine, turn, args), signal),
  abandonSignup: (engine, { userId }, { signal }) =>
    engine.turn(async (turn) => {
      const home = homeOf(turn.register, userId);
      if (home !== undefined && turn.device?.who() === undefined)
        await discardIfBlank(turn, turn.register, home);
    }, signal),
  login: (engine, args, { signal }) => engine.turn((turn) => logIn(engine, turn, args), signal),
  logout: (engine, args, { signal }) => engine.turn((turn) => logOut(engine, turn, args), signal),
  lock: (engine) => lock(engine),
  lockDetails: (engine, _, { signal }) => engine.turn(lockDetails, signal),
  unlock: (engine, args, { signal }) => unlock(engine, args, signal),
  setLock: (engine, args, { signal }) => setLock(engine, args, signal),
  start: (engine, _, { signal }) => engine.turn((turn) => finishJoining(engine, turn), signal),
  sync: (engine, _, { signal }) =>
    engine.sessionTurn(async (session) => {
      const [stopped] = await session.catchUpAll();
      await session.repair();
      if (stopped === undefined) return;
      const { keychainFingerprint, code } = stopped;
      throw new KeyfoldError(
        code as KeyfoldError["code"],
        `the keychain ${keychainFingerprint} cannot be taken in`,
      );
    }, signal),
  whoAmI: (engine, _, { signal }) =>
    engine.sessionTurn((session) => {
      const { userId, accountId } = session.whoAmI();
      return { userId, accountId };
    }, signal),
  devices: (engine, _, { signal }) => engine.sessionTurn(devices, signal),
  requestEnrolment: (engine, args, { signal }) =>
    engine.turn((turn) => requestEnrolment(engine, turn, args), signal),
  awaitEnrolment: (engine, _, { signal }) => engine.turn((turn) => awaitEnrolment(engine, turn), signal),
  enrolmentRequests: (engine, _, { signal }) => engine.sessionTurn(enrolmentRequests, signal),
  approveDevice: (engine, { code, label }, { signal }) =>
    changingDevices(engine, async (session) => deviceFrom(await session.approveDevice(code, label)), signal),
  declineDevice: (engine, { code }, { signal }) =>
    changingDevices(engine, (session) => session.declineDevice(code), signal),
  enrollNewDevice: (engine, { label, lastsMs }, { signal }) =>
    changingDevices(engine, (session) => session.enrollNewDevice(label, lastsMs), signal),
  registerEnrolledDevice: (engine, args, { signal }) =>
    engine.turn((turn) => registerEnrolledDevice(engine, turn, args), signal),
  rotateDevice: (engine, { label }, { signal }) =>
    changingDevices(engine, async (session) => deviceFrom(await session.rotateDevice(label)), signal),
  revokeDevices: (engine, args, call) =>
    changingDevices(engine, (session) => revokeDevices(session, args, call), call.signal),
  recoveryStatus: (engine, _, { signal }) =>
    engine.sessionTurn(async (session) => {
      const { methods, missing } = await session.recoveryStatus();
      return { methods: methods.map(recoveryFrom), missing };
    }, signal),
  addRecovery: (engine, args, call) => addRecovery(engine, args, call).finally(() => engine.devicesChanged()),
  removeRecovery: (engine, args, call) =>
    removeRecovery(engine, args, call).finally(() => engine.devicesChanged()),
  startRecovery: (engine, args, { signal }) =>
    engine.turn((turn) => startRecovery(engine, turn, args), signal),
  releaseName: (engine, _, { signal }) => engine.turn((turn) => releaseName(engine, turn), signal),
  recover,
  createKeychain: (engine, { purpose, algorithm }, { signal }) =>
    engine.sessionTurn(async (session) => keyFrom(await session.createKeychain(purpose, algorithm)), signal),
  rotate: (engine, { kc }, { signal }) =>
    engine.sessionTurn(async (session) => keyFrom(await session.rotate(kc)), signal),
  deleteKey: (engine, { kc, keyFingerprint }, { signal }) =>
    engine.sessionTurn((session) => session.deleteKey(kc, keyFingerprint), signal),
  identities: (engine, { userIds }, { signal }) =>
    engine.sessionTurn((session) => session.identities([...userIds]), signal),
  safetyNumbers: (engine, { userId }, { signal }) =>
    engine.sessionTurn((session) => session.safetyNumbers(userId), signal),
  compareIdentity: async (engine, { userId, told, accept }, { signal }) => {
    const answer = await engine.sessionTurn(
      (session) => session.compareIdentity(userId, told, accept),
      signal,
    );
    engine.participantsChanged();
    return answer;
  },
  createGroup: (engine, { name, rank }, { signal }) =>
    engine.sessionTurn((session) => session.createGroup(name, rank), signal),
  groups: (engine, _, { signal }) => engine.sessionTurn((session) => session.groups(), signal),
  group: (engine, { name }, { signal }) => engine.sessionTurn((session) => session.group(name), signal),
  share: (engine, { kc, userIds, keys, terms }, { signal }) =>
    engine.sessionTurn((session) => session.share(kc, [...userIds], keys, terms), signal),
  outgoingShares: (engine, _, { signal }) =>
    engine.sessionTurn(async (session) => (await session.outgoingShares()).map(outgoingShareFrom), signal),
  incomingShares: (engine, _, { signal }) =>
    engine.sessionTurn(async (session) => (await session.incomingShares()).map(incomingShareFrom), signal),
  acceptShare: (engine, { kc }, { signal }) =>
    engine.sessionTurn(async (session) => keychainFrom(await session.acceptShare(kc)), signal),
  declineShare: (engine, { kc }, { signal }) =>
    engine.sessionTurn((session) => session.declineShare(kc), signal),
  cancelShare: (engine, { userId, keyFingerprint }, { signal }) =>
    engine.sessionTurn((session) => session.cancelShare(userId, keyFingerprint), signal),
  participants: (engine, { kc, keyFingerprint, pending }, { signal }) =>
    engine.sessionTurn(
      async (session) => (await session.participants(kc, keyFingerprint, pending)).map(participantFrom),
      signal,
    ),
  permissions: (engine, { kc, userId }, { signal }) =>
    engine.sessionTurn((session) => session.permissions(kc, userId), signal),
  setPermissions: (engine, { kc, userId, permissions }, { signal }) =>
    engine.sessionTurn((session) => session.setPermissions(kc, userId, permissions), signal),
  ban: (engine, { kc, userId }, { signal }) =>
    engine.sessionTurn(async (session) => banOutcomeFrom(await session.ban(kc, userId)), signal),
  owners: (engine, { kc }, { signal }) => engine.sessionTurn((session) => session.owners(kc), signal),
  propose: (engine, { kc, decision, subject }, { signal }) =>
    engine.sessionTurn((session) => session.propose(kc, decision, subject), signal),
  approve: (engine, { kc, proposal }, { signal }) =>
    engine.sessionTurn((session) => session.approve(kc, proposal), signal),
  auditKeychain: (engine, { kc }, { signal }) =>
    engine.sessionTurn(async (session) => keychainAuditFrom(await session.audit(kc)), signal),
  auditAccount: (engine, { userId }, { signal }) =>
    engine.sessionTurn(async (session) => {
      const [identity] = await session.identities([userId]);
      if (identity === undefined || identity === null)
        throw new KeyfoldError("UnknownUser", `nobody on this server is called ${userId}`);
      return accountAuditFrom(await session.audit(identity.accountId));
    }, signal),
  exportAudit: (engine, { kc }, { signal }) =>
    engine.sessionTurn((session) => session.exportAudit(kc), signal),
  compareAudit: (engine, { kc, file }, { signal }) =>
    engine.sessionTurn((session) => session.compareAudit(kc, file), signal),
  evidence: (engine, { kc, file }, { signal }) =>
    engine.sessionTurn((session) => session.evidence(kc, file), signal),
  verifyAuditFile: async (engine, { file, serverKey }) =>
    auditedFileFrom((await engine.module()).verifyAuditFile(file, serverKey)),
  indexGet: (engine, { kc, name, keys, now }, { signal }) =>
    engine.sessionTurn((session) => session.indexGet(kc, name, [...keys], now), signal),
  indexRange: (engine, { kc, name, tree, query, limit, now }, { signal }) =>
    engine.sessionTurn((session) => session.indexRange(kc, name, tree, query, limit, now), signal),
  indexCount: (engine, { kc, name, tree, query }, { signal }) =>
    engine.sessionTurn((session) => session.indexCount(kc, name, tree, query), signal),
  indexIsChanged: (engine, { kc, name, tree, query, since }, { signal }) =>
    engine.sessionTurn((session) => session.indexIsChanged(kc, name, tree, query, since), signal),
  indexCommit: async (engine, { kc, name, changes, generation }, { signal }) => {
    const commit = (session: Session) => session.indexCommit(kc, name, [...changes], generation);
    const committed = await engine.sessionTurn(commit, signal);
    // Of all else the server tells.
    if (committed.outcome === "waits") engine.indexChanged(committed.keychainFingerprint, committed.indexId);
    return committed;
  },
  indexKeep: async (engine, { kc, name, changes, shown }, { signal }) => {
    const keep = (session: Session) => session.indexKeep(kc, name, [...changes], [...shown]);
    const committed = await engine.sessionTurn(keep, signal);
    engine.indexChanged(committed.keychainFingerprint, committed.indexId);
    return committed;
  },
  indexSend: (engine, { kc, name }, { signal }) =>
    engine.sessionTurn((session) => session.indexSend(kc, name), signal),
  indexSendDerived: (engine, { kc, name, id, changes, generation }, { signal }) =>
    engine.sessionTurn((session) => session.indexSendDerived(kc, name, id, [...changes], generation), signal),
  indexWaiting: (engine, { kc, name }, { signal }) =>
    engine.sessionTurn((session) => session.indexWaiting(kc, name), signal),
  indexGiveUp: async (engine, { kc, name }, { signal }) => {
    const given = await engine.sessionTurn((session) => session.indexGiveUp(kc, name), signal);
    if (given.count > 0) engine.indexChanged(given.keychainFingerprint, given.indexId);
    return given.count;
  },
  vaultList: (engine, { kc, path }, { signal }) =>
    engine.sessionTurn((session) => session.vaultList(kc, path), signal),
  vaultStat: (engine, { kc, path }, { signal }) =>
    engine.sessionTurn((session) => session.vaultStat(kc, path), signal),
  vaultVersions: (engine, { kc, path }, { signal }) =>
    engine.sessionTurn((session) => session.vaultVersions(kc, path), signal),
  vaultRestore: (engine, { kc, path, version }, { signal }) =>
    engine.sessionTurn((session) => session.vaultRestore(kc, path, version), signal),
  vaultCreateFolder: (engine, { kc, path }, { signal }) =>
    engine.sessionTurn((session) => session.vaultCreateFolder(kc, path), signal),
  vaultRename: (engine, { kc, from, to }, { signal }) =>
    engine.sessionTurn((session) => session.vaultRename(kc, from, to), signal),
  vaultRemove: (engine, { kc, path, recursive }, { signal }) =>
    engine.sessionTurn((session) => session.vaultRemove(kc, path, recursive), signal),
  vaultStillReadable: (engine, { kc }, { signal }) =>
    engine.sessionTurn((session) => session.vaultStillReadable(kc), signal),
  vaultSweep: (engine, { kc }, { signal }) => engine.sessionTurn((session) => session.vaultSweep(kc), signal),
  vaultPut: async (engine, args, call) => putFile(await around(engine, call), args, call.stream),
  vaultGet: async (engine, args, call) => getFile(await around(engine, call), args),
  vaultGetRange: async (engine, args, call) => getRange(await around(engine, call), args),
  vaultOpen: async (engine, { reader: name, ...which }, call) => {
    const reader = await ContentReader.open(await around(engine, call), which);
    engine.readers.put(name, reader);
    return reader.item;
  },
  vaultRead: async (engine, { reader: name, start, end }, call) => {
    const reader = engine.readers.of(name);
    const bytes = await reader.read(await around(engine, call), start, end);
    reader.prefetch(end);
    return bytes;
  },
  vaultClose: async (engine, { reader }) => engine.readers.close(reader),
  encryptValue: (engine, { kc, value, context }, { signal }) =>
    engine.sessionTurn(async (session) => (await session.encryptValue(kc, value, context)).text, signal),
  decryptValue: (engine, { text, context }, { signal }) =>
    engine.sessionTurn((session) => session.decryptValue(text, context), signal),
  sign: (engine, { items }, { signal }) => engine.sessionTurn((session) => session.sign([...items]), signal),
  verifySignature: async (engine, { signature, publicKey, items }) =>
    (await engine.module()).verifySignature(signature, publicKey, [...items]),
  encryptFile: async (engine, args, call) => sealFile(await around(engine, call), args),
  decryptFile: async (engine, args, call) => openFile(await around(engine, call), args),
  decryptFileRange: async (engine, args, call) => openFileRange(await around(engine, call), args),
};

async function signUp(engine: Engine, turn: Turn, args: Arguments<"signup">): Promise<PublicUserIdentity> {
  const { userId, token, passkey } = args;
  const { home, register } = await newcomersHome(engine, turn, args);
  const device = await inUse(turn, home);
  const { serverURL, serverKeys } = engine.config;
  try {
    await device.session.signUp(userId, serverURL, [...serverKeys], token, passkey);
  } catch (thrown) {
    await discardIfBlank(turn, register, home);
    throw thrown;
  }
  await turn.store.commit([useHome(register, home)]);
  engine.deviceIs(userId, true);
  return ownIdentity(device.session);
}

/** What devices and ways back there are is another answer afterwards, also if it was given up halfway. */
async function changingDevices<T>(
  engine: Engine,
  work: (session: Session) => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  try {
    return await engine.sessionTurn(work, signal);
  } finally {
    engine.devicesChanged();
  }
}

/** Whoever was let in while nobody looked is in. What cannot be found out now is found out at the next call. */
async function finishJoining(engine: Engine, { device }: Turn): Promise<void> {
  if (device === undefined || device.who() !== undefined) return;
  const isIn = await device.session.finishJoining().catch(() => false);
  if (isIn) engine.deviceIs(device.home.userId, true);
}

/** What the server's gate asks the device that is to come in. The device stays, for it is the one that is to answer. */
async function askForPasskey(engine: Engine, turn: Turn, args: Arguments<"askForPasskey">): Promise<string> {
  const { home, register } = await newcomersHome(engine, turn, args);
  const device = await inUse(turn, home);
  const { serverURL, serverKeys } = engine.config;
  try {
    const name = args.makes ? args.userId : undefined;
    const options = await device.session.askForPasskey(serverURL, [...serverKeys], name);
    await turn.use(undefined);
    return options;
  } catch (thrown) {
    await discardIfBlank(turn, register, home);
    throw thrown;
  }
}

/** The home of somebody who comes in: from an earlier attempt, or a new one. */
export async function newcomersHome(
  engine: Engine,
  turn: Turn,
  { userId, replaceLost, knownUsers }: SigningUp,
): Promise<{ home: Home; register: Register }> {
  refuseIfLocked(turn);
  refuseIfIn(turn.device, undefined);
  engine.remember(knownUsers);
  const { store, wasm, register } = turn;
  const home = homeOf(register, userId);
  if (home !== undefined) return { home, register };
  // Records that are gone must not become another account by accident.
  if (engine.isKnown(userId) && !replaceLost) throw engine.noDevice(userId, register);
  // Not copied: the store wipes what it was given.
  const made = newHome(register, userId, wasm.generateDevice() as Bytes);
  await store.commit(made.puts);
  return { home: made.home, register: await loadRegister(store) };
}

async function logIn(engine: Engine, turn: Turn, args: Arguments<"login">): Promise<PublicUserIdentity> {
  const { userId, knownUsers } = args;
  const { register, store } = turn;
  refuseIfLocked(turn);
  engine.remember(knownUsers);
  if (userId !== undefined) refuseIfIn(turn.device, userId);
  const current = userId === undefined || turn.device?.home.userId === userId ? turn.device : undefined;
  const named = userId === undefined ? onlyOne(register) : homeOf(register, userId);
  const home = current?.home ?? named;
  if (home === undefined) throw engine.noDevice(userId, register);
  const device = current ?? (await inUse(turn, home));
  await finishJoining(engine, { ...turn, device });
  const who = device.who();
  if (who === undefined)
    throw new KeyfoldError("NoHome", `${home.userId} has not come in on this device yet`);
  await engine.checkServer(device, who);
  // Who is in already needs no server for it: pages call this whenever they load.
  if (!who.loggedIn || device.isEnded) {
    await device.session.logIn();
    device.isEnded = false;
  }
  if (register.current !== home.id) await store.commit([useHome(register, home)]);
  engine.deviceIs(home.userId, true);
  return ownIdentity(device.session);
}

async function logOut(
  engine: Engine,
  turn: Turn,
  { forget, everywhere }: Arguments<"logout">,
): Promise<void> {
  const { home, device, store, register, use } = turn;
  // Whoever forgot what unlocks it may remove it; the server is not told, as only the device could.
  if (everywhere || !forget) refuseIfLocked(turn);
  const who = device?.who();
  if (home === undefined) return;
  let refusal: KeyfoldError | undefined;
  if (who !== undefined && (everywhere || who.loggedIn)) {
    try {
      await (everywhere ? device?.session.logOutEverywhere() : device?.session.logOut());
    } catch (thrown) {
      refusal = KeyfoldError.from(thrown);
    }
  }
  if (forget) {
    await store.commit(await removeHome(store, register, home));
    await store.tidy?.();
    await use(undefined);
    engine.deviceIs(home.userId, false);
  }
  if (refusal !== undefined) throw refusal;
}

export async function inUse({ use }: Turn, home: Home): Promise<Device> {
  const device = await use(home);
  if (device === undefined) throw new KeyfoldError("Internal", "a home without a device");
  return device;
}

/** Only one person is logged in at a time. */
function refuseIfIn(device: Device | undefined, butNot: string | undefined): void {
  const who = device?.who();
  if (who?.loggedIn !== true || who.userId === butNot) return;
  throw new KeyfoldError("HomeExists", `${who.userId} is logged in here`);
}

function onlyOne({ homes }: Register): Home | undefined {
  return homes.length === 1 ? homes[0] : undefined;
}

/** A sign-up that came to nothing leaves nothing. One whose answer may have been lost stays, to be repeated. */
export async function discardIfBlank({ store, use }: Turn, register: Register, home: Home): Promise<void> {
  await use(undefined);
  if (await isBlank(store, home)) await store.commit(await removeHome(store, register, home));
}

export function ownIdentity(session: Session): PublicUserIdentity {
  const identity = session.ownIdentity();
  if (identity === undefined) throw new KeyfoldError("Internal", "somebody who logged in has no identity");
  return identity;
}

/** Files take turns only for their heads and signatures: the bytes of a large one hold nobody up. */
async function around(engine: Engine, { signal, onProgress }: Call): Promise<Surroundings> {
  const turn: Surroundings["turn"] = (work) => engine.sessionTurn(work, signal);
  return { wasm: await engine.module(), turn, signal, onProgress };
}
