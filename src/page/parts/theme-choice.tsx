import { useState } from "preact/hooks";
import { applyTheme, readTheme, themes } from "../theme.ts";

const names = { system: "System", light: "Light", dark: "Dark" } as const;

/** Chooses the colours of the page. */
export function ThemeChoice() {
  const [theme, setTheme] = useState(readTheme());
  return (
    <label class="theme">
      <span>Colours</span>
      <select
        value={theme}
        onChange={({ currentTarget }) => {
          const chosen = themes.find((one) => one === currentTarget.value) ?? "system";
          applyTheme(chosen);
          setTheme(chosen);
        }}
      >
        {themes.map((one) => (
          <option key={one} value={one}>
            {names[one]}
          </option>
        ))}
      </select>
    </label>
  );
}
