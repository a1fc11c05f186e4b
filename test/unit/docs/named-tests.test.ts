import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

/** Documents that say which test proves what. */

const root = new URL("../../../", import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), "utf8");
const documents = readdirSync(new URL("docs/", root)).filter((name) => name.endsWith(".md"));

interface NamedTest {
  readonly document: string;
  readonly file: string;
  /** Undefined: the whole file. */
  readonly name: string | undefined;
}

/** `` `test/….test.ts` `` anywhere, and `` `test/….test.ts`: NAME | `` in a table. */
const named = documents.flatMap((document): NamedTest[] =>
  [...read(`docs/${document}`).matchAll(/`(test\/[\w/.-]+\.test\.ts)`(?:: ([^|\n]+?) \|)?/g)].map(
    ([, file = "", name]) => ({ document, file, name }),
  ),
);

/** The rows of the table below `heading`, by their first cell. */
function firstCells(document: string, heading: string): readonly string[] {
  const section = document.split(`${heading}\n`)[1]?.split("\n## ")[0] ?? "";
  return [...section.matchAll(/^\| ([^|]+?) \|/gm)].map(([, cell = ""]) => cell);
}

it("documents name tests that are there", () => {
  const missing = named.filter(
    ({ file, name }) => !existsSync(new URL(file, root)) || (name !== undefined && !read(file).includes(name)),
  );

  expect(missing).toEqual([]);
  expect(named.length).toBeGreaterThan(30);
});

describe("docs/registries.md", () => {
  const [registries = "", proofs = ""] = read("docs/registries.md").split("\nWhat proves it.");

  it("names a test for every registry", () => {
    const listed = firstCells(registries, "## The registries").filter((cell) => !/^(registry|-+)$/.test(cell));
    const proved = firstCells(`## proofs\n${proofs}`, "## proofs").flatMap((cell) => cell.split(", "));

    expect(listed).toContain("distribution 3");
    expect(listed.filter((registry) => !proved.includes(registry))).toEqual([]);
  });
});

describe("docs/cases.md", () => {
  it("has a test for every case, and a case for every test", () => {
    const cases = [...read("docs/cases.md").matchAll(/^## (.+)$/gm)].map(([, heading]) => heading);
    const tests = [...read("test/e2e/seed-cases.test.ts").matchAll(/^ {4}name: "(.+)",$/gm)].map(([, name]) => name);

    expect(tests).toEqual(cases);
  });

  it("says of each how az acr import and drayage import do it", () => {
    const sections = read("docs/cases.md").split("\n## ").slice(1);

    expect(sections.filter((text) => !/az acr import .*\n(.*\| )?drayage import /.test(text))).toEqual([]);
  });
});
