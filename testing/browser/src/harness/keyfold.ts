/** A real `keyfold serve` on an empty folder and a free port. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { keyfoldBinary } from "./place.ts";
import { ownPort } from "./port.ts";
import { Service } from "./service.ts";

/** A server under test. */
export class Keyfold {
  private constructor(
    private service: Service,
    /** Everything that it stores: `data` and `secrets`. */
    readonly folder: string,
    private readonly options: readonly string[],
  ) {}

  /**
   * Starts one.
   *
   * @param options - Of `keyfold serve`, beside where it listens and stores.
   * @throws If it does not start.
   */
  static async start(options: readonly string[] = []): Promise<Keyfold> {
    const folder = await mkdtemp(join(tmpdir(), "keyfold-server-"));
    return new Keyfold(await serve(folder, `127.0.0.1:${await ownPort()}`, options), folder, options);
  }

  /** Where it answers, without a slash at the end. */
  get url(): string {
    return this.service.text("url");
  }

  /** Its public key: 43 characters. */
  get key(): string {
    return this.service.text("serverKey");
  }

  /** Ends it as a power cut would; what it stored stays. */
  async kill(): Promise<void> {
    await this.service.kill();
  }

  /** Starts it again, on the same folder and address. */
  async restart(): Promise<void> {
    const { host } = new URL(this.url);
    await this.kill();
    this.service = await serve(this.folder, host, this.options);
  }

  /** Ends it and removes what it stored. */
  async remove(): Promise<void> {
    await this.kill();
    await rm(this.folder, { recursive: true, force: true });
  }
}

async function serve(folder: string, listen: string, options: readonly string[]): Promise<Service> {
  const places = ["--data", join(folder, "data"), "--secrets", join(folder, "secrets")];
  return await Service.start(keyfoldBinary(), ["serve", ...places, "--listen", listen, "--json", ...options]);
}
