import { type ImportAttempt, instanceId } from "../domain/accept.ts";
import type { ImportId } from "../domain/import-id.ts";
import { hasEnded, type ImportRecord } from "../domain/import-record.ts";
import { cancelRequested } from "../domain/import-transitions.ts";
import type { DurablePort } from "./durable-port.ts";
import type { EndedImport } from "./end-import.ts";
import { childInstanceId } from "./orchestrators/import-image.ts";
import { cancelEvent } from "./orchestrators/run.ts";
import type { StopImport } from "./stop-import.ts";

export interface CancelRunningDeps {
  readonly stop: StopImport;
  /** Ends a record whose orchestration does not live any more. */
  readonly endCancelled: (attempt: ImportAttempt) => Promise<EndedImport | undefined>;
  readonly now: () => Date;
}

/** The record afterwards; undefined: there is no such import. Throws IMPORT_STATE_CONFLICT where it is too late. */
export type CancelRunning = (importId: ImportId, durable: DurablePort) => Promise<ImportRecord | undefined>;

/** Cancels an import and wakes it, so that it stops within seconds; a second time changes nothing. */
export function createCancelRunning({ stop, endCancelled, now }: CancelRunningDeps): CancelRunning {
  return async (id, durable) => {
    const record = await stop(id, (current) => cancelRequested(current, now()));
    if (record === undefined || hasEnded(record.state) || (await wake(durable, id, record.attempt))) return record;
    return (await endCancelled({ importId: id, attempt: record.attempt }))?.record ?? record;
  };
}

/** Wakes the orchestration and its sub-orchestrations from their timers; false: the orchestration does not live. */
async function wake(durable: DurablePort, importId: ImportId, attempt: number): Promise<boolean> {
  const instance = instanceId({ importId, attempt });
  if ((await durable.state(instance)) !== "running") return false;
  await durable.raise(instance, cancelEvent);
  let n = 0;
  while (await durable.raise(childInstanceId(importId, attempt, n), cancelEvent)) n += 1;
  return true;
}
