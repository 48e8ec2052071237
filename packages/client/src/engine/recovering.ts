/**
 * What the calls about ways back do. The second module turns what a person kept into a secret, outside of turns, for
 * that takes a while; the first one does the rest with it. Nothing of either is stored.
 */
import type { RecoveryMethod, RecoveryStarted, Recovered } from "../device-types.js";
import { decodeBase64url } from "../encoding.js";
import { KeyfoldError } from "../error.js";
import type { Bytes } from "../types.js";
import type { Session } from "../wasm/keyfold.js";
import type { RegisteredPassword } from "../wasm/keyfold_recovery.js";
import { recoveryFrom } from "./documents.js";
import { steps, withNewcomer } from "./enrolling.js";
import type { Engine, Turn } from "./engine.js";
import { removeHome } from "./homes.js";
import type { Arguments } from "./messages.js";
import { type Call, ownIdentity } from "./operations.js";
import type { GivenSecret, MadeRecovery, NewSecret } from "./recovery-messages.js";

/** The secret of a way back, 32 bytes. */
interface Secret {
  readonly method: GivenSecret["method"];
  readonly bytes: Bytes;
}

/** A new secret, what its owner keeps of it, and for a password the server's record. */
interface Made extends Omit<MadeRecovery, "recovery"> {
  readonly secret: Bytes;
  readonly record?: Bytes;
}

/** How to ask the server for its part of a password: of somebody who is in, or who comes back. */
type Ask = (ask: (session: Session) => Promise<Bytes>) => Promise<Bytes>;

/** Keeps a further way back, or one in the place of another. */
export async function addRecovery(
  engine: Engine,
  { made, label, replaces }: Arguments<"addRecovery">,
  { signal }: Call,
): Promise<MadeRecovery> {
  const account = await engine.sessionTurn((session) => session.whoAmI().accountId, signal);
  const ask: Ask = (work) => engine.sessionTurn(work, signal);
  const former =
    replaces && (await givenSecret(engine, replaces, account, ask, () => ownMethods(engine, signal)));
  try {
    const { secret, record, numbers, texts } = await newSecret(engine, made, account, ask);
    try {
      return await engine.sessionTurn(async (session, { wasm }) => {
        const way = new wasm.WayBack(made.method, secret);
        const instead = former && new wasm.WayBack(former.method, former.bytes);
        try {
          const recovery = recoveryFrom(await session.addRecovery(way, label, record, instead));
          if (former !== undefined) await session.repair();
          return { recovery, numbers, texts };
        } finally {
          way.free();
        }
      }, signal);
    } finally {
      secret.fill(0);
    }
  } finally {
    former?.bytes.fill(0);
  }
}

/** Takes a way back away. */
export async function removeRecovery(
  engine: Engine,
  { recoveryId, by }: Arguments<"removeRecovery">,
  { signal }: Call,
): Promise<void> {
  const account = await engine.sessionTurn((session) => session.whoAmI().accountId, signal);
  const ask: Ask = (work) => engine.sessionTurn(work, signal);
  const secret = await givenSecret(engine, by, account, ask, () => ownMethods(engine, signal));
  await engine.sessionTurn(async (session, { wasm }) => {
    const way = new wasm.WayBack(secret.method, secret.bytes);
    secret.bytes.fill(0);
    try {
      await session.removeRecovery(recoveryId, way);
      await session.repair();
    } finally {
      way.free();
    }
  }, signal);
}

/** Signs in with a device that the account does not have. */
export function startRecovery(
  engine: Engine,
  turn: Turn,
  { token, passkey, ...who }: Arguments<"startRecovery">,
): Promise<RecoveryStarted> {
  const { serverURL, serverKeys } = engine.config;
  return withNewcomer(engine, turn, who, async (session) => {
    const started = await session.startRecovery(who.userId, serverURL, [...serverKeys], token, passkey);
    return { ...started, methods: started.methods.map(recoveryFrom) };
  });
}

/** Lets go of the user id. What this device saw of the account that had it goes too. */
export async function releaseName(engine: Engine, turn: Turn): Promise<void> {
  await sessionOf(engine, turn).releaseName();
  const { home, register, store, use } = turn;
  if (home !== undefined) await store.commit(await removeHome(store, register, home));
  await use(undefined);
}

/** Comes back with this device. */
export async function recover(
  engine: Engine,
  { started, secret: given, label, revoke }: Arguments<"recover">,
  { signal, onProgress }: Call,
): Promise<Recovered> {
  const { accountId, methods } = started;
  const ask: Ask = (work) => engine.turn((turn) => work(sessionOf(engine, turn)), signal);
  const secret = await givenSecret(engine, given, accountId, ask, async () => methods);
  const recovered = await engine.turn(async (turn) => {
    const session = sessionOf(engine, turn);
    const way = new turn.wasm.WayBack(secret.method, secret.bytes);
    secret.bytes.fill(0);
    try {
      const { revokedDeviceIds, removedRecoveryIds, userId } = await session.recover(
        way,
        label,
        typeof revoke === "string" ? revoke : [...revoke],
      );
      engine.deviceIs(userId, true);
      return { identity: ownIdentity(session), revokedDeviceIds, removedRecoveryIds };
    } finally {
      way.free();
    }
  }, signal);
  // One is in. What cannot be caught up with now, the connection brings.
  await engine
    .sessionTurn(async (session) => {
      await session.catchUpAll();
      await session.repairTelling(steps(onProgress));
    }, signal)
    .catch(() => undefined);
  return recovered;
}

/** The session in which the person signed in to come back. */
function sessionOf(engine: Engine, { device, register }: Turn): Session {
  if (device === undefined) throw engine.noDevice(undefined, register);
  return device.session;
}

async function ownMethods(engine: Engine, signal: AbortSignal): Promise<readonly RecoveryMethod[]> {
  const { methods } = await engine.sessionTurn((session) => session.recoveryStatus(), signal);
  return methods.map(recoveryFrom);
}

async function newSecret(engine: Engine, made: NewSecret, accountId: string, ask: Ask): Promise<Made> {
  const nothing = { numbers: undefined, texts: undefined };
  const account = decodeBase64url(accountId);
  switch (made.method) {
    case "paper":
      return engine.recovery((wasm) => {
        const secret = wasm.generateRecoverySecret();
        return { ...nothing, secret, numbers: wasm.paperNumbers(secret) };
      });
    case "shares":
      return engine.recovery((wasm) => {
        const { secret, texts } = new wasm.SharedSecret(account, made.needed, made.count);
        return { ...nothing, secret, texts };
      });
    case "password": {
      const { password } = made;
      const { request, state } = await engine.recovery((wasm) => begun(wasm.registerPassword(password)));
      const response = await ask((session) => session.registerPassword(request));
      const { secret, record } = await engine.recovery((wasm) =>
        registered(wasm.finishRegistration(password, state, response, account)),
      );
      state.fill(0);
      return { ...nothing, secret, record };
    }
    case "passkey":
      return { ...nothing, secret: made.secret };
  }
}

/** The secret of what a person kept. Of a password the server is asked, once for each that the account has. */
async function givenSecret(
  engine: Engine,
  given: GivenSecret,
  accountId: string,
  ask: Ask,
  methods: () => Promise<readonly RecoveryMethod[]>,
): Promise<Secret> {
  const { method } = given;
  switch (given.method) {
    case "paper":
      return { method, bytes: await engine.recovery((wasm) => wasm.paperSecret(given.numbers)) };
    case "shares": {
      const account = decodeBase64url(accountId);
      return {
        method,
        bytes: await engine.recovery((wasm) => wasm.combineShares([...given.texts], account)),
      };
    }
    case "passkey":
      return { method, bytes: given.secret };
    case "password":
      return { method, bytes: await passwordSecret(engine, given.password, accountId, ask, await methods()) };
  }
}

async function passwordSecret(
  engine: Engine,
  password: string,
  accountId: string,
  ask: Ask,
  methods: readonly RecoveryMethod[],
): Promise<Bytes> {
  let refusal: unknown = new KeyfoldError("NoRecovery", "the account has no password as a way back");
  for (const { recoveryId } of methods.filter(({ method }) => method === "password")) {
    const { request, state } = await engine.recovery((wasm) => begun(wasm.tryPassword(password)));
    const response = await ask((session) => session.tryPassword(recoveryId, request));
    try {
      return await engine.recovery((wasm) =>
        wasm.finishPassword(password, state, response, decodeBase64url(accountId)),
      );
    } catch (thrown) {
      refusal = thrown;
    } finally {
      state.fill(0);
    }
  }
  throw refusal;
}

/** Read while the instance is there. */
function begun({ request, state }: { request: Bytes; state: Bytes }): { request: Bytes; state: Bytes } {
  return { request, state };
}

function registered({ secret, record }: RegisteredPassword): { secret: Bytes; record: Bytes } {
  return { secret, record };
}
