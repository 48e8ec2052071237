/** A document for React to draw in, in Node: the client beside it stays the one for Node, with a real server. */

import { Window } from "happy-dom";
import { createElement, type ReactNode, StrictMode } from "react";
import type { Root } from "react-dom/client";

const window = new Window();
// React asks each of them while it is loaded.
Object.assign(globalThis, { window, document: window.document, navigator: window.navigator });

/** Something drawn, and how to take it away. */
export interface Drawn {
  text(): string;
  unmount(): void;
}

/** Draws under StrictMode, which runs every effect twice. */
export async function draw(node: ReactNode): Promise<Drawn> {
  // React looks for the document when it is loaded.
  const { createRoot } = await import("react-dom/client");
  const place = window.document.createElement("div");
  const root: Root = createRoot(place as unknown as Element, {
    onUncaughtError: () => {},
    onCaughtError: () => {},
  });
  root.render(createElement(StrictMode, null, node));
  return { text: () => place.textContent ?? "", unmount: () => root.unmount() };
}
