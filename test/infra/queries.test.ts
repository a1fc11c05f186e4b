import { globSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";

const source = globSync("src/**/*.ts")
  .map((path) => readFileSync(path, "utf8"))
  .join("\n");

/** Names after `entry.event ==` and in `entry.event in (…)`, and those that begin a line of the log. */
function eventsIn(text: string): readonly string[] {
  const conditions = text.matchAll(/entry\.event (?:==|in) \(?((?:\\?'[a-z.-]+\\?'(?:, )?)+)/g);
  const named = [...conditions].flatMap(([, list = ""]) => [...list.matchAll(/'([a-z.-]+)\\?'/g)]);
  const leading = text.matchAll(/\{"event":"([a-z.-]+)"/g);
  return [...new Set([...named, ...leading].map(([, name = ""]) => name))];
}

it.each([
  ["alerts.bicep", ["import-ended", "poison-stored", "sweep-ended", "stuck-replaced", "stuck-ended", "registry.retry"]],
  [
    "workbook.json",
    [
      ...[
        "import-ended",
        "registry.retry",
        "poison-stored",
        "sweep-ended",
        "sweep-failed",
        "stuck-replaced",
        "stuck-ended",
        "stuck-failed",
      ],
      ...["network.refused", "caller-refused", "hook-refused"],
    ],
  ],
])("%s asks for events that the code logs", (file, events) => {
  const asked = eventsIn(readFileSync(`infra/modules/${file}`, "utf8"));

  expect([...asked].sort()).toEqual([...events].sort());
  expect(asked.filter((name) => !source.includes(`log("${name}"`))).toEqual([]);
});
