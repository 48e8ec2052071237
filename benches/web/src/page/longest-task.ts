/** The longest time for which the page's thread did not come round to a message: what a person feels as a freeze. */
export class LongestTask {
  #longest = 0;
  #last = performance.now();
  #stopped = false;
  readonly #channel = new MessageChannel();

  constructor() {
    this.#channel.port1.onmessage = () => {
      const now = performance.now();
      this.#longest = Math.max(this.#longest, now - this.#last);
      this.#last = now;
      if (!this.#stopped) setTimeout(() => this.#channel.port2.postMessage(null), 0);
    };
    this.#channel.port2.postMessage(null);
  }

  /** Milliseconds. */
  async stop(): Promise<number> {
    await new Promise((resolve) => setTimeout(resolve, 5));
    this.#stopped = true;
    this.#channel.port1.close();
    return this.#longest;
  }
}
