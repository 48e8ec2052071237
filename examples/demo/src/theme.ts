/** Light, dark, or as the system has it. Remembered; nothing else of this page is in localStorage by the demo itself. */

/** What can be chosen. */
export type Theme = "auto" | "light" | "dark";

const ORDER: readonly Theme[] = ["auto", "light", "dark"];
const KEY = "keyfold-demo-theme";

/** What was chosen last. */
export function storedTheme(): Theme {
  const stored = localStorage.getItem(KEY);
  return ORDER.find((theme) => theme === stored) ?? "auto";
}

/** Shows and remembers a choice. */
export function applyTheme(theme: Theme): void {
  localStorage.setItem(KEY, theme);
  document.documentElement.dataset["theme"] = theme;
}

/** What a click on the button leads to. */
export function nextTheme(theme: Theme): Theme {
  return ORDER[(ORDER.indexOf(theme) + 1) % ORDER.length] ?? "auto";
}
