import { hasPromotionEnded } from "../domain/promotion-record.ts";
import { formatBytes, formatDuration } from "../domain/quantities.ts";
import { printable } from "../printable.ts";
import type { ErrorView } from "./api-records.ts";
import { formatSelection } from "./format-selection.ts";
import { fitLines, formatBar, formatTable } from "./format-values.ts";
import { formatVia, secondsTaken } from "./progress-display.ts";
import {
  ownErrorOf,
  type PromotionItem,
  type PromotionPlan,
  type PromotionSummary,
  type PromotionView,
} from "./promotion-records.ts";

/** What is promoted and how far it is, in lines that a terminal redraws; none is longer than `columns`. Of an ended one its head. */
export function renderPromotion(promotion: PromotionView, columns: number, elapsedSeconds: number): string[] {
  const { state, counts, firstErrors } = promotion;
  const lines = [`Promotion ${promotion.id}`, `  ${formatSelection(promotion.request)}`];
  if (!hasPromotionEnded(state)) {
    const numbers = formatNumbers(promotion);
    const head = `  ${state.padEnd(stateWidth)}  `;
    const room = columns - head.length - 2 - numbers.length - 1;
    const fraction = counts.total === 0 ? 0 : endedItems(promotion) / counts.total;
    const bar = room >= minBarWidth ? `${formatBar(fraction, Math.min(room, maxBarWidth))}  ` : "";
    lines.push(counts.total === 0 ? `${head}${formatDuration(elapsedSeconds)}` : `${head}${bar}${numbers}`);
    lines.push(...formatTable(countColumns(promotion)).trimEnd().split("\n").map(indent));
    const bytes = formatPromotedBytes(promotion);
    if (bytes !== undefined) lines.push(`  ${bytes}`);
    for (const { error } of firstErrors.slice(-shownFailures)) lines.push(`  failed: ${error.code} ${error.message}`);
  }
  return fitLines(lines, columns);
}

/** `Promotion ID  docker.io team/* → prod.azurecr.io` */
export function formatPromotionHead({ id, request }: PromotionView): string {
  return `Promotion ${id}  ${formatSelection(request)}`;
}

/** One line about a running promotion, for output that cannot be redrawn. */
export function formatPromotionLine(promotion: PromotionView): string {
  const { state, counts } = promotion;
  if (counts.total === 0) return state;
  const bytes = formatPromotedBytes(promotion);
  return `${state.padEnd(stateWidth)}  ${formatNumbers(promotion)}  (${formatCounts(promotion)})${bytes === undefined ? "" : `  ${bytes}`}`;
}

/** The end of a promotion, with the failed items it is given; each line is ended by a newline. */
export function formatPromotionOutcome(promotion: PromotionView, failed: readonly PromotionItem[]): string {
  const { id, state, warnings, counts } = promotion;
  const ownError = ownErrorOf(promotion);
  const seconds = secondsTaken(promotion);
  const took = seconds === undefined ? "" : ` ${state === "Succeeded" ? "in" : "after"} ${formatDuration(seconds)}`;
  const bytes = formatPromotedBytes(promotion);
  const lines = [
    `${state}${took}: ${counted(counts.total)}${counts.total === 0 ? "" : `: ${formatCounts(promotion)}`}`,
  ];
  if (bytes !== undefined) lines.push(`  ${bytes}`);
  if (ownError !== undefined) lines.push(`  ${ownError.message}`, ...formatReason(ownError));
  for (const item of failed.slice(0, shownItems)) {
    lines.push(`  ${formatItem(item)}`);
    lines.push(`    ${item.error?.message ?? "no reason given"}`);
    if (item.error !== undefined) lines.push(...formatReason(item.error).map(indent));
  }
  const more = counts.failed - Math.min(failed.length, shownItems);
  if (failed.length > 0 && more > 0) {
    lines.push(`  and ${more} more: drayage promotions items ${id} --state Failed`);
  }
  for (const warning of warnings) lines.push(`  warning: ${warning}`);
  if (state === "Succeeded" && counts.total === 0) lines.push(`  ${whyEmpty(promotion)}`);
  if (state !== "Succeeded") lines.push(`  retry what is missing: drayage promotions retry ${id}`);
  return lines.map((line) => `${printable(line)}\n`).join("");
}

/** A schedule leaves out what it has imported: that its promotion is empty is no sign of a mistake. */
function whyEmpty({ trigger }: PromotionView): string {
  if (trigger?.kind !== "schedule") return "nothing matches: look at repositories and tags";
  return "nothing has changed since the last run, or nothing matches";
}

/** Everything about one promotion, as `drayage promotions show` prints it. */
export function formatPromotionDetails(promotion: PromotionView): string {
  const { id, state, trigger, error, counts, labels = {}, attempt } = promotion;
  const seconds = secondsTaken(promotion);
  const rows: (readonly [string, string | undefined])[] = [
    ["Promotion", id],
    ["State", hasPromotionEnded(state) || counts.total === 0 ? state : `${state}  ${formatNumbers(promotion)}`],
    ["Images", formatSelection(promotion.request)],
    ["Items", counts.total === 0 ? "none" : `${counts.total}: ${formatCounts(promotion)}`],
    ["Bytes", formatPromotedBytes(promotion)],
    ["Trigger", trigger === undefined ? undefined : [trigger.kind, trigger.ref].filter(Boolean).join(" ")],
    [
      "Labels",
      Object.entries(labels)
        .map(([key, value]) => `${key}=${value}`)
        .join(" ") || undefined,
    ],
    ["Created", promotion.createdAt],
    ["Ended", seconds === undefined ? undefined : `${promotion.finishedAt} (took ${formatDuration(seconds)})`],
    ["Attempt", attempt === undefined || attempt === 1 ? undefined : String(attempt)],
    ["Error", error?.message],
    ["Code", error?.code],
    ...promotion.firstErrors.map(({ error: of }) => ["Failed item", `${of.code} ${of.message}`] as const),
    ...promotion.warnings.map((warning) => ["Warning", warning] as const),
  ];
  return formatTable(rows.flatMap(([name, value]) => (value === undefined ? [] : [[name, printable(value)]])));
}

/** Promotions as a table, newest first as the service has them. */
export function formatPromotions(promotions: readonly PromotionSummary[]): string {
  if (promotions.length === 0) return "No promotions found.\n";
  const rows = promotions.map((promotion) => {
    const seconds = secondsTaken(promotion);
    return [
      promotion.id,
      promotion.state,
      promotion.createdAt.replace(/\.\d+Z$/, "Z"),
      seconds === undefined ? "" : formatDuration(seconds),
      printable(formatSelection(promotion.request)),
    ];
  });
  return formatTable([["ID", "STATE", "CREATED", "TOOK", "IMAGES"], ...rows]);
}

/** Items of a promotion as a table. */
export function formatItems(items: readonly PromotionItem[]): string {
  if (items.length === 0) return "No items found.\n";
  const rows = items.map((item) => [
    item.state,
    item.importId ?? "",
    item.bytesCopied === undefined ? "" : formatBytes(item.bytesCopied),
    printable(formatItem(item)),
    item.error === undefined ? "" : printable(`${item.error.code} ${item.error.message}`),
  ]);
  return formatTable([["STATE", "IMPORT", "COPIED", "IMAGE", "ERROR"], ...rows]);
}

/** What a dry run found. */
export function formatPromotionPlan({ items, isComplete, warnings }: PromotionPlan): string {
  const lines = [`Dry run: nothing was changed. ${counted(items.length)}${isComplete ? "" : ", and more"}:`];
  lines.push(...items.map((item) => `  ${formatItem(item)}`));
  if (!isComplete) lines.push("  … there are more than the service shows");
  lines.push(...warnings.map((warning) => `  warning: ${warning}`));
  return lines.map((line) => `${printable(line)}\n`).join("");
}

/** From where to where. */
export function formatItem({ source, target }: Pick<PromotionItem, "source" | "target">): string {
  return `${source} → ${target}`;
}

const stateWidth = "Expanding".length;
const minBarWidth = 10;
const maxBarWidth = 40;
const shownFailures = 3;
const shownItems = 50;
const indent = (line: string) => `  ${line}`;

const countNames = ["pending", "queued", "succeeded", "skipped", "failed", "cancelled"] as const;

function endedItems({ counts }: PromotionView): number {
  return counts.succeeded + counts.skipped + counts.failed + counts.cancelled;
}

function countColumns({ counts }: PromotionView): string[][] {
  return [
    [...countNames.map((name) => name.toUpperCase()), "TOTAL"],
    [...countNames.map((name) => String(counts[name])), String(counts.total)],
  ];
}

/** `48 succeeded, 2 failed`, without what is zero. */
function formatCounts({ counts }: PromotionView): string {
  const parts = [...countNames].reverse().filter((name) => counts[name] > 0);
  return parts.map((name) => `${counts[name]} ${name}`).join(", ");
}

function formatNumbers(promotion: PromotionView): string {
  const { counts, itemsPerSecond, etaSeconds } = promotion;
  const percent = Math.floor((endedItems(promotion) / Math.max(1, counts.total)) * 100);
  const numbers = [`${String(percent).padStart(3)}%`, `${endedItems(promotion)} of ${counted(counts.total)}`];
  if (itemsPerSecond) numbers.push(`${itemsPerSecond.toFixed(1)}/s`);
  if (etaSeconds) numbers.push(`${formatDuration(etaSeconds)} left`);
  return numbers.join("  ");
}

/** The bytes of the items that have ended, and how fast they came. */
function formatPromotedBytes(promotion: PromotionView): string | undefined {
  const { bytes, itemsPerSecond } = promotion;
  const ended = endedItems(promotion);
  if (bytes === undefined || ended === 0) return undefined;
  // The service tells items per second since the start; so that is how long it took.
  const perSecond = itemsPerSecond ? (bytes.copied / ended) * itemsPerSecond : 0;
  return `${formatVia({ bytes })}${perSecond < 1 ? "" : `  ${formatBytes(perSecond)}/s`}`;
}

function formatReason({ code, httpStatus, hint, message }: ErrorView): string[] {
  const lines = [`  code: ${code}${httpStatus === undefined ? "" : ` (HTTP ${httpStatus})`}`];
  if (hint !== undefined && !message.includes(hint)) lines.push(`  hint: ${hint}`);
  return lines;
}

function counted(count: number): string {
  return `${count} image${count === 1 ? "" : "s"}`;
}
