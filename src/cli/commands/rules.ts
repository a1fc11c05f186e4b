import { type Command, Option } from "commander";
import { ruleSchema } from "../../domain/rule-schema.ts";
import { definedOnly } from "../../errors.ts";
import type { CliIo } from "../cli-io.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import { formatRules, formatRuleTest } from "../format-resources.ts";
import { usage } from "../import-request.ts";
import { printJson } from "../print-json.ts";
import type { RequestBody } from "../request-body.ts";
import { readValueFile } from "../request-file.ts";
import { testRule } from "../resources-client.ts";
import { type CommandDeps, openService } from "./command-deps.ts";
import { addResourceCommands } from "./named-resource.ts";

/** `drayage rules …`: what pushes start. */
export function addRulesCommand(program: Command, deps: CommandDeps): void {
  const group = program.command("rules").description("the rules by which pushes to a registry start imports");
  addResourceCommands(group, deps, {
    kind: "rules",
    noun: "rule",
    tags: "filter",
    schema: ruleSchema,
    format: formatRules,
    addOptions: () => {},
    toOwn: () => ({}),
    setExamples,
  });
  addTest(group, deps);
}

const setExamples = `
Examples:
  drayage rules set --name team-to-prod --from dev.azurecr.io --repository 'team/*' --tags 'v*' --to prod.azurecr.io
  drayage rules set -f rule.yaml
  drayage rules show team-to-prod > rule.yaml`;

const testExamples = `
Examples:
  drayage rules test team-to-prod --repository team/app --tag v1.0
  drayage rules test team-to-prod -f event.json`;

interface TestFlags {
  readonly registry?: string;
  readonly repository?: string;
  readonly tag?: string;
  readonly digest?: string;
  readonly file?: string;
  readonly json?: true;
}

function addTest(group: Command, { io, finish }: CommandDeps): void {
  group
    .command("test")
    .description("say whether a push would match a rule and what it would import; starts nothing")
    .argument("<name>", "name of the rule")
    .option("--registry <registry>", "where the push went (default: the rule's source)")
    .option("--repository <repository>", "what was pushed")
    .option("--tag <tag>", "with which tag")
    .option("--digest <digest>", "with which digest")
    .addOption(
      new Option("-f, --file <path>", "an event as Event Grid delivers it, as JSON; - for standard input").conflicts([
        "registry",
        "repository",
        "tag",
        "digest",
      ]),
    )
    .option("--json", "print the answer as JSON")
    .addHelpText("after", testExamples)
    .action(async (name: string, flags: TestFlags, self: Command) => {
      const body = await testBody(flags, io);
      const test = await testRule(openService(self, io), name, body, io.interrupted);
      if (flags.json) printJson(io, test);
      else io.stdout.write(formatRuleTest(name, test));
      // Without `import` something about it is wrong, however well it matches.
      const exitCode: ExitCode = test.matches && test.import !== undefined ? exitCodes.done : exitCodes.importFailed;
      finish(exitCode);
    });
}

async function testBody(flags: TestFlags, io: CliIo): Promise<RequestBody> {
  const { registry, repository, tag, digest } = flags;
  if (flags.file !== undefined) {
    const { value } = await readValueFile(flags.file, io);
    if (!Array.isArray(value)) return { event: value };
    if (value.length === 1) return { event: value[0] }; // Event Grid delivers arrays
    throw usage(`${flags.file}: expected one event, not ${value.length}`);
  }
  if (repository === undefined) throw usage("give --repository with --tag or --digest, or an event with -f");
  if (tag === undefined && digest === undefined) throw usage("--repository needs --tag or --digest");
  return definedOnly({ registry, repository, tag, digest });
}
