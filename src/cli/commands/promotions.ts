import { type Command, Option } from "commander";
import { itemStateSchema, promotionStateSchema } from "../../domain/promotion-record.ts";
import { exitCodes } from "../exit-codes.ts";
import { followPromotion } from "../follow-promotion.ts";
import { formatItems, formatPromotionDetails, formatPromotions } from "../format-promotion.ts";
import { parseCount } from "../option-parsers.ts";
import { firstEntries } from "../pages.ts";
import { printJson } from "../print-json.ts";
import { createPromotionsClient, type PromotionLook, type PromotionsClient } from "../promotions-client.ts";
import { postRetry } from "../repeat-post.ts";
import { addPromotionOutputs, addWaitOptions, type CommandDeps, openService, type WaitFlags } from "./command-deps.ts";

interface ListFlags {
  readonly state?: string;
  readonly limit: number;
  readonly json?: true;
}

/** `drayage promotions …`: looks at promotions, stops them and runs them again. */
export function addPromotionsCommand(program: Command, deps: CommandDeps): void {
  const group = program
    .command("promotions")
    .description("look at promotions, cancel and retry them")
    .addHelpText("after", examples);
  addLooks(group, deps);
  addActions(group, deps);
}

const examples = `
Examples:
  drayage promotions list
  drayage promotions items ID --state Failed
  drayage promotions retry ID --junit promotion.xml`;

function addLooks(group: Command, { io, finish }: CommandDeps): void {
  const open = (self: Command): PromotionsClient => createPromotionsClient(openService(self, io));
  group
    .command("list")
    .description("list promotions, newest first")
    .addOption(new Option("--state <state>", "in this state only").choices(promotionStateSchema.options))
    .option("--limit <count>", "how many at most", parseCount, 20)
    .option("--json", "print them as a JSON array")
    .action(async ({ state, limit, json }: ListFlags, self: Command) => {
      const client = open(self);
      const promotions = await firstEntries(limit, { state }, (query) => client.list(query, io.interrupted));
      if (json) printJson(io, promotions);
      else io.stdout.write(formatPromotions(promotions));
      finish(exitCodes.done);
    });
  group
    .command("show")
    .description("show a promotion")
    .argument("<id>", "id of the promotion")
    .option("--json", "print it as JSON")
    .action(async (id: string, flags: { readonly json?: true }, self: Command) => {
      const { record } = await open(self).get(id, undefined, io.interrupted);
      if (flags.json) printJson(io, record);
      else if (record !== undefined) io.stdout.write(formatPromotionDetails(record));
      finish(exitCodes.done);
    });
  group
    .command("items")
    .description("list the images of a promotion")
    .argument("<id>", "id of the promotion")
    .addOption(new Option("--state <state>", "in this state only").choices(itemStateSchema.options))
    .option("--limit <count>", "how many at most", parseCount, 100)
    .option("--json", "print them as a JSON array")
    .action(async (id: string, { state, limit, json }: ListFlags, self: Command) => {
      const client = open(self);
      const items = await firstEntries(limit, { state }, (query) => client.pageOfItems(id, query, io.interrupted));
      if (json) printJson(io, items);
      else io.stdout.write(formatItems(items));
      finish(exitCodes.done);
    });
}

interface RetryFlags extends WaitFlags {
  readonly json?: true;
  readonly junit?: string;
}

function addActions(group: Command, { io, finish }: CommandDeps): void {
  group
    .command("cancel")
    .description("cancel a promotion that runs, and its imports")
    .argument("<id>", "id of the promotion")
    .option("--json", "print it as JSON")
    .action(async (id: string, flags: { readonly json?: true }, self: Command) => {
      const promotion = await createPromotionsClient(openService(self, io)).cancel(id, io.interrupted);
      if (flags.json) printJson(io, promotion);
      else if (promotion.state === "Cancelled") io.stdout.write(`Promotion ${promotion.id} is cancelled.\n`);
      else io.stdout.write(`Promotion ${promotion.id} will stop within seconds (${promotion.state} now).\n`);
      finish(exitCodes.done);
    });
  const retry = group
    .command("retry")
    .description("import again what has failed or was cancelled of a promotion, and follow it")
    .argument("<id>", "id of the promotion");
  addWaitOptions(retry, "promotion");
  addPromotionOutputs(retry).action(async (id: string, flags: RetryFlags, self: Command) => {
    const client = createPromotionsClient(openService(self, io));
    const post = {
      noun: "promotion",
      send: (signal: AbortSignal) => client.retry(id, signal),
      look: (signal: AbortSignal) => client.get(id, undefined, signal),
      attemptOf: ({ record }: PromotionLook) => record?.attempt,
    } as const;
    finish(await followPromotion({ client, io, ...flags }, ({ note }) => postRetry({ io, note }, post)));
  });
}
