import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { configurationPath, writeTables } from "../../scripts/configuration.ts";
import { parseConfig, settingNames } from "../../src/config.ts";
import { apiRoutes } from "../../src/functions/api-routes.ts";
import { armRoutes } from "../../src/functions/arm/arm-routes.ts";
import { profileNames } from "../../src/registry/profiles.ts";

const read = (path: string) => readFile(new URL(`../../${path}`, import.meta.url), "utf8");

interface SettingRow {
  readonly name: string;
  readonly example: string;
}

/** Rows `| `NAME` | default | values | `example` | meaning |` of a document. */
function settingRows(document: string): readonly SettingRow[] {
  const rows = document.matchAll(/^\| `(\w+)` +\| [^|]+ \| [^|]+ \| `([^`]+)` +\| [^|]+ \|$/gm);
  return [...rows].map(([, name = "", example = ""]) => ({ name, example }));
}

describe("docs/configuration.md", () => {
  it("has a row for each setting and for nothing else", async () => {
    const rows = settingRows(await read("docs/configuration.md"));

    expect(rows.map(({ name }) => name).sort()).toEqual([...settingNames].sort());
  });

  it("has the tables that npm run docs:configuration writes", async () => {
    const document = await read(configurationPath);

    expect(writeTables(document)).toBe(document);
    expect(document).toContain("\n| `BUFFER_BYTES` | `100663296` | 8388608 to 4294967296 |");
  });

  it("gives examples that can be used together", async () => {
    const rows = settingRows(await read("docs/configuration.md"));
    const isOtherForm = ({ name }: { readonly name: string }) => name === "REGISTRIES_FILE"; // of REGISTRIES
    const used = rows.filter((row) => !isOtherForm(row));
    const environment = Object.fromEntries(used.map(({ name, example }) => [name, example]));

    const ofThePlatform = { WEBSITE_AUTH_ENABLED: "True" };
    expect(() => parseConfig({ ...environment, ...ofThePlatform })).not.toThrow();
  });

  it("names every profile", async () => {
    const document = await read("docs/configuration.md");

    expect(profileNames.filter((name) => !document.includes(`\`${name}\``))).toEqual([]);
  });
});

it("local.settings.sample.json has every setting of one who uses a connection string", async () => {
  const sample = z
    .object({ Values: z.record(z.string(), z.string()) })
    .parse(JSON.parse(await read("local.settings.sample.json")));
  const isByIdentity = (name: string) => name.startsWith("AzureWebJobsStorage__");

  expect(settingNames.filter((name) => !isByIdentity(name) && sample.Values[name] === undefined)).toEqual([]);
});

it.each([
  ["docs/api.md", apiRoutes],
  ["docs/arm.md", armRoutes],
])("%s names every route, and no other one", async (path, routes) => {
  const document = await read(path);
  const documented = [...document.matchAll(/^\| `([A-Z]+) \/([^`?]+)[^`]*` +\|/gm)].map(
    ([, method, route]) => `${method} ${route}`,
  );

  expect(documented.sort()).toEqual(
    Object.values(routes)
      .map(({ method, route }) => `${method} ${route}`)
      .sort(),
  );
});

it("docs/registries.md has a row for each profile", async () => {
  const document = await read("docs/registries.md");

  expect(profileNames.filter((name) => !document.includes(`\n| \`${name}\` `))).toEqual([]);
});
