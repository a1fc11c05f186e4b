import { instanceId } from "../../domain/accept.ts";
import { hasEnded, type ImportRecord } from "../../domain/import-record.ts";
import type { RecordEnd } from "../../domain/import-transitions.ts";
import { ImportError, type ImportErrorWire } from "../../errors.ts";
import type { Imports } from "../../store/imports.ts";
import type { Open, OpenImport } from "../../store/open.ts";
import type { Parts } from "../../store/parts.ts";
import type { Secrets } from "../../store/secrets.ts";
import { mapConcurrently } from "../../transfer/map-concurrently.ts";
import type { DurablePort } from "../durable-port.ts";
import { type AfterEnd, type EndImport, endAbandoned } from "../end-import.ts";
import type { Log } from "../log.ts";
import { stepsFailed } from "../orchestrators/failure.ts";
import type { StartImport } from "../start-import.ts";

export interface SweepImportsDeps {
  readonly imports: Pick<Imports, "read">;
  readonly open: Pick<Open, "list" | "delete">;
  readonly parts: Pick<Parts, "deleteAll">;
  readonly secrets: Pick<Secrets, "deleteUntil">;
  readonly startImport: Pick<StartImport, "start">;
  readonly endImport: EndImport;
  readonly afterEnd: AfterEnd;
  readonly log: Log;
  readonly now: () => Date;
}

const startAgainMs = 60_000; // an accept that still runs has started its orchestration by then
const forgetMs = 10 * 60_000;
const sweptAtOnce = 8; // one by one, some thousand that came by queue would take longer than the minute

/**
 * Each minute: what a crash between two steps has left behind, and what never began within its time. Reads only `Open`,
 * and a record only of what has been open for a while.
 */
export function createSweepImports(deps: SweepImportsDeps): (durable: DurablePort) => Promise<void> {
  return async (durable) => {
    const nowMs = deps.now().getTime();
    const aged = (await deps.open.list()).map((row) => ({ row, ageMs: nowMs - Date.parse(row.createdAt) }));
    const due = aged.filter(({ ageMs }) => ageMs >= startAgainMs);
    await mapConcurrently(due, sweptAtOnce, async ({ row, ageMs }) => {
      try {
        await sweep(deps, durable, row, ageMs);
      } catch (thrown) {
        deps.log("sweep-failed", { importId: row.id, error: String(thrown) }); // the next sweep tries again
      }
    });
  };
}

async function sweep(deps: SweepImportsDeps, durable: DurablePort, row: OpenImport, ageMs: number): Promise<void> {
  const stored = await deps.imports.read(row.id);
  if (stored === undefined) {
    if (ageMs < forgetMs) return;
    // Accept ended before there was a record, and the caller was told; or the record was deleted, and the rest was not.
    await deps.parts.deleteAll(row.id);
    return await forget(deps, row, row.attempt + 1);
  }
  const { record } = stored;
  if (hasEnded(record.state)) {
    await deps.afterEnd(record);
    return await forget(deps, row, row.attempt);
  }
  if (record.state === "Accepted" && Date.parse(record.deadlineAt) <= deps.now().getTime()) {
    return await end(deps, record, neverBegan(record)); // before its orchestration is asked for: that may not be possible
  }
  const { id: importId, attempt } = record;
  const state = await durable.state(instanceId({ importId, attempt }));
  if (state === "running") return;
  if (record.state === "Accepted" && state === "missing") {
    deps.log("sweep-started", { importId, attempt });
    return await deps.startImport.start({ importId, attempt }, durable);
  }
  await end(deps, record, stepsFailed().error); // the orchestration is gone without an end in the record
}

async function end({ endImport, log }: SweepImportsDeps, record: ImportRecord, error: ImportErrorWire): Promise<void> {
  const { id: importId, attempt, state, cancelRequestedAt } = record;
  const how: RecordEnd = cancelRequestedAt === undefined ? { state: "Failed", error } : { state: "Cancelled" };
  if (await endAbandoned(endImport, { importId, attempt }, how)) log("sweep-ended", { importId, attempt, state });
}

/** Only a step looks at the time of an import that has begun; of this one there has been none. */
function neverBegan({ spec }: ImportRecord): ImportErrorWire {
  return new ImportError({
    code: "DEADLINE_EXCEEDED",
    what: `the import did not begin within its ${spec.timeoutSeconds} s`,
    hint: "look for what keeps the app from running its steps, then retry; or ask for a longer timeoutSeconds",
    retryable: true,
  }).toWire();
}

async function forget(
  { open, secrets }: SweepImportsDeps,
  { id, attempt }: OpenImport,
  lastAttempt: number,
): Promise<void> {
  await secrets.deleteUntil(id, lastAttempt);
  await open.delete(id, attempt);
}
