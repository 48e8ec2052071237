/** Starts the page. */

import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app.js";
import { loadConfig } from "./config.js";
import { makePeople } from "./person.js";
import { applyTheme, storedTheme } from "./theme.js";
import "./styles/tokens.css";
import "./styles/layout.css";
import "./styles/controls.css";
import "./styles/panel.css";
import "./styles/cards.css";
import "./styles/notices.css";
import "./styles/devices.css";
import "./styles/lies.css";

applyTheme(storedTheme());
const root = document.getElementById("root");
if (root === null) throw new Error("The page has no place to draw in");
try {
  const config = await loadConfig();
  const people = makePeople(config);
  createRoot(root).render(
    <StrictMode>
      <App config={config} people={people} />
    </StrictMode>,
  );
} catch (error) {
  root.textContent = `The demo does not start: ${error instanceof Error ? error.message : String(error)}`;
}
