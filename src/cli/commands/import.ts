import { randomUUID } from "node:crypto";
import { type Command, Option } from "commander";
import type { ImportRequest } from "../../domain/import-request-schema.ts";
import type { ApiClient } from "../api-client.ts";
import type { CliIo } from "../cli-io.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import { startAndFollow } from "../follow-command.ts";
import { createFollowedImport } from "../follow-import.ts";
import { formatPlan } from "../format-record.ts";
import { type ImportFlags, toImportRequest } from "../import-request.ts";
import { collect } from "../option-parsers.ts";
import { type OutputFormat, printJson } from "../print-json.ts";
import { postWithKey } from "../repeat-post.ts";
import { type CredentialFlags, readCredentials } from "../source-credentials.ts";
import { addCredentialOptions, addWaitOptions, type CommandDeps, openClient, type WaitFlags } from "./command-deps.ts";
import { addHowOptions } from "./selection-options.ts";

/** `drayage import`: the flags of `az acr import` and what Drayage has besides. */
export function addImportCommand(program: Command, deps: CommandDeps): void {
  const command = program.command("import").description("import an image or another OCI artifact into a registry");
  addImageOptions(command);
  addCredentialOptions(command);
  addModeOptions(command);
  addWaitOptions(command, "import")
    .addOption(new Option("--dry-run", "show what would be done, change nothing").conflicts(["wait", "idempotencyKey"]))
    .option("--idempotency-key <key>", "the same key and flags name the same import: a repeat starts no second one")
    .option("--json", "print the final record as JSON and nothing else on standard output")
    .addHelpText("after", importExamples)
    .action(async (flags: Flags, self: Command) =>
      deps.finish(await runImport(flags, openClient(self, deps.io), deps.io)),
    );
}

interface Flags extends ImportFlags, CredentialFlags, WaitFlags {
  readonly resourceGroup?: string;
  readonly dryRun?: true;
  readonly idempotencyKey?: string;
  readonly json?: true;
}

const importExamples = `
Examples:
  drayage import --source docker.io/library/alpine:3.20 --name myregistry --image alpine:3.20
  drayage import --source ghcr.io/team/app:1.4 --target prod.azurecr.io --platform linux/amd64 --platform linux/arm64
  echo "$TOKEN" | drayage import -r source.azurecr.io --source team/app:1.4 -u ci --password-stdin -n prod --force`;

function addImageOptions(command: Command): void {
  command
    .requiredOption("--source <reference>", "image with its registry, or only the image when --registry is given")
    .option("-r, --registry <registry>", "source registry: name, login server or resource id")
    .addOption(
      new Option("-n, --name <registry>", "target registry: name or login server (default: the service's)").conflicts(
        "target",
      ),
    )
    .option("--target <registry>", "the same as --name")
    .option("-t, --image <repository:tag>", "target repository and tag; repeatable", collect)
    .option("--repository <repository>", "target repository that gets the image by digest only; repeatable", collect)
    .option("-g, --resource-group <name>", "accepted for the sake of az acr import, not needed");
}

function addModeOptions(command: Command): void {
  command.addOption(new Option("--force", "overwrite target tags that exist").conflicts("conflict"));
  addHowOptions(command, "fail");
}

async function runImport(flags: Flags, client: ApiClient, io: CliIo): Promise<ExitCode> {
  toImportRequest(flags, undefined); // wrong usage shows before the password is read
  const credentials = await readCredentials(flags, io);
  const request = toImportRequest(flags, credentials);
  if (flags.resourceGroup !== undefined) io.stderr.write("note: --resource-group is not needed and ignored\n");
  const format = flags.json ? "json" : "text";
  if (flags.dryRun) return planOnly({ client, io }, request, format);
  const settings = { wait: flags.wait, format } as const;
  const waitSeconds = flags.wait === false ? 0 : Math.min(quickSeconds, flags.wait ?? quickSeconds);
  const idempotencyKey = flags.idempotencyKey ?? randomUUID();
  const send = (signal: AbortSignal) => client.postImport({ request, waitSeconds, idempotencyKey }, signal);
  const brought = credentials === undefined ? "none" : "brought";
  return startAndFollow(io, createFollowedImport({ client, io, credentials: brought }), settings, ({ note }) =>
    postWithKey({ io, note }, { noun: "import", idempotencyKey, send }, flags.wait || Infinity),
  );
}

/** The POST itself waits so long for the end: most small imports need no second request. */
const quickSeconds = 2;

async function planOnly(
  { client, io }: { readonly client: ApiClient; readonly io: CliIo },
  request: ImportRequest,
  format: OutputFormat,
): Promise<ExitCode> {
  const plan = await client.planImport(request, io.interrupted);
  if (format === "json") printJson(io, plan);
  else io.stdout.write(formatPlan(plan));
  return exitCodes.done;
}
