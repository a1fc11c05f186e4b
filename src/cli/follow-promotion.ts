import { CliError } from "./cli-error.ts";
import type { CliIo } from "./cli-io.ts";
import { exitCodeOfPromotion, exitCodes, hasPromotionEnded } from "./exit-codes.ts";
import type { FollowedCommand } from "./follow-command.ts";
import {
  formatPromotionHead,
  formatPromotionLine,
  formatPromotionOutcome,
  renderPromotion,
} from "./format-promotion.ts";
import { usage } from "./import-request.ts";
import { formatJunit } from "./junit.ts";
import { collectEntries } from "./pages.ts";
import { printJson } from "./print-json.ts";
import type { PromotionItem, PromotionView } from "./promotion-records.ts";
import type { PromotionsClient } from "./promotions-client.ts";

export interface FollowPromotionDeps {
  readonly client: Pick<PromotionsClient, "get" | "everyItem">;
  readonly io: CliIo;
  /** File for the JUnit XML, if it is wanted. */
  readonly junit: string | undefined;
}

/** A promotion as `drayage promote` and `drayage promotions retry` follow it. */
export function createFollowedPromotion(deps: FollowPromotionDeps): FollowedCommand<PromotionView> {
  const { client, io } = deps;
  return {
    noun: "promotion",
    commands: {
      show: "drayage promotions show",
      cancel: "drayage promotions cancel",
      list: "drayage promotions list",
    },
    hasEnded: ({ state }) => hasPromotionEnded(state),
    look: client.get,
    views: {
      live: renderPromotion,
      head: formatPromotionHead,
      line: (promotion) => (hasPromotionEnded(promotion.state) ? undefined : formatPromotionLine(promotion)),
    },
    conclude: async (promotion, format) => {
      const exitCode = exitCodeOfPromotion(promotion.state) ?? exitCodes.done;
      const failedItems = await readFailed(deps, promotion);
      if (format === "json") printJson(io, { ...promotion, failedItems });
      else {
        const output = exitCode === exitCodes.done ? io.stdout : io.stderr;
        output.write(formatPromotionOutcome(promotion, failedItems));
      }
      await writeJunit(deps, promotion);
      return exitCode;
    },
    leave: (promotion) => writeJunit(deps, promotion),
  };
}

/** Empties the file before anything starts: a path that is wrong shows now, and no older result is taken for this one. */
export async function claimJunitFile(path: string | undefined, io: CliIo): Promise<void> {
  if (path !== undefined) await writeText(path, "", io);
}

/** The failed items. Where they cannot be had the end of the promotion is told all the same. */
async function readFailed(
  { client, io }: FollowPromotionDeps,
  { id, counts }: PromotionView,
): Promise<PromotionItem[]> {
  if (counts.failed === 0) return [];
  try {
    return await collectEntries(client.everyItem(id, "Failed", io.interrupted));
  } catch (thrown) {
    if (!(thrown instanceof CliError) || !thrown.isPassing) throw thrown;
    io.stderr.write(`the failed images cannot be listed (${thrown.message}); later: drayage promotions items ${id}\n`);
    return [];
  }
}

async function writeJunit({ client, io, junit }: FollowPromotionDeps, promotion: PromotionView): Promise<void> {
  if (junit === undefined) return;
  const items = await collectEntries(client.everyItem(promotion.id, undefined, io.interrupted));
  await writeText(junit, formatJunit(promotion, items), io);
}

async function writeText(path: string, text: string, io: CliIo): Promise<void> {
  try {
    await io.writeFile(path, text);
  } catch (thrown) {
    throw usage(`${path} cannot be written: ${thrown instanceof Error ? thrown.message : "unknown"}`);
  }
}
