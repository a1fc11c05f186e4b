import type { Digest } from "../digest.ts";
import { definedOnly, type ErrorCode, ImportError, type ImportErrorWire } from "../errors.ts";
import type { Progress } from "./import-plan.ts";
import { hasEnded, type ImportRecord, type ImportState, mayMove, type PromotionItemRef } from "./import-record.ts";
import type { ImportSpec } from "./import-spec.ts";
import { addWarnings, fitError } from "./record-text.ts";

/*
 * Every change of a record after it was accepted. Each is pure, and returns the very record it was given when there is
 * nothing to change: a repeated step writes nothing. What must not happen throws IMPORT_STATE_CONFLICT or CANCELLED.
 */

/** The import shall stop. Too late once its tags are being written: then it throws IMPORT_STATE_CONFLICT. */
export function cancelRequested(record: ImportRecord, now: Date): ImportRecord {
  if (record.state === "Cancelled") return record;
  if (hasEnded(record.state)) throw conflict(record, `it has ended as ${record.state}`);
  if (record.state === "Publishing") throw conflict(record, "its tags are being written", "wait for its end");
  if (record.cancelRequestedAt !== undefined) return record;
  return { ...record, cancelRequestedAt: now.toISOString() };
}

/**
 * A step cannot go on before `until`. One that waits for the same thing already, and as long, is left as it is: units
 * of one import often wait for the same registry.
 */
export function waitingFor(record: ImportRecord, error: ImportErrorWire, until: Date, now: Date): ImportRecord {
  if (hasEnded(record.state)) return record;
  const { waiting } = record;
  if (waiting?.code === error.code && Date.parse(waiting.until) >= until.getTime()) return record;
  const message = error.message.slice(0, maxWaitingChars);
  return { ...resolving(record, now), waiting: { until: until.toISOString(), code: error.code, message } };
}

/** A part of the import has failed for good: the others shall stop, and this is what it will end with. */
export function stopRequested(record: ImportRecord, now: Date, error: ImportErrorWire): ImportRecord {
  if (hasEnded(record.state) || record.stopRequestedAt !== undefined) return record;
  return { ...record, stopRequestedAt: now.toISOString(), error: fitError(error) };
}

const maxWaitingChars = 600;

export interface RetryChoice {
  /** Row of `Secrets` for those that the request for the retry brings: those of the first request are gone. */
  readonly credentials: { readonly secretName: string } | "absent";
  /** `keep`: the digest that was found at first. `resolve`: start from the tag again. */
  readonly digest: "keep" | "resolve";
  /** The item of a promotion that it is begun again for, in the promotion's attempt. */
  readonly promotion?: PromotionItemRef;
}

/** The next attempt of an import that failed or was cancelled. */
export function retried(record: ImportRecord, now: Date, choice: RetryChoice): ImportRecord {
  const { credentials, digest, promotion = record.promotion } = choice;
  if (record.state !== "Failed" && record.state !== "Cancelled") {
    throw conflict(record, `it is ${record.state}`, "only an import that failed or was cancelled can be retried");
  }
  if (record.isUnreadable) {
    const hint = "send a corrected message, with the same importId if it shall be the same import";
    throw conflict(record, "what began it could not be read", hint);
  }
  if (record.hasCredentials && credentials === "absent") {
    throw new ImportError({
      code: "CREDENTIALS_REQUIRED",
      stage: "accept",
      side: "source",
      registry: record.spec.source.registry,
      what: `import ${record.id} was started with credentials of its own, which are deleted when an import ends`,
      hint: "repeat them in the body: source.credentials",
      property: "source.credentials",
    });
  }
  const { v, id, trigger, spec, createdAt, source, targetDigest } = record;
  const found = digest === "keep" ? { ...(source && { source }), ...(targetDigest && { targetDigest }) } : {};
  return {
    ...{ v, id, trigger, ...(promotion && { promotion }), spec, createdAt, ...found, ...tagged(record) },
    state: "Accepted",
    ...(credentials === "absent" ? { hasCredentials: false } : { hasCredentials: true, ...credentials }),
    attempt: record.attempt + 1,
    deadlineAt: deadlineOf(record, now),
    warnings: [],
  };
}

/** The next attempt of an import that stands still: with the credentials it has, until the same deadline. */
export function replaced(record: ImportRecord, now: Date): ImportRecord {
  if (hasEnded(record.state)) throw conflict(record, `it has ended as ${record.state}`);
  const { finishedAt: _f, stopRequestedAt: _s, progress: _p, error: _e, waiting: _w, ...kept } = record;
  const { copyingAt: _c, verifyingAt: _v, publishingAt: _u, ...rest } = kept;
  return {
    ...{ ...rest, ...tagged(record) },
    ...{ state: "Accepted", attempt: record.attempt + 1, replacedAt: now.toISOString() },
    warnings: addWarnings(record.warnings, [`attempt ${record.attempt} stood still and was given up`]),
  };
}

/** The next attempt by a request that came anew, after the cause of the failure was mended: nothing of before counts. */
export function restarted(record: ImportRecord, spec: ImportSpec, now: Date): ImportRecord {
  const { isUnreadable: _, ...readable } = record;
  const { taggedDigest: _t, ...again } = retried({ ...readable, spec }, now, {
    credentials: "absent",
    digest: "resolve",
  });
  return again;
}

/**
 * What this attempt may have put tags to, else what an earlier one may have. ACR puts them by itself, at any time after
 * it was asked.
 */
function tagged(record: ImportRecord): Pick<ImportRecord, "taggedDigest"> {
  const { publishingAt, delegation, source, targetDigest = source?.digest, taggedDigest } = record;
  const hasBegun = publishingAt !== undefined || (delegation?.starts ?? 0) > 0;
  return definedOnly({ taggedDigest: (hasBegun ? targetDigest : undefined) ?? taggedDigest });
}

/** When an attempt that begins `now` must have ended. */
export function deadlineOf({ spec }: Pick<ImportRecord, "spec">, now: Date): string {
  return new Date(now.getTime() + spec.timeoutSeconds * 1_000).toISOString();
}

/** The first step has begun. */
export function resolving(record: ImportRecord, now: Date): ImportRecord {
  if (record.state !== "Accepted") return record;
  return { ...record, state: "Resolving", startedAt: record.startedAt ?? now.toISOString() };
}

export interface ResolvedSource {
  readonly digest: Digest;
  readonly mediaType: string;
}

/** The source's digest is known; the first one found stays, whatever the tag points to later. */
export function pinned(record: ImportRecord, source: ResolvedSource): ImportRecord {
  return record.source === undefined ? { ...record, source } : record;
}

export interface Resolved {
  readonly source: ResolvedSource;
  /** Differs from the source's when platforms were left out of an index. */
  readonly targetDigest: Digest;
  readonly progress: Progress;
  readonly warnings: readonly string[];
}

/** An import that takes as long as this is large: one whose token ends sooner deserves a warning. */
const shortLifeMs = 30 * 60_000;

/** What is to be said of credentials that end at `endsAt`: soon, and before the import must have ended. */
export function earlyEnd({ deadlineAt }: ImportRecord, endsAt: Date | undefined, now: Date): readonly string[] {
  const soonMs = Math.min(Date.parse(deadlineAt), now.getTime() + shortLifeMs);
  if (endsAt === undefined || endsAt.getTime() >= soonMs) return [];
  const until = endsAt.toISOString();
  return [
    `the source's token ends at ${until}, before the import's time limit: what is not read by then needs a new one`,
  ];
}

/** Something that who looks at the import should know. */
export function warned(record: ImportRecord, warning: string): ImportRecord {
  const warnings = addWarnings(record.warnings, [warning]);
  return warnings.length === record.warnings.length ? record : { ...record, warnings };
}

/** The plan stands and copying begins. */
export function resolved(record: ImportRecord, found: Resolved, now: Date): ImportRecord {
  if (record.state === "Copying") return record;
  assertMayMove(record, "Copying");
  const { waiting: _, ...known } = record;
  const { targetDigest, progress, warnings } = found;
  return {
    ...pinned(known, found.source),
    ...{ state: "Copying", copyingAt: now.toISOString(), targetDigest, progress },
    warnings: addWarnings(record.warnings, warnings),
  };
}

/** What was copied is read again, before any tag is written. */
export function verifying(record: ImportRecord, now: Date): ImportRecord {
  if (record.state === "Verifying" || record.state === "Publishing") return record; // the latter: after a repair
  assertMayMove(record, "Verifying");
  const { waiting: _, ...known } = record;
  return { ...known, state: "Verifying", verifyingAt: now.toISOString() };
}

/** Nothing is to be done, since the target holds this digest: another one than the source's for a rewritten index. */
export function foundAtTarget(record: ImportRecord, targetDigest: Digest): ImportRecord {
  return (record.targetDigest ?? record.source?.digest) === targetDigest ? record : { ...record, targetDigest };
}

/** The tags are about to be written: from here on nothing can be cancelled. Throws CANCELLED if it was before. */
export function publishing(record: ImportRecord, now: Date): ImportRecord {
  if (record.state === "Publishing") return record;
  if (record.cancelRequestedAt !== undefined && !hasEnded(record.state)) {
    throw failure("CANCELLED", `import ${record.id} was cancelled`);
  }
  assertMayMove(record, "Publishing");
  const { waiting: _, ...known } = record;
  return { ...known, state: "Publishing", publishingAt: now.toISOString() };
}

/** How an import ends. */
export type RecordEnd = {
  readonly warnings?: readonly string[];
  readonly progress?: Progress;
  readonly targetDigest?: Digest;
} & (
  | { readonly state: "Succeeded" | "Skipped" | "Cancelled" }
  | { readonly state: "Failed"; readonly error: ImportErrorWire }
);

/** The terminal record. One that ended so already is left alone; one that ended otherwise throws. */
export function ended(record: ImportRecord, end: RecordEnd, now: Date): ImportRecord {
  if (record.state === end.state) return record;
  assertMayMove(record, end.state);
  const { warnings = [], state, ...rest } = end;
  const { progress, targetDigest } = rest;
  const { waiting: _, error, ...known } = record;
  return {
    ...known,
    ...(error && state !== "Skipped" ? { error } : {}), // what stopped it is no error of an import that ends well
    ...{ state, finishedAt: now.toISOString() },
    ...(progress && { progress }),
    ...(targetDigest && { targetDigest }),
    ...(end.state === "Failed" ? { error: fitError(end.error) } : {}),
    warnings: addWarnings(record.warnings, mayGoOn(record, state) ? [...warnings, goesOn] : warnings),
  };
}

/** ACR's operations cannot be cancelled: one that nobody waits for any more may still write the tags. */
const goesOn = "ACR was asked for this import and goes on by itself: it may still write the tags";

function mayGoOn({ delegation }: ImportRecord, end: RecordEnd["state"]): boolean {
  if (delegation === undefined || delegation.starts === 0) return false;
  return end === "Cancelled" || (end === "Failed" && delegation.operation !== undefined);
}

function assertMayMove(record: ImportRecord, to: ImportState): void {
  if (!mayMove(record.state, to)) throw conflict(record, `it is ${record.state} and cannot become ${to}`);
}

function conflict({ id }: ImportRecord, what: string, hint?: string): ImportError {
  return failure("IMPORT_STATE_CONFLICT", `import ${id}: ${what}`, hint);
}

function failure(code: ErrorCode, what: string, hint?: string): ImportError {
  return new ImportError({ code, what, ...(hint === undefined ? {} : { hint }) });
}
