import { hasPromotionEnded } from "../domain/promotion-record.ts";
import { printable } from "../printable.ts";
import { CliError } from "./cli-error.ts";
import type { CliIo } from "./cli-io.ts";
import type { Display } from "./display.ts";
import { type ExitCode, exitCodeOfPromotion, exitCodes } from "./exit-codes.ts";
import { type FollowedCommand, startAndFollow } from "./follow-command.ts";
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
import type { PromotionLook, PromotionsClient } from "./promotions-client.ts";

interface FollowPromotionDeps {
  readonly client: Pick<PromotionsClient, "get" | "everyItem">;
  readonly io: CliIo;
  /** File for the JUnit XML, if it is wanted. */
  readonly junit: string | undefined;
}

/** A promotion as `drayage promote` and `drayage promotions retry` follow it. */
function createFollowedPromotion(deps: FollowPromotionDeps): FollowedCommand<PromotionView> {
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

export interface FollowPromotion extends Omit<FollowPromotionDeps, "junit"> {
  readonly wait?: number | false;
  readonly json?: true;
  readonly junit?: string;
}

/** Starts a promotion by `start`, and follows it as the flags say. */
export async function followPromotion(
  { client, io, wait, json, junit }: FollowPromotion,
  start: (display: Pick<Display<PromotionView>, "note">) => Promise<PromotionLook>,
): Promise<ExitCode> {
  if (wait === false && junit !== undefined) throw usage("--junit needs the end: leave --no-wait out");
  // Emptied before anything starts: a path that is wrong shows now, and no older result is taken for this one.
  if (junit !== undefined) await writeText(junit, "", io);
  const followed = createFollowedPromotion({ client, io, junit });
  return startAndFollow(io, followed, { wait, format: json ? "json" : "text" }, start);
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
    io.stderr.write(
      `the failed images cannot be listed (${printable(thrown.message)}); later: drayage promotions items ${id}\n`,
    );
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
