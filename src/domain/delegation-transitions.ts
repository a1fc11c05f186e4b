import type { Digest } from "../digest.ts";
import type { Progress } from "./import-plan.ts";
import { type Delegation, hasEnded, type ImportRecord } from "./import-record.ts";
import type { ImportSpec } from "./import-spec.ts";
import { pinned, type ResolvedSource, resolving } from "./import-transitions.ts";
import { addWarnings } from "./record-text.ts";

/*
 * Changes of a record whose import is left to ACR, or whose source is found through Azure. As in import-transitions.ts:
 * pure, and the very record when there is nothing to change.
 */

/** The source's host is known, once and for all attempts. */
export function sourceLocated(record: ImportRecord, spec: ImportSpec, warnings: readonly string[]): ImportRecord {
  if (record.spec.source.isAssumed === undefined) return record;
  return { ...record, spec, warnings: addWarnings(record.warnings, warnings) };
}

export interface DelegationStart {
  readonly reason: Delegation["reason"];
  /** Undefined: this service cannot read the source. */
  readonly source: ResolvedSource | undefined;
  readonly warnings: readonly string[];
}

/** The import is left to ACR, which has not been asked yet. */
export function delegated(record: ImportRecord, start: DelegationStart, now: Date): ImportRecord {
  if (record.delegation !== undefined) return record;
  const begun = resolving(record, now);
  const { waiting: _, ...known } = start.source === undefined ? begun : pinned(begun, start.source);
  return {
    ...known,
    state: "Copying",
    copyingAt: now.toISOString(),
    delegation: { reason: start.reason, starts: 0 },
    progress: nothingKnown,
    warnings: addWarnings(record.warnings, start.warnings),
  };
}

/** ACR is about to be asked: whatever becomes of its answer, it may be at work from now on. */
export function operationAsked(record: ImportRecord): ImportRecord {
  return withDelegation(record, ({ reason, starts }) => ({ reason, starts: starts + 1 }));
}

/** ACR is at work, and tells about it at a URL that is sealed here. */
export function operationStarted(record: ImportRecord, operation: string): ImportRecord {
  return withDelegation(record, (delegation) => ({ ...delegation, operation }));
}

/** Of the operation nothing more is to be expected: it has failed, or is not known any more. */
export function operationGone(record: ImportRecord): ImportRecord {
  return withDelegation(record, ({ reason, starts }) => ({ reason, starts }));
}

/** ACR has said that all is in place; `digest` is what the target was found to hold. */
export function delegationVerified(
  record: ImportRecord,
  { digest, warnings }: { readonly digest: Digest | undefined; readonly warnings: readonly string[] },
): ImportRecord {
  if (hasEnded(record.state)) return record;
  return {
    ...record,
    ...(digest && { targetDigest: digest }),
    warnings: addWarnings(record.warnings, warnings),
  };
}

function withDelegation(record: ImportRecord, change: (delegation: Delegation) => Delegation): ImportRecord {
  const { delegation, waiting: _, ...known } = record;
  if (delegation === undefined || hasEnded(record.state)) return record;
  return { ...known, delegation: change(delegation) };
}

/** ACR tells of manifests, and of nothing else. */
const nothingKnown: Progress = {
  manifests: { total: 0, done: 0 },
  blobs: { total: 0, done: 0 },
  bytes: { total: 0, copied: 0, mounted: 0, skipped: 0 },
  bytesPerSecond: 0,
};
