/** The stage of the story: a real Keyfold server that can lie, the demo's own, and one browser at its page. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type Browser, chromium, type Locator, type Page } from "playwright-core";
import { inject } from "vitest";
import type {} from "../../../testing/browser/src/harness/launch.ts";
import { built, root } from "../../../testing/browser/src/harness/place.ts";
import { Service } from "../../../testing/browser/src/harness/service.ts";

/** What the page may complain about: a person's network is cut on purpose, and a browser logs each refusal. */
const EXPECTED = [/^Failed to load resource: net::ERR_/, /WebSocket connection to .* failed/];

/** Everything that runs. */
export class Stage {
  readonly complaints: string[] = [];

  private constructor(
    readonly page: Page,
    readonly url: string,
    private readonly browser: Browser,
    private readonly keyfold: Service,
    private readonly demo: ChildProcess,
    private readonly data: string,
  ) {
    this.listen(page);
  }

  static async open(): Promise<Stage> {
    const data = await mkdtemp(join(tmpdir(), "keyfold-demo-test-"));
    const keyfold = await Service.start(built("evil"), [join(data, "keyfold")]);
    const main = join(root, "examples/demo/dist/server/main.js");
    const [url, key, evil] = [keyfold.text("url"), keyfold.text("serverKey"), keyfold.text("control")];
    const places = ["--port", "0", "--data", join(data, "app")];
    const options = ["--keyfold", url, `--key=${key}`, "--evil", evil, ...places];
    const demo = spawn(process.execPath, [main, ...options], { stdio: ["ignore", "pipe", "inherit"] });
    const [line] = (await once(createInterface({ input: demo.stdout }), "line")) as [string];
    const address = line.replace("Demo: ", "");
    const browser = await chromium.connect(inject("chromium"));
    const page = await browser.newPage({ viewport: { width: 1600, height: 1000 }, colorScheme: "light" });
    const stage = new Stage(page, address, browser, keyfold, demo, data);
    await page.goto(address);
    return stage;
  }

  /** A person's panel. */
  person(name: string): Panel {
    return new Panel(this.page, this.page.getByRole("region", { name, exact: true }));
  }

  /** Another browser at the page, with storage of its own: another device of everybody's. */
  async device(): Promise<Device> {
    const context = await this.browser.newContext({ viewport: { width: 1600, height: 1000 } });
    const page = await context.newPage();
    this.listen(page);
    await page.goto(this.url);
    return new Device(page);
  }

  /** The Keyfold server's public key. */
  get serverKey(): string {
    return this.keyfold.text("serverKey");
  }

  /** The pane in the middle. */
  get server(): Locator {
    return this.page.getByRole("region", { name: "What the server sees" });
  }

  /** Every byte that the two servers stored, as Latin-1, by file. */
  async stored(): Promise<Map<string, string>> {
    const found = new Map<string, string>();
    for (const entry of await readdir(this.data, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      if (entry.isFile()) found.set(path, await readFile(path, "latin1"));
    }
    return found;
  }

  private listen(page: Page): void {
    page.on("pageerror", (error) => this.complaints.push(String(error)));
    page.on("console", (message) => {
      const text = message.text();
      if (message.type() === "error" && !EXPECTED.some((known) => known.test(text)))
        this.complaints.push(text);
    });
  }

  async close(): Promise<void> {
    await this.browser.close();
    const gone = once(this.demo, "exit");
    this.demo.kill("SIGTERM");
    await gone;
    await this.keyfold.kill();
    await rm(this.data, { recursive: true, force: true });
  }
}

/** A browser that is another device. */
export class Device {
  constructor(readonly page: Page) {}

  /** A person's panel on it. */
  person(name: string): Panel {
    return new Panel(this.page, this.page.getByRole("region", { name, exact: true }));
  }
}

/** What one person does and sees. */
export class Panel {
  constructor(
    private readonly page: Page,
    readonly region: Locator,
  ) {}

  button(name: string | RegExp): Locator {
    return this.region.getByRole("button", { name, exact: true });
  }

  async section(name: "Notes" | "Files" | "Expenses" | "People"): Promise<void> {
    await this.region.getByRole("tab", { name }).click();
  }

  /** Notes, newest first. */
  get notes(): Locator {
    return this.region.getByRole("list", { name: "Notes" }).getByRole("listitem");
  }

  get files(): Locator {
    return this.region.getByRole("list", { name: "Files" }).getByRole("listitem");
  }

  get uploads(): Locator {
    return this.region.getByRole("list", { name: "Uploads" }).getByRole("listitem");
  }

  /** Rows of the table, without its head. */
  get expenses(): Locator {
    return this.region.getByRole("table", { name: "Expenses" }).locator("tbody").getByRole("row");
  }

  async spend(date: string, what: string, amount: string): Promise<void> {
    const form = this.region.getByRole("form", { name: "New expense" });
    await form.getByLabel("Date").fill(date);
    await form.getByLabel("What").fill(what);
    await form.getByLabel("Amount, €").fill(amount);
    await this.button("Add expense").click();
  }

  /** Chooses what rows are found by. */
  async find(by: "Date" | "Amount" | "Word"): Promise<void> {
    await this.region.getByLabel("Find by").selectOption(by);
  }

  member(name: string): Locator {
    const people = this.region.getByRole("list", { name: "People", exact: true });
    return people.getByRole("listitem").filter({ hasText: name });
  }

  /** What is spoken as it arrives. */
  get arrivals(): Locator {
    return this.region.locator(".notices").getByRole("status");
  }

  get errors(): Locator {
    return this.region.getByRole("alert");
  }

  async write(text: string): Promise<void> {
    await this.region.getByRole("textbox", { name: "New note" }).fill(text);
    await this.button("Add note").click();
  }

  async edit(note: Locator, text: string): Promise<void> {
    await note.getByRole("button", { name: "Edit note" }).click();
    await this.region.getByRole("textbox", { name: "Edit note" }).fill(text);
    await this.button("Save").click();
  }

  /** Drops files on the panel, as a hand would. */
  async drop(name: string, type: string, bytes: Buffer): Promise<void> {
    const transfer = await this.page.evaluateHandle(
      ([name, type, text]) => {
        const transfer = new DataTransfer();
        const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
        transfer.items.add(new File([bytes], name, { type }));
        return transfer;
      },
      [name, type, bytes.toString("base64")] as const,
    );
    await this.region.locator(".drop").dispatchEvent("drop", { dataTransfer: transfer });
  }

  async online(on: boolean): Promise<void> {
    await this.region.getByRole("switch", { name: "Online" }).setChecked(on);
  }
}
