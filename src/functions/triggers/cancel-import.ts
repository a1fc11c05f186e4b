import { hasEnded } from "../../domain/import-record.ts";
import { type CancelRunningDeps, createCancelRunning } from "../cancel-running.ts";
import { answerImport, type ViewImport } from "../import-answer.ts";
import type { DurableHttpHandler } from "./http-answer.ts";
import { importNotFound, readImportId } from "./read-query.ts";

export interface CancelImportDeps extends CancelRunningDeps {
  readonly view: ViewImport;
}

/** `POST /api/imports/{id}/cancel`: transfers stop within seconds; a second one changes nothing. */
export function createCancelImport({ view, ...deps }: CancelImportDeps): DurableHttpHandler {
  const cancel = createCancelRunning(deps);
  return async (request, durable) => {
    const id = readImportId(request);
    const record = await cancel(id, durable);
    if (record === undefined) throw importNotFound(id);
    return answerImport(hasEnded(record.state) ? 200 : 202, await view(record, request), request);
  };
}
