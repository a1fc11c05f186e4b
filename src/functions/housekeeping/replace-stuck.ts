import { type ImportAttempt, instanceId } from "../../domain/accept.ts";
import { hasEnded, type ImportRecord } from "../../domain/import-record.ts";
import { type RecordEnd, replaced } from "../../domain/import-transitions.ts";
import { ImportError } from "../../errors.ts";
import type { Imports, StoredImport } from "../../store/imports.ts";
import type { Open, OpenImport } from "../../store/open.ts";
import type { Parts } from "../../store/parts.ts";
import { mapConcurrently } from "../../transfer/map-concurrently.ts";
import type { BeginAgain } from "../begin-again.ts";
import type { DurablePort, DurableUpkeep } from "../durable-port.ts";
import type { EndImport } from "../end-import.ts";
import type { Log } from "../log.ts";
import { childInstanceId } from "../orchestrators/import-image.ts";

export interface ReplaceStuckDeps {
  readonly imports: Pick<Imports, "read">;
  readonly open: Pick<Open, "list" | "see">;
  readonly parts: Pick<Parts, "sum">;
  readonly beginAgain: BeginAgain;
  readonly endImport: EndImport;
  readonly stuckMinutes: number;
  readonly log: Log;
  readonly now: () => Date;
}

const lookedAtPerRun = 200; // the longest unseen first, so that each has its turn
const lookedAtOnce = 8;

/**
 * Every five minutes: finds imports of which nothing has moved for `stuckMinutes` although nothing is said to hold them
 * up. The first time another attempt takes the place of the one that stands still, the second time the import fails.
 */
export function createReplaceStuck(deps: ReplaceStuckDeps): (durable: DurablePort & DurableUpkeep) => Promise<void> {
  return async (durable) => {
    const aged = deps.now().getTime() - deps.stuckMinutes * 60_000;
    const due = (await deps.open.list())
      .filter(({ createdAt }) => Date.parse(createdAt) <= aged)
      .toSorted((one, other) => (one.seen?.since ?? "").localeCompare(other.seen?.since ?? ""))
      .slice(0, lookedAtPerRun);
    await mapConcurrently(due, lookedAtOnce, async (row) => {
      try {
        await look(deps, durable, row);
      } catch (thrown) {
        deps.log("stuck-failed", { importId: row.id, error: String(thrown) }); // the next run looks again
      }
    });
  };
}

async function look(deps: ReplaceStuckDeps, durable: DurablePort & DurableUpkeep, row: OpenImport): Promise<void> {
  const { imports, parts, open, stuckMinutes, beginAgain, endImport, log, now } = deps;
  const stored = await imports.read(row.id);
  if (stored === undefined || stored.record.attempt !== row.attempt || hasEnded(stored.record.state)) return;
  if (mayStandStill(stored.record, now())) return await open.see(row.id, { mark: "", since: now().toISOString() });
  const mark = JSON.stringify([stored.etag, await parts.sum(row.id)]);
  if (row.seen?.mark !== mark) return await open.see(row.id, { mark, since: now().toISOString() });
  if (now().getTime() - Date.parse(row.seen.since) < stuckMinutes * 60_000) return;

  const attempt: ImportAttempt = { importId: row.id, attempt: row.attempt };
  const end = endOf(stored, stuckMinutes);
  if (end === undefined) {
    const record = replaced(stored.record, now());
    if ((await beginAgain({ record, etag: stored.etag, forget: "units" }, durable)) === "conflict") return; // it moves
    log("stuck-replaced", { ...attempt, state: stored.record.state });
  } else {
    await endImport(attempt, end);
    log("stuck-ended", { ...attempt, state: stored.record.state });
  }
  await terminate(durable, attempt);
}

/** Not yet begun, told to wait, or in the hands of ACR: standing still is as it should be. */
function mayStandStill({ state, waiting, delegation }: ImportRecord, now: Date): boolean {
  if (state === "Accepted" || delegation?.operation !== undefined) return true;
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

/** What may still run of an attempt writes nothing any more: the record is another's. Ending it frees what it holds. */
async function terminate(durable: DurablePort & DurableUpkeep, { importId, attempt }: ImportAttempt): Promise<void> {
  const reason = "the import stood still";
  await durable.terminate(instanceId({ importId, attempt }), reason);
  for (let n = 0; ; n += 1) {
    const child = childInstanceId(importId, attempt, n);
    if ((await durable.state(child)) === "missing") return;
    await durable.terminate(child, reason);
  }
}
