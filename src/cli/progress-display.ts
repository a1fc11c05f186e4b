import { hasEnded } from "../domain/import-record.ts";
import { formatBytes, formatDuration } from "../domain/quantities.ts";
import { printable } from "../printable.ts";
import type { ErrorView, ImportView, ProgressView } from "./api-records.ts";
import { counted, fitLines, formatBar } from "./format-values.ts";

/** The lines that a terminal redraws while the import runs, none is longer than `columns`. Of an ended one its head. */
export function renderLive(record: ImportView, columns: number, elapsedSeconds: number): string[] {
  const lines = [`Import ${record.id}`, `  ${formatDirection(record)}`];
  if (!hasEnded(record.state)) lines.push(...renderState(record, columns, elapsedSeconds), ...renderWaiting(record));
  return fitLines(lines, columns);
}

/** One line about a running import, for output that cannot be redrawn. */
export function formatProgressLine(record: ImportView): string {
  const { progress } = record;
  const [waiting] = renderWaiting(record);
  if (waiting !== undefined) return `${record.state}  ${waiting.trimStart()}`;
  if (progress === undefined || progress.bytes.total === 0 || hasEnded(record.state)) return record.state;
  return `${record.state}  ${formatNumbers(record, progress)}  (${formatCounts(record, progress)})`;
}

/**
 * The end of an import in a few lines, each ended by a newline. Credentials that its request brought are deleted by then:
 * a retry has to bring them again.
 */
export function formatOutcome(record: ImportView, credentials: "brought" | "none"): string {
  const lines = [formatHeadline(record)];
  for (const target of formatTargets(record)) lines.push(`  ${target}`);
  const digest = record.target?.digest ?? record.source?.digest;
  if (digest !== undefined && record.state !== "Failed") lines.push(`  ${digest}`);
  if (record.error !== undefined) lines.push(...formatError(record.error));
  for (const warning of record.warnings) lines.push(`  warning: ${warning}`);
  if (record.error?.code === "TARGET_TAG_EXISTS") {
    lines.push("  import again with --force, or with --conflict skipIfSame");
  } else if (record.error?.code === "PLATFORM_NOT_FOUND") {
    lines.push("  import again with another --platform");
  } else if (record.state === "Failed" || record.state === "Cancelled") {
    lines.push(
      `  retry with: drayage retry ${record.id}${credentials === "brought" ? " -u USER --password-stdin" : ""}`,
    );
  }
  return lines.map((line) => `${printable(line)}\n`).join("");
}

/** `docker.io/library/alpine:3.20`, by digest if that is how it was asked for. */
export function formatSource(record: Pick<ImportView, "source">): string {
  if (record.source === undefined) return "(unreadable)"; // a queue message that the service could make nothing of
  const { registry, repository, reference } = record.source;
  if (reference === undefined) return `${registry}/${repository}`;
  return `${registry}/${repository}${reference.includes(":") ? "@" : ":"}${reference}`;
}

/** From where to where. */
export function formatDirection(record: ImportView): string {
  return `${formatSource(record)} → ${formatTargets(record).join(", ")}`;
}

/** Every target of an import with its registry. */
export function formatTargets(record: Pick<ImportView, "target">): string[] {
  if (record.target === undefined) return [];
  const { registry, tags, untaggedRepositories } = record.target;
  return [...tags, ...untaggedRepositories.map((repository) => `${repository} (untagged)`)].map(
    (target) => `${registry}/${target}`,
  );
}

/** The bytes that are at the target, however they came there. */
export function bytesDone({ bytes }: ProgressView): number {
  return bytes.copied + bytes.mounted + bytes.skipped;
}

/** `180.0 MiB copied, 12.0 MiB mounted, 8.0 MiB already there`, without what is zero. */
export function formatVia({
  bytes,
}: {
  readonly bytes: Pick<ProgressView["bytes"], "copied" | "mounted" | "skipped">;
}): string {
  const ways: (readonly [number, string])[] = [
    [bytes.copied, "copied"],
    [bytes.mounted, "mounted"],
    [bytes.skipped, "already there"],
  ];
  const parts = ways.filter(([count]) => count > 0).map(([count, way]) => `${formatBytes(count)} ${way}`);
  return parts.length === 0 ? "nothing to copy" : parts.join(", ");
}

/** Seconds from the start of the attempt to its end, or undefined while there is no end. */
export function secondsTaken(record: Pick<ImportView, "createdAt" | "startedAt" | "finishedAt">): number | undefined {
  if (record.finishedAt === undefined) return undefined;
  return Math.max(0, (Date.parse(record.finishedAt) - Date.parse(record.startedAt ?? record.createdAt)) / 1000);
}

const stateWidth = "Publishing".length;
const minBarWidth = 10;
const maxBarWidth = 40;

function renderState(record: ImportView, columns: number, elapsedSeconds: number): string[] {
  const { progress } = record;
  const state = `  ${record.state.padEnd(stateWidth)}  `;
  if (progress === undefined || progress.bytes.total === 0) return [`${state}${formatDuration(elapsedSeconds)}`];
  const numbers = formatNumbers(record, progress);
  const room = columns - state.length - 2 - numbers.length - 1;
  const bar = room >= minBarWidth ? `${formatBar(fractionDone(record, progress), Math.min(room, maxBarWidth))}  ` : "";
  return [`${state}${bar}${numbers}`, `${" ".repeat(state.length)}${formatCounts(record, progress)}`];
}

/** What the import waits for, and when it is tried again. */
function renderWaiting({ state, waiting }: ImportView): string[] {
  return waiting === undefined || hasEnded(state)
    ? []
    : [`  waiting until ${clock(waiting.until)}: ${waiting.message}`];
}

function clock(time: string): string {
  return time.replace(/^.*T/, "").replace(/(\.\d+)?Z$/, " UTC");
}

/** Bytes that are at the target; while they are read again there, those of them that were right. */
function bytesCounted({ state }: ImportView, progress: ProgressView): number {
  return state === "Verifying" ? (progress.verified?.bytes ?? 0) : bytesDone(progress);
}

function fractionDone(record: ImportView, progress: ProgressView): number {
  return progress.bytes.total === 0 ? 0 : bytesCounted(record, progress) / progress.bytes.total;
}

function formatNumbers(record: ImportView, progress: ProgressView): string {
  const percent = Math.floor(Math.min(1, fractionDone(record, progress)) * 100); // 100 % only when all is there
  const numbers = [
    `${String(percent).padStart(3)}%`,
    `${formatBytes(bytesCounted(record, progress))} of ${formatBytes(progress.bytes.total)}`,
  ];
  if (record.state === "Copying" && progress.bytesPerSecond) numbers.push(`${formatBytes(progress.bytesPerSecond)}/s`);
  if (record.state === "Copying" && progress.etaSeconds) numbers.push(`${formatDuration(progress.etaSeconds)} left`);
  return numbers.join("  ");
}

function formatCounts({ state }: ImportView, { blobs, manifests, verified }: ProgressView): string {
  if (state === "Verifying") return `blobs ${verified?.blobs ?? 0}/${blobs.total} read again`;
  return `blobs ${blobs.done}/${blobs.total}, manifests ${manifests.done}/${manifests.total}`;
}

function formatHeadline(record: ImportView): string {
  const seconds = secondsTaken(record);
  const after = seconds === undefined ? "" : ` after ${formatDuration(seconds)}`;
  if (record.state === "Failed") return `Failed${after}: ${record.error?.message ?? "no reason given"}`;
  if (record.state === "Skipped") return "Skipped: the target holds this digest already";
  if (record.state !== "Succeeded") return `${record.state}${after}`;
  const { progress } = record;
  const took = seconds === undefined ? "" : ` in ${formatDuration(seconds)}`;
  if (progress === undefined) return `Succeeded${took}`;
  return `Succeeded${took}: ${counted(progress.manifests.total, "manifest")}, ${counted(progress.blobs.total, "blob")}; ${formatVia(progress)}${formatVerified(progress)}`;
}

function formatVerified({ verified }: ProgressView): string {
  return verified === undefined ? "" : `, ${formatBytes(verified.bytes)} read again`;
}

/** Code, status, the registry's own words and the hint (unless the message ends with it). */
function formatError(error: ErrorView): string[] {
  const lines = [`  code: ${error.code}${error.httpStatus === undefined ? "" : ` (HTTP ${error.httpStatus})`}`];
  for (const { code, message } of error.upstream ?? []) lines.push(`  registry said: ${code} ${message}`.trimEnd());
  if (error.digest !== undefined) lines.push(`  digest: ${error.digest}`);
  if (error.hint !== undefined && !error.message.includes(error.hint)) lines.push(`  hint: ${error.hint}`);
  if (error.correlationId !== undefined) lines.push(`  correlation id: ${error.correlationId}`);
  return lines;
}
