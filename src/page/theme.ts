/** Colours of the page: as the system has them, or one of the two whatever that says. */
export const themes = ["system", "light", "dark"] as const;
export type Theme = (typeof themes)[number];

const storageName = "drayage.theme";

/** What was chosen in this browser. */
export function readTheme(): Theme {
  const stored = localStorage.getItem(storageName);
  return themes.find((theme) => theme === stored) ?? "system";
}

/** Shows the page in these colours, now and when it is opened again. */
export function applyTheme(theme: Theme): void {
  localStorage.setItem(storageName, theme);
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}
