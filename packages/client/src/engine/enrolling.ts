/**
 * What the calls about devices do: one comes in because another lets it in, or by a text; and one goes. Separate from
 * the other operations, because some of these work while no account is here.
 */
import type { Device as OwnDevice, DeviceRequest, DeviceRequested } from "../device-types.js";
import { KeyfoldError } from "../error.js";
import type { PublicUserIdentity } from "../types.js";
import { deviceFrom } from "./documents.js";
import type { Engine, Turn } from "./engine.js";
import { type Home, type Register, removeHome, useHome } from "./homes.js";
import type { Arguments } from "./messages.js";
import { type Call, discardIfBlank, inUse, newcomersHome, ownIdentity } from "./operations.js";
import type { Spelled } from "./recovery-messages.js";
import type { Session } from "../wasm/keyfold.js";

/** A device that has no account yet, and what is done with it; without success it leaves nothing. */
export async function withNewcomer<T>(
  engine: Engine,
  turn: Turn,
  who: { readonly userId: string; readonly knownUsers: readonly string[] },
  work: (session: Session, home: Home, register: Register) => Promise<T>,
): Promise<T> {
  // Records that are gone are the reason to be here.
  const { home, register } = await newcomersHome(engine, turn, { ...who, replaceLost: true });
  const device = await inUse(turn, home);
  try {
    const done = await work(device.session, home, register);
    await turn.store.commit([useHome(register, home)]);
    return done;
  } catch (thrown) {
    await discardIfBlank(turn, register, home);
    throw thrown;
  }
}

/** Asks to be let in. */
export function requestEnrolment(
  engine: Engine,
  turn: Turn,
  { label, token, passkey, ...who }: Arguments<"requestEnrolment">,
): Promise<Spelled<DeviceRequested>> {
  const { serverURL, serverKeys } = engine.config;
  return withNewcomer(engine, turn, who, async (session) => {
    const keys = [...serverKeys];
    const asked = await session.requestEnrolment(who.userId, label, serverURL, keys, token, passkey);
    return { ...asked, expiresAt: new Date(asked.expiresAt) };
  });
}

/** Waits some seconds for the answer. One that is no forgets the device. */
export async function awaitEnrolment(engine: Engine, turn: Turn): Promise<PublicUserIdentity | null> {
  const { device, store, register, use } = turn;
  if (device === undefined) throw engine.noDevice(undefined, register);
  try {
    const who = await device.session.awaitEnrolment();
    if (who === undefined) return null;
    engine.deviceIs(who.userId, true);
    return ownIdentity(device.session);
  } catch (thrown) {
    const { code } = KeyfoldError.from(thrown);
    if (code === "UnknownEnrolment" && device.who() === undefined) {
      await store.commit(await removeHome(store, register, device.home));
      await use(undefined);
    }
    throw thrown;
  }
}

/** The devices that ask. */
export async function enrolmentRequests(session: Session): Promise<Spelled<DeviceRequest>[]> {
  const requests = await session.enrolmentRequests();
  return requests.map((request) => ({ ...request, expiresAt: new Date(request.expiresAt) }));
}

/** Comes in by a text of another device. */
export async function registerEnrolledDevice(
  engine: Engine,
  turn: Turn,
  { uri }: Arguments<"registerEnrolledDevice">,
): Promise<PublicUserIdentity> {
  const { userId, serverUrl, serverKey } = turn.wasm.readEnrolmentText(uri);
  engine.checkAddress(serverUrl);
  if (!engine.config.serverKeys.includes(serverKey)) {
    throw new KeyfoldError(
      "WrongServerKey",
      "the text names a server's key that is none of those that you name",
    );
  }
  return withNewcomer(engine, turn, { userId, knownUsers: [] }, async (session) => {
    await session.registerEnrolledDevice(uri);
    engine.deviceIs(userId, true);
    return ownIdentity(session);
  });
}

/** Takes devices out, and what they could read with them. The rest is gone on with later if it is interrupted here. */
export async function revokeDevices(
  session: Session,
  { deviceIds, keep }: Arguments<"revokeDevices">,
  { onProgress }: Call,
): Promise<{ deviceIds: readonly string[]; generation: number }> {
  const revoked = await session.revokeDevices([...deviceIds], [...keep]);
  await session.repairTelling(steps(onProgress));
  return revoked;
}

/** Steps as progress, which never goes back: what is found to be due on the way makes it no smaller. */
export function steps(onProgress: Call["onProgress"]): (done: number, all: number) => void {
  return (done, all) => onProgress({ loaded: done, total: all });
}

/** One's own devices. */
export async function devices(session: Session): Promise<OwnDevice[]> {
  return (await session.devices()).map(deviceFrom);
}
