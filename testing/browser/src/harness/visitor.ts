/**
 * A person's browser: one profile with storage of its own, and its tabs. What a page or a worker complains about is
 * collected, because a test that passes while the console is red has not seen what its user sees.
 */

import type { Browser, BrowserContext, CDPSession, Page } from "playwright-core";
import { eventually } from "../assert.ts";
import type { Scenarios } from "../scenario.ts";
import type { Site } from "./site.ts";

declare global {
  /** In a tab that `Visitor.tab` opened: the client's module. */
  var keyfold: typeof import("@keyfold/client");
  /** In a tab: whatever a test wants to find again in its next `evaluate`. */
  var kept: Record<string, any>;
  /** In a tab: the scenarios of a module. */
  var scenario: (name: string) => Promise<Scenarios>;
  /** In a tab: settled when the client's module was loaded. */
  var ready: Promise<void>;
}

/** One profile. */
export class Visitor {
  private readonly complaints: string[] = [];
  private readonly expected: RegExp[] = [];

  private constructor(
    /** Playwright's side of it: offline, permissions, init scripts, storage. */
    readonly context: BrowserContext,
    private readonly site: Site,
  ) {}

  /** Somebody new, who has never been at the site. */
  static async arrive(browser: Browser, site: Site): Promise<Visitor> {
    const context = await browser.newContext();
    const visitor = new Visitor(context, site);
    context.on("page", (page) => visitor.listen(page));
    context.on("console", (message) => {
      if (message.type() !== "error") return;
      const { url } = message.location();
      // The status of an answer by the Keyfold server is what the client reports; the site's files must all be there.
      const answered = message.text().startsWith("Failed to load resource") && !url.startsWith(site.url);
      if (!answered) visitor.complaints.push(`console: ${message.text()} (${url})`);
    });
    return visitor;
  }

  /** A tab at the site, with the client's module in `globalThis.keyfold` and an empty `globalThis.kept`. */
  async tab(path = "/"): Promise<Page> {
    const page = await this.context.newPage();
    await page.goto(this.site.url + path);
    await page.evaluate(() => globalThis.ready);
    return page;
  }

  /** Loads a tab again, as a person does, and the client's module with it. */
  async reload(page: Page): Promise<void> {
    await page.reload();
    await page.evaluate(() => globalThis.ready);
  }

  /** The DevTools protocol of a tab. */
  async devtools(page: Page): Promise<CDPSession> {
    return await this.context.newCDPSession(page);
  }

  /**
   * Freezes a tab, as a browser does with those that nobody looks at: not in the middle of a turn, which browsers do not
   * do either as long as a Web Lock is held.
   *
   * @returns What wakes it.
   */
  async freeze(page: Page): Promise<() => Promise<void>> {
    const isBusy = (): Promise<boolean> =>
      page.evaluate(async () => {
        const { held = [] } = await navigator.locks.query();
        return held.some(({ name }) => name?.endsWith(":turn"));
      });
    await eventually("nobody has a turn", async () => !(await isBusy()));
    const devtools = await this.devtools(page);
    await devtools.send("Page.setWebLifecycleState", { state: "frozen" });
    return async () => {
      await devtools.send("Page.setWebLifecycleState", { state: "active" });
    };
  }

  /**
   * How many bytes the site may store from now on; `undefined` lifts it. Chromium remembers for a while how much room a
   * database had: set it before the database is first written to, or write until it is felt.
   */
  async quota(page: Page, bytes: number | undefined): Promise<void> {
    const devtools = await this.devtools(page);
    const limit = bytes === undefined ? {} : { quotaSize: bytes };
    await devtools.send("Storage.overrideQuotaForOrigin", { origin: this.site.url, ...limit });
  }

  /** Kills the process of a tab and its workers, as a crash would: nothing in it gets a last word. */
  async kill(page: Page): Promise<void> {
    this.expect(/crash/i);
    const crashed = page.waitForEvent("crash");
    const devtools = await this.devtools(page);
    // The answer never comes: who would send it is gone.
    devtools.send("Page.crash").catch(() => undefined);
    await crashed;
  }

  /** Complaints that match are part of the test. */
  expect(...patterns: RegExp[]): void {
    this.expected.push(...patterns);
  }

  /** What nobody expected, so far. */
  unexpected(): string[] {
    return this.complaints.filter((complaint) => !this.expected.some((pattern) => pattern.test(complaint)));
  }

  /** Closes all tabs and forgets the profile. */
  async leave(): Promise<void> {
    await this.context.close();
  }

  private listen(page: Page): void {
    page.on("pageerror", (error) => this.complaints.push(`page: ${error.stack ?? error.message}`));
    page.on("crash", () => this.complaints.push("page: crash"));
  }
}
