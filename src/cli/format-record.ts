import { parseDigest, shortDigest } from "../digest.ts";
import { hasEnded } from "../domain/import-record.ts";
import { formatBytes, formatDuration } from "../domain/quantities.ts";
import { printable } from "../printable.ts";
import type { DryRun, ImportView, PartView, ProgressView } from "./api-records.ts";
import { counted, formatTable } from "./format-values.ts";
import {
  bytesDone,
  formatProgressLine,
  formatSource,
  formatTargets,
  formatVia,
  secondsTaken,
} from "./progress-display.ts";

/** Everything about one import, as `drayage show` prints it. */
export function formatDetails(record: ImportView): string {
  const { source, target, trigger, error } = record;
  const seconds = secondsTaken(record);
  const rows: (readonly [string, string | undefined])[] = [
    ["Import", record.id],
    ["State", record.progress === undefined ? record.state : formatProgressLine(record)],
    ["Source", formatSource(record)],
    ["Digest", source?.digest],
    ["Media type", source?.mediaType],
    ...formatTargets(record).map((text) => ["Target", text] as const),
    ["Target digest", target?.digest === source?.digest ? undefined : target?.digest],
    ["Bytes", formatBytesSoFar(record)],
    ["Trigger", trigger === undefined ? undefined : [trigger.kind, trigger.ref].filter(Boolean).join(" ")],
    ["Labels", formatLabels(record.labels)],
    ["Created", record.createdAt],
    [
      "Ended",
      seconds === undefined ? undefined : `${record.finishedAt} (took ${formatDuration(seconds)}${formatWait(record)})`,
    ],
    ["Attempt", record.attempt === undefined || record.attempt === 1 ? undefined : String(record.attempt)],
    ["Waiting", record.waiting && `until ${record.waiting.until}: ${record.waiting.message}`],
    ["Error", error?.message],
    ["Code", error?.code],
    ["Status", error?.httpStatus === undefined ? undefined : `HTTP ${error.httpStatus} from the registry`],
    ...(error?.upstream ?? []).map(({ code, message }) => ["Registry said", `${code} ${message}`] as const),
    ["Hint", error?.hint === undefined || error.message.includes(error.hint) ? undefined : error.hint],
    ["Correlation id", error?.correlationId],
    ...record.warnings.map((warning) => ["Warning", warning] as const),
  ];
  return formatTable(rows.flatMap(([name, value]) => (value === undefined ? [] : [[name, printable(value)]])));
}

/** What has come in which way; undefined while nothing has, and something may yet. */
function formatBytesSoFar({ state, progress }: ImportView): string | undefined {
  if (progress === undefined || (!hasEnded(state) && bytesDone(progress) === 0)) return undefined;
  return formatVia(progress);
}

/** What lies between acceptance and start, where a reader would miss it. Of a retry that is no wait: its start is another one. */
function formatWait({ attempt = 1, createdAt, startedAt }: ImportView): string {
  const seconds = startedAt === undefined ? 0 : (Date.parse(startedAt) - Date.parse(createdAt)) / 1000;
  return attempt === 1 && seconds > toldWaitSeconds ? ` after ${formatDuration(seconds)} of waiting` : "";
}

const toldWaitSeconds = 5;

/** Manifests and blobs as a table, with a line that sums them up. */
export function formatParts(parts: readonly PartView[]): string {
  if (parts.length === 0) return "No parts known yet.\n";
  const rows = parts.map((part) => [
    part.kind,
    short(part.digest),
    formatBytes(part.sizeBytes),
    part.state === "done" ? (part.via ?? "done") : part.state,
    part.ms === undefined ? "" : formatDuration(part.ms / 1000),
    printable(part.platform ?? part.artifactType ?? part.mediaType ?? ""),
  ]);
  return formatTable([["PART", "DIGEST", "SIZE", "STATE", "TOOK", "WHAT"], ...rows]);
}

/** Imports as a table, newest first as the service has them. */
export function formatList(records: readonly ImportView[]): string {
  if (records.length === 0) return "No imports found.\n";
  const rows = records.map((record) => {
    const seconds = secondsTaken(record);
    const [first = record.target?.registry, ...others] = formatTargets(record);
    const target = first === undefined ? "" : ` → ${first}${others.length === 0 ? "" : ` and ${others.length} more`}`;
    return [
      record.id,
      record.state,
      record.createdAt.replace(/\.\d+Z$/, "Z"),
      seconds === undefined ? "" : formatDuration(seconds),
      record.progress === undefined ? "" : formatBytes(bytesDone(record.progress)),
      printable(`${formatSource(record)}${target}`),
    ];
  });
  return formatTable([["ID", "STATE", "CREATED", "TOOK", "SIZE", "IMPORT"], ...rows]);
}

/** What a dry run found. */
export function formatPlan(plan: DryRun): string {
  const { source, target, progress, work } = plan;
  const lines = ["Dry run: nothing was changed."];
  if (source !== undefined) {
    lines.push(`  from ${formatSource({ source })}`);
    if (source.digest !== undefined) lines.push(`       ${source.digest}`);
  }
  if (target !== undefined) lines.push(...formatTargets({ target }).map((text) => `  to   ${text}`));
  if (progress !== undefined) {
    const { manifests, blobs, bytes } = progress;
    lines.push(`  ${manifests.total} manifests, ${blobs.total} blobs, ${formatBytes(bytes.total)}`);
    if (plan.action === "skip") lines.push("  nothing to do: the target holds it already");
    else lines.push(...(work === undefined ? [missingLine(progress)] : formatWork(work)));
  }
  lines.push(...plan.warnings.map((warning) => `  warning: ${warning}`));
  return lines.map((line) => `${printable(line)}\n`).join("");
}

/** Of a service that does not tell mounts from copies. */
function missingLine(progress: ProgressView): string {
  const { blobs, bytes } = progress;
  const missingBytes = Math.max(0, bytes.total - bytesDone(progress));
  return `  to copy: ${blobs.total - blobs.done} blobs, ${formatBytes(missingBytes)}`;
}

function formatWork({ copy, mount, skip }: NonNullable<DryRun["work"]>): readonly string[] {
  const said = [
    [copy, "to copy", ""],
    [mount, "to mount", " (copied where the registry refuses)"],
    [skip, "already there", ""],
  ] as const;
  return said.flatMap(([{ blobs, bytes }, what, note]) =>
    blobs === 0 ? [] : [`  ${what}: ${counted(blobs, "blob")}, ${formatBytes(bytes)}${note}`],
  );
}

function formatLabels(labels: Readonly<Record<string, string>> | undefined): string | undefined {
  const pairs = Object.entries(labels ?? {}).map(([key, value]) => `${key}=${value}`);
  return pairs.length === 0 ? undefined : pairs.join(" ");
}

function short(text: string): string {
  const digest = parseDigest(text);
  return digest === undefined ? printable(text) : shortDigest(digest);
}
