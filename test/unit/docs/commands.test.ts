import { readdir, readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { startServer, type TestServer } from "../../helpers/http-server.ts";
import { runCli } from "../cli/run-cli.ts";

const documents = ["README.md", ...(await readdir("docs")).map((name) => `docs/${name}`)].filter((path) =>
  path.endsWith(".md"),
);

/** Lines of a document's code blocks, those that go on with `\` joined, without prompt and comment. */
async function commandsOf(path: string): Promise<readonly string[]> {
  const blocks = (await readFile(path, "utf8")).matchAll(/^ *```(?:sh|text|console)\n(.*?)^ *```/gms);
  return [...blocks]
    .flatMap(([, block = ""]) => block.replaceAll(/\\\n\s*/g, "").split("\n"))
    .map((line) =>
      line
        .trim()
        .replace(/^\$ /, "")
        .replace(/\s+#.*$/, ""),
    );
}

const commands = (await Promise.all(documents.map(commandsOf))).flat();
const unique = (matching: RegExp) => [...new Set(commands.filter((command) => matching.test(command)))];

describe("commands in the documents", () => {
  it("name scripts that there are", async () => {
    const packageJson: unknown = JSON.parse(await readFile("package.json", "utf8"));
    const { scripts } = z.object({ scripts: z.record(z.string(), z.string()) }).parse(packageJson);
    const named = commands.flatMap((command) =>
      [...command.matchAll(/\bnpm run ([\w:-]+)/g)].map(([, name = ""]) => name),
    );

    expect(named.length).toBeGreaterThan(0);
    expect(named.filter((name) => scripts[name] === undefined)).toEqual([]);
  });

  describe("of the command line", () => {
    let service: TestServer;
    beforeAll(async () => {
      service = await startServer(() => ({ status: 404 }));
    });
    afterAll(() => service[Symbol.asyncDispose]());

    // With a file that is read or written, or what a pipe brings, the command alone is not all that is shown.
    it.each(unique(/^drayage (?!.*( -f | --junit | --?password-stdin|<|\|| && ))[a-z]/))(
      "is understood: %s",
      async (command) => {
        const { exitCode, stderr } = await runCli([...words(command).slice(1), "--endpoint", service.origin]);

        expect(exitCode, stderr).not.toBe(2);
      },
    );
  });
});

/** As a shell splits it, without expansions. */
function words(command: string): string[] {
  return [...command.matchAll(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g)].map(([word]) => word.replaceAll(/['"]/g, ""));
}
