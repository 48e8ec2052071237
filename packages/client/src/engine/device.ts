/** One person's device at work in this engine: its session, and how far its events were told here. */
import { KeyfoldError } from "../error.js";
import { Session, type WhoAmI } from "../wasm/keyfold.js";
import { type Home, loadSeed } from "./homes.js";
import { SessionHost } from "./host.js";
import type { EngineConfig } from "./messages.js";
import type { Store } from "./store/store.js";
import { release } from "./traps.js";

/** A device at work. */
export class Device {
  readonly home: Home;
  readonly session: Session;
  readonly host: SessionHost;
  /** Number of the next event to tell. */
  position = 0;
  /** How many of the host's commits the state that was told last takes in. */
  commits = 0;
  /** Whether the server said that the session ended, while the keys are still here. */
  isEnded = false;
  /** Whether it was told that the account has this device no more. */
  isOut = false;

  private constructor(home: Home, session: Session, host: SessionHost) {
    this.home = home;
    this.session = session;
    this.host = host;
  }

  /** Reads a device from its home. */
  static async open(
    store: Store,
    home: Home,
    acceptShares: EngineConfig["acceptShares"],
    signal: () => AbortSignal | undefined,
  ): Promise<Device> {
    const seed = await loadSeed(store, home);
    if (seed === undefined) throw new KeyfoldError("Internal", `the device of ${home.userId} has no seed`);
    const host = new SessionHost(store, home.id, signal);
    const session = new Session(host, seed);
    seed.fill(0);
    const device = new Device(home, session, host);
    try {
      session.acceptShares(acceptShares);
      await session.refresh();
    } catch (thrown) {
      device.free();
      throw host.takeFault() ?? thrown;
    }
    device.position = session.untold();
    return device;
  }

  /** Whose device it is; `undefined` before it was signed up. */
  who(): WhoAmI | undefined {
    try {
      return this.session.whoAmI();
    } catch (thrown) {
      if (KeyfoldError.from(thrown).code === "NoHome") return undefined;
      throw thrown;
    }
  }

  /** Drops all secrets. */
  free(): void {
    this.host.close();
    release(this.session);
  }
}
