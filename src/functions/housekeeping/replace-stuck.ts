import { type ImportAttempt, instanceId } from "../../domain/accept.ts";
import { hasEnded, type ImportRecord } from "../../domain/import-record.ts";
import { type RecordEnd, replaced } from "../../domain/import-transitions.ts";
import { ImportError } from "../../errors.ts";
import type { Heartbeat, Motion } from "../../store/heartbeat.ts";
import type { Imports, StoredImport } from "../../store/imports.ts";
import type { Open, OpenImport, SeenProgress } from "../../store/open.ts";
import type { Parts } from "../../store/parts.ts";
import { mapConcurrently } from "../../transfer/map-concurrently.ts";
import type { BeginAgain } from "../begin-again.ts";
import type { DurablePort, DurableUpkeep } from "../durable-port.ts";
import { type EndImport, endAbandoned } from "../end-import.ts";
import type { Log } from "../log.ts";
import { childInstanceId } from "../orchestrators/import-image.ts";

export interface ReplaceStuckDeps {
  readonly imports: Pick<Imports, "read">;
  readonly open: Pick<Open, "list" | "see">;
  readonly parts: Pick<Parts, "sum">;
  readonly heartbeat: Pick<Heartbeat, "read">;
  readonly beginAgain: BeginAgain;
  readonly endImport: EndImport;
  readonly stuckMinutes: number;
  readonly log: Log;
  readonly now: () => Date;
}

const lookedAtPerRun = 200; // the longest unseen first, so that each has its turn
const lookedAtOnce = 8;
/** Steps begin about in the order in which they were queued: what was queued so much later has begun later. */
const orderMs = 10 * 60_000;

/**
 * Every five minutes: finds imports of which nothing has moved for `stuckMinutes` although nothing is said to hold them
 * up, and whose turn has come: the app has begun with what was queued after them, or gets on with nothing at all. The
 * first time another attempt takes the place of the one that stands still, the second time the import fails. One of which
 * no step has begun is only told of: it ends when its time is over.
 */
export function createReplaceStuck(deps: ReplaceStuckDeps): (durable: DurablePort & DurableUpkeep) => Promise<void> {
  return async (durable) => {
    const aged = deps.now().getTime() - deps.stuckMinutes * 60_000;
    const motion = await deps.heartbeat.read();
    const due = (await deps.open.list())
      .filter(({ createdAt }) => Date.parse(createdAt) <= aged)
      .toSorted((one, other) => (one.seen?.at ?? "").localeCompare(other.seen?.at ?? ""))
      .slice(0, lookedAtPerRun);
    const looks = await mapConcurrently(due, lookedAtOnce, async (row) => {
      try {
        return { row, found: await look(deps, durable, row, motion) };
      } catch (thrown) {
        deps.log("stuck-failed", { importId: row.id, error: String(thrown) }); // the next run looks again
        return { row, found: "left" };
      }
    });
    tellOfNotBegun(
      deps,
      looks.filter(({ found }) => found === "not-begun").map(({ row }) => row),
    );
  };
}

/** One line for all of them: what keeps one from beginning keeps thousands. */
function tellOfNotBegun({ log, now }: ReplaceStuckDeps, rows: readonly OpenImport[]): void {
  const [oldest] = rows.toSorted((one, other) => one.createdAt.localeCompare(other.createdAt));
  if (oldest === undefined) return;
  const { id: importId, attempt, createdAt } = oldest;
  const minutes = Math.floor((now().getTime() - Date.parse(createdAt)) / 60_000);
  log("imports-not-begun", { importId, attempt, minutes, count: rows.length });
}

async function look(
  deps: ReplaceStuckDeps,
  durable: DurablePort & DurableUpkeep,
  row: OpenImport,
  motion: Motion | undefined,
): Promise<"not-begun" | "left" | "ended"> {
  const { imports, parts, open, stuckMinutes, beginAgain, endImport, log, now } = deps;
  const stored = await imports.read(row.id);
  // A row of a later attempt is of a process that has ended before that one began.
  if (stored === undefined || stored.record.attempt > row.attempt || hasEnded(stored.record.state)) return "left";
  const at = now().toISOString();
  if (mayStandStill(stored.record, now())) {
    await open.see(row.id, { mark: "", since: at, at });
    return "left";
  }
  const sum = await parts.sum(row.id);
  const trace = JSON.stringify([stored.etag, row.aliveAt, sum]);
  const stuckMs = stuckMinutes * 60_000;
  const { isStuck, seen } = judge({ row, record: stored.record, trace, motion, stuckMs, now: now() });
  const isBegun = stored.record.state !== "Accepted";
  if (!isStuck || !isBegun) {
    await open.see(row.id, { ...seen, at });
    return isStuck ? "not-begun" : "left";
  }

  const attempt: ImportAttempt = { importId: row.id, attempt: stored.record.attempt };
  const end = endOf(stored, stuckMinutes);
  if (end === undefined) {
    const record = replaced(stored.record, now());
    if ((await beginAgain({ record, etag: stored.etag, forget: "units" }, durable)) === "conflict") return "left"; // it moves
    log("stuck-replaced", { ...attempt, state: stored.record.state });
  } else if (await endAbandoned(endImport, attempt, end)) {
    log("stuck-ended", { ...attempt, state: stored.record.state });
  }
  await terminate(durable, attempt, sum.blobs.total);
  return "ended";
}

interface Look {
  readonly row: OpenImport;
  readonly record: ImportRecord;
  /** Differs from that of the last look when anything of the import has moved. */
  readonly trace: string;
  readonly motion: Motion | undefined;
  readonly stuckMs: number;
  readonly now: Date;
}

interface Judgement {
  readonly isStuck: boolean;
  readonly seen: Omit<SeenProgress, "at">;
}

/**
 * Whether an import that stands still is stuck, and what to remember of it until it is. Time counts from its last move
 * (from its acceptance where there was none) where it has its turn or nobody has; behind others it counts from when they
 * have had theirs. Past its deadline no turn is worth waiting for: whoever took it would find that out.
 */
function judge({ row, record, trace, motion, stuckMs, now }: Look): Judgement {
  const nowMs = now.getTime();
  const marks = { queued: trace, reached: `reached ${trace}` };
  const isSeen = row.seen !== undefined && (row.seen.mark === marks.queued || row.seen.mark === marks.reached);
  const stoodFrom = record.state === "Accepted" ? row.createdAt : now.toISOString();
  const seen = isSeen ? row.seen : { mark: marks.queued, since: stoodFrom };
  const sinceMs = Date.parse(seen.since);
  const isSilent = nowMs - sinceMs >= stuckMs;
  const isIdle = motion === undefined || nowMs - motion.movedAt.getTime() >= stuckMs;
  const isLate = nowMs - Date.parse(record.deadlineAt) >= stuckMs;
  if (isSilent && (seen.mark === marks.reached || isIdle || isLate)) return { isStuck: true, seen };
  const isReached = motion !== undefined && motion.reachedAt.getTime() >= sinceMs + orderMs;
  if (seen.mark === marks.queued && isReached)
    return { isStuck: false, seen: { mark: marks.reached, since: now.toISOString() } };
  return { isStuck: false, seen };
}

/** Told to wait, or in the hands of ACR: standing still is as it should be. */
function mayStandStill({ waiting, delegation }: ImportRecord, now: Date): boolean {
  if (delegation?.operation !== undefined) return true;
  return waiting !== undefined && Date.parse(waiting.until) > now.getTime();
}

/** Undefined: it is worth another attempt. Tags that were begun are not: under `fail` their own would be in the way. */
function endOf({ record }: StoredImport, stuckMinutes: number): RecordEnd | undefined {
  if (record.cancelRequestedAt !== undefined && record.state !== "Publishing") return { state: "Cancelled" };
  if (record.stopRequestedAt !== undefined && record.error !== undefined)
    return { state: "Failed", error: record.error };
  if (record.replacedAt === undefined && record.state !== "Publishing") return undefined;
  const stuck = new ImportError({
    code: "IMPORT_STUCK",
    what: `nothing of the import moved for ${stuckMinutes} min while it was ${record.state}`,
    hint: "look for what is wrong with the app or its storage, then retry",
  });
  return { state: "Failed", error: stuck.toWire() };
}

/**
 * What may still run of an attempt writes nothing any more: the record is another's. Ending it frees what it holds.
 * Children are counted from 0, but those that ended long ago may have been purged: each has at least one blob, so that
 * there are no more than `blobs` of them, and beyond these the first that is missing is the end.
 */
async function terminate(
  durable: DurablePort & DurableUpkeep,
  { importId, attempt }: ImportAttempt,
  blobs: number,
): Promise<void> {
  const reason = "the import stood still";
  await durable.terminate(instanceId({ importId, attempt }), reason);
  const terminateChild = async (n: number): Promise<boolean> => {
    const child = childInstanceId(importId, attempt, n);
    const state = await durable.state(child);
    if (state === "running") await durable.terminate(child, reason);
    return state !== "missing";
  };
  await mapConcurrently([...Array(blobs).keys()], lookedAtOnce, terminateChild);
  for (let n = blobs; await terminateChild(n); ) n += 1;
}
