/** The engine for `worker: false`: loaded only then, so that nobody else pays for it. */
import { browser } from "./engine/browser.js";
import { inThread } from "./platform/thread-port.js";

export const startInPage = inThread(browser);
