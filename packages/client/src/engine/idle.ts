/**
 * Whether anybody is still there. Looked at by the clock on the wall, because machines that sleep are idle too, and
 * timers do not count while they do.
 */

/** A timer that was late because the machine slept is not later than this after it woke. */
const LOOK_MS = 15_000;
/** Other tabs are told no more often that somebody is there. */
const TELL_MS = 1_000;

/** Notices that nobody was there for long. */
export class Idle {
  readonly #over: () => void;
  readonly #tell: () => void;
  #limit: number | null = null;
  #last = Date.now();
  #toldAt = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `over` is called when nobody was there for as long as the limit says; `tell` tells other tabs that somebody is. */
  constructor(over: () => void, tell: () => void) {
    this.#over = over;
    this.#tell = tell;
  }

  /** How long nobody may be there, in milliseconds; `null`: for ever. Counts from now on. */
  limit(milliseconds: number | null): void {
    this.#limit = milliseconds;
    this.#last = Date.now();
    this.#plan(milliseconds ?? 0);
  }

  /** Somebody is there: in this tab, or in another that said so. */
  touch(isHere: boolean): void {
    // Not after it is over: whoever comes back to a machine that slept finds it locked.
    if (this.#limit === null || this.isOver) return;
    this.#last = Date.now();
    if (!isHere || this.#last - this.#toldAt < TELL_MS) return;
    this.#toldAt = this.#last;
    this.#tell();
  }

  /** Whether nobody was there for too long. A clock that was set counts as much as the time that passed. */
  get isOver(): boolean {
    return this.#limit !== null && Math.abs(Date.now() - this.#last) >= this.#limit;
  }

  close(): void {
    this.#limit = null;
    clearTimeout(this.#timer);
  }

  #plan(milliseconds: number): void {
    clearTimeout(this.#timer);
    if (this.#limit === null) return;
    this.#timer = setTimeout(() => this.#look(), Math.min(milliseconds, LOOK_MS));
    // In Node, what waits for nobody keeps no process alive.
    if (typeof this.#timer === "object") (this.#timer as { unref?(): void }).unref?.();
  }

  #look(): void {
    // Until it is locked, which sets another limit: what failed is tried again.
    this.#plan(this.isOver ? LOOK_MS : (this.#limit ?? 0) - Math.abs(Date.now() - this.#last));
    if (this.isOver) this.#over();
  }
}
