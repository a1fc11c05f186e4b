import { instanceId } from "../../domain/accept.ts";
import type { ImportId } from "../../domain/import-id.ts";
import { hasEnded, type ImportRecord } from "../../domain/import-record.ts";
import { cancelRequested } from "../../domain/import-transitions.ts";
import type { DurablePort } from "../durable-port.ts";
import { answerImport, type ViewImport } from "../import-answer.ts";
import { childInstanceId } from "../orchestrators/import-image.ts";
import { cancelEvent } from "../orchestrators/run.ts";
import type { StopImport } from "../stop-import.ts";
import type { DurableHttpHandler } from "./http-answer.ts";
import { importNotFound, readImportId } from "./read-query.ts";

export interface CancelImportDeps {
  readonly stop: StopImport;
  /** Ends a record whose orchestration does not live any more. */
  readonly endCancelled: (importId: ImportId) => Promise<ImportRecord | undefined>;
  readonly view: ViewImport;
  readonly now: () => Date;
}

/** `POST /api/imports/{id}/cancel`: transfers stop within seconds; a second one changes nothing. */
export function createCancelImport({ stop, endCancelled, view, now }: CancelImportDeps): DurableHttpHandler {
  return async (request, durable) => {
    const id = readImportId(request);
    const record = await stop(id, (current) => cancelRequested(current, now()));
    if (record === undefined) throw importNotFound(id);
    const isAlive = hasEnded(record.state) || (await wake(durable, id, record.attempt));
    const current = isAlive ? record : ((await endCancelled(id)) ?? record);
    return answerImport(hasEnded(current.state) ? 200 : 202, await view(current, request), request);
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
