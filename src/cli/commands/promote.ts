import { randomUUID } from "node:crypto";
import { type Command, Option } from "commander";
import { promotionRequestSchema } from "../../domain/promotion-request-schema.ts";
import type { CliIo } from "../cli-io.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import { followPromotion } from "../follow-promotion.ts";
import { formatPromotionPlan } from "../format-promotion.ts";
import { usage } from "../import-request.ts";
import { parseCount } from "../option-parsers.ts";
import { printJson } from "../print-json.ts";
import { createPromotionsClient, type PromotionsClient } from "../promotions-client.ts";
import { postWithKey } from "../repeat-post.ts";
import { checkBody, type RequestBody } from "../request-body.ts";
import { type BodyFlags, writtenBody } from "../selection-flags.ts";
import { addPromotionOutputs, addWaitOptions, type CommandDeps, openService, type WaitFlags } from "./command-deps.ts";
import { addHowOptions, addSelectionOptions } from "./selection-options.ts";

/** `drayage promote`: many images as one, from a file or by flags. */
export function addPromoteCommand(program: Command, { io, finish }: CommandDeps): void {
  const command = program.command("promote").description("import many images: a list, or repositories and tags");
  addSelectionOptions(command, "selection");
  addHowOptions(command, "skipIfSame");
  addWaitOptions(command, "promotion");
  addPromotionOutputs(command)
    .option("--max-concurrent <count>", "so many imports of it at once (default: 50)", parseCount)
    .addOption(
      new Option("--dry-run", "list the images, import nothing").conflicts(["wait", "junit", "idempotencyKey"]),
    )
    .option("--idempotency-key <key>", "the same key and flags name the same promotion: a repeat starts no second one")
    .addHelpText("after", promoteExamples)
    .action(async (flags: Flags, self: Command) =>
      finish(await runPromote(flags, createPromotionsClient(openService(self, io)), io)),
    );
}

interface Flags extends BodyFlags, WaitFlags {
  readonly maxConcurrent?: number;
  readonly dryRun?: true;
  readonly idempotencyKey?: string;
  readonly json?: true;
  readonly junit?: string;
}

const promoteExamples = `
Examples:
  drayage promote --from dev.azurecr.io --repository 'team/*' --tags 'v*' --to prod.azurecr.io --dry-run
  drayage promote --from docker.io --repository library/alpine --semver '>=3.18' --newest 3 --target-repository 'mirror/{basename}'
  drayage promote -f plan.yaml --junit promotion.xml

A file says what the flags say, or lists imports:
  source: { registry: dev.azurecr.io, repositories: ["team/*"], tags: { include: ["v*"] } }
  target: { registry: prod.azurecr.io }
or
  items:
    - { source: "dev.azurecr.io/team/app:1.0", target: prod.azurecr.io }`;

async function runPromote(flags: Flags, client: PromotionsClient, io: CliIo): Promise<ExitCode> {
  const request = await readPromotion(flags, io);
  if (request.dryRun === true) {
    if (flags.junit !== undefined) throw usage("--junit needs a promotion that is no dry run");
    const plan = await client.plan(request, io.interrupted);
    if (flags.json) printJson(io, plan);
    else io.stdout.write(formatPromotionPlan(plan));
    return exitCodes.done;
  }
  const idempotencyKey = flags.idempotencyKey ?? randomUUID();
  const send = (signal: AbortSignal) => client.post({ request, idempotencyKey }, signal);
  return followPromotion({ client, io, ...flags }, ({ note }) =>
    postWithKey({ io, note }, { noun: "promotion", idempotencyKey, send }, flags.wait || Infinity),
  );
}

async function readPromotion(flags: Flags, io: CliIo): Promise<RequestBody> {
  const { maxConcurrent, dryRun } = flags;
  const written = await writtenBody(flags, { maxConcurrent, dryRun }, io);
  const [listSchema, selectionSchema] = promotionRequestSchema.options;
  return checkBody("items" in written.value ? listSchema : selectionSchema, written); // one form's problems, not both's
}
