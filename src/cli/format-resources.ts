import { printable } from "../printable.ts";
import { formatSelection } from "./format-selection.ts";
import { formatTable } from "./format-values.ts";
import type { NamedResource, PoisonView, RuleTest } from "./resource-records.ts";

/** Rules as a table. */
export function formatRules(rules: readonly NamedResource[]): string {
  if (rules.length === 0) return "No rules found.\n";
  const rows = rules.map((rule) => [rule.name, onOff(rule), printable(formatSelection(rule))]);
  return formatTable([["RULE", "STATE", "IMAGES"], ...rows]);
}

/** Schedules as a table. */
export function formatSchedules(schedules: readonly NamedResource[]): string {
  if (schedules.length === 0) return "No schedules found.\n";
  const rows = schedules.map((schedule) => [
    schedule.name,
    onOff(schedule),
    printable(schedule.cron ?? ""),
    printable(schedule.timeZone ?? ""),
    printable(schedule.nextRuns?.[0] ?? ""),
    printable([schedule.lastRun?.state, schedule.lastRun?.at].filter(Boolean).join(" ")),
    printable(formatSelection(schedule)),
  ]);
  return formatTable([["SCHEDULE", "STATE", "CRON", "TIME ZONE", "NEXT", "LAST", "IMAGES"], ...rows]);
}

/** What a push would do by a rule. */
export function formatRuleTest(name: string, test: RuleTest): string {
  const { matches, reason, import: planned, warnings } = test;
  const lines: string[] = [];
  if (!matches) lines.push(`Rule ${name} does not match${reason === undefined ? "" : `: ${reason}`}`);
  else if (planned === undefined)
    lines.push(`Rule ${name} matches, but nothing would be imported: ${reason ?? "no reason given"}`);
  else {
    lines.push(`Rule ${name} matches; it would import${planned.conflict ? ` (conflict: ${planned.conflict})` : ""}`);
    lines.push(`  from ${planned.source}`);
    const untagged = planned.untaggedTargetRepositories.map((repository) => `${repository} (untagged)`);
    lines.push(...[...planned.targetTags, ...untagged].map((target) => `  to   ${planned.target}/${target}`));
  }
  lines.push(...warnings.map((warning) => `  warning: ${warning}`));
  return lines.map((line) => `${printable(line)}\n`).join("");
}

/** Messages that were given up, as a table. */
export function formatPoison(messages: readonly PoisonView[]): string {
  if (messages.length === 0) return "No messages found.\n";
  const rows = messages.map(({ id, createdAt, dequeueCount, reason }) => [
    id,
    createdAt.replace(/\.\d+Z$/, "Z"),
    dequeueCount === undefined ? "" : String(dequeueCount),
    printable(reason === undefined ? "" : `${reason.code} ${reason.message}`),
  ]);
  return formatTable([["ID", "GIVEN UP", "TRIES", "REASON"], ...rows]);
}

/** One message that was given up, with its body. */
export function formatPoisonDetails(message: PoisonView): string {
  const { id, createdAt, dequeueCount, importId, reason, isCut, body } = message;
  const rows: (readonly [string, string | undefined])[] = [
    ["Message", id],
    ["Given up", createdAt],
    ["Tries", dequeueCount === undefined ? undefined : String(dequeueCount)],
    ["Import", importId],
    ["Reason", reason?.message],
    ["Code", reason?.code],
    ["Body", isCut ? `${body ?? ""} … (its end is missing)` : body],
  ];
  return formatTable(rows.flatMap(([name, value]) => (value === undefined ? [] : [[name, printable(value)]])));
}

function onOff({ enabled }: NamedResource): string {
  return enabled ? "enabled" : "disabled";
}
