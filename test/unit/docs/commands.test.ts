import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { parseConfig } from "../../../src/config.ts";
import { classOf, runsInCi, unusedClasses } from "../../helpers/command-classes.ts";
import { commandsOf, documents } from "../../helpers/document-commands.ts";
import { startServer, type TestServer } from "../../helpers/http-server.ts";
import { runCli } from "../cli/run-cli.ts";

const commands = documents.flatMap(commandsOf);
const texts = commands.map(({ text }) => text.replaceAll(/\\\n\s*/g, ""));
const unique = (matching: RegExp) => [...new Set(texts.filter((text) => matching.test(text)))];

describe("commands in the documents", () => {
  it("are run by a test, or it is said why not", () => {
    const unclassified = commands.filter(({ text }) => classOf(text) === undefined);

    expect(unclassified.map(({ document, line, text }) => `${document}:${line}: ${text}`)).toEqual([]);
    expect(commands.filter(({ text }) => classOf(text)?.kind === "here").length).toBeGreaterThan(70);
  });

  it("need every reason that is there for not running one", () => {
    expect(unusedClasses(commands.map(({ text }) => text))).toEqual([]);
  });

  it("stand in blocks that are known to hold commands", async () => {
    for (const document of documents) {
      const others = (await readFile(document, "utf8")).matchAll(/^```(?!(?:sh|text|console)\n)\w*\n(.*?)^```/gms);
      const hidden = [...others].flatMap(([, block = ""]) => block.match(/^(\$ .*|(curl|drayage|npm|az) .*)$/gm) ?? []);
      expect(hidden, document).toEqual([]);
    }
  });

  it("are in .ci/run where that is what runs them", async () => {
    const script = await readFile(".ci/run", "utf8");
    const said = texts.filter(runsInCi).flatMap((text) => text.split(" && "));

    expect(said.filter((command) => !script.includes(command))).toEqual([]);
    expect(said).toContain("npm test");
  });

  it("name scripts that there are", async () => {
    const packageJson: unknown = JSON.parse(await readFile("package.json", "utf8"));
    const { scripts } = z.object({ scripts: z.record(z.string(), z.string()) }).parse(packageJson);
    const named = texts.flatMap((text) => [...text.matchAll(/\bnpm run ([\w:-]+)/g)].map(([, name = ""]) => name));

    expect(named.length).toBeGreaterThan(0);
    expect(named.filter((name) => scripts[name] === undefined)).toEqual([]);
  });

  it.each(texts.filter((text) => classOf(text)?.kind === "settings"))("are settings that can be used: %s", (text) => {
    const [, name = "", value = ""] = /^(\w+)=(.*)$/s.exec(text) ?? [];
    const tenant = "11111111-2222-3333-4444-555555555555";
    const others = { AzureWebJobsStorage: "UseDevelopmentStorage=true", ARM_TENANT_ID: tenant, ARM_APP_ROLE: "Import" };

    expect(() => parseConfig({ ...others, [name]: value.replaceAll("'", "") })).not.toThrow();
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
