import { useEffect, useState } from "preact/hooks";

/** Colours of the page: as the system has them, or one of the two whatever that says. */
export const themes = ["system", "light", "dark"] as const;
export type Theme = (typeof themes)[number];

const storageName = "drayage.theme";

/** What was chosen in this browser. */
export function readTheme(): Theme {
  const stored = readStored() ?? document.documentElement.dataset.theme;
  return themes.find((theme) => theme === stored) ?? "system";
}

/** Shows the page in these colours, now and when it is opened again. */
export function applyTheme(theme: Theme): void {
  try {
    localStorage.setItem(storageName, theme);
  } catch {
    // The browser lets the page keep nothing: it holds until the page is loaded again.
  }
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

/** The colours that the page has now, for what style sheets do not reach. */
export function useColours(): "light" | "dark" {
  const [colours, setColours] = useState(shownColours());
  useEffect(() => {
    const follow = () => setColours(shownColours());
    const system = window.matchMedia(darkSystem);
    const chosen = new MutationObserver(follow);
    chosen.observe(document.documentElement, { attributeFilter: ["data-theme"] });
    system.addEventListener("change", follow);
    return () => {
      chosen.disconnect();
      system.removeEventListener("change", follow);
    };
  }, []);
  return colours;
}

function readStored(): string | null {
  try {
    return localStorage.getItem(storageName);
  } catch {
    return null;
  }
}

const darkSystem = "(prefers-color-scheme: dark)";

function shownColours(): "light" | "dark" {
  const { theme } = document.documentElement.dataset;
  return theme === "dark" || (theme !== "light" && window.matchMedia(darkSystem).matches) ? "dark" : "light";
}
