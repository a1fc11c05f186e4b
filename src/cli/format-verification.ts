import { formatBytes } from "../domain/quantities.ts";
import { printable } from "../printable.ts";
import { counted } from "./format-values.ts";
import { formatSource } from "./progress-display.ts";
import type { VerificationRecord } from "./verification-record.ts";

/** Whether two images are the same, and in what they differ. */
export function formatVerification(record: VerificationRecord): string {
  const { same, source, target, differences, omittedDifferences, checked, warnings } = record;
  const count = differences.length + omittedDifferences;
  const lines = [
    same
      ? `Same: ${formatChecked(halfOf(checked), "on each side")}${formatRead(checked)}`
      : `Different: ${counted(count, "difference")}; ${formatChecked(checked, "on both sides together")}${formatRead(checked)}`,
    `  source  ${formatSource({ source })}  ${source.digest ?? "not there"}`,
    `  target  ${formatSource({ source: target })}  ${target.digest ?? "not there"}`,
    ...differences.flatMap(formatDifference),
    ...(omittedDifferences > 0 ? [`  and ${omittedDifferences} more`] : []),
    ...warnings.map((warning) => `  warning: ${warning}`),
  ];
  return lines.map((line) => `${printable(line)}\n`).join("");
}

type Checked = VerificationRecord["checked"];

/** What one side has of what is the same: the service counts both. */
function halfOf({ manifests, blobs }: Checked): Pick<Checked, "manifests" | "blobs"> {
  return { manifests: manifests / 2, blobs: blobs / 2 };
}

function formatChecked({ manifests, blobs }: Pick<Checked, "manifests" | "blobs">, where: string): string {
  return `${counted(manifests, "manifest")} and ${counted(blobs, "blob")} ${where}`;
}

function formatRead({ bytes }: Checked): string {
  return bytes > 0 ? `, ${formatBytes(bytes)} read and hashed` : "";
}

function formatDifference({ path, message, source, target }: VerificationRecord["differences"][number]): string[] {
  const values = source !== undefined && target !== undefined ? [`    source  ${source}`, `    target  ${target}`] : [];
  return [`  ${path}: ${message}`, ...values];
}
