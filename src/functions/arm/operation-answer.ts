import type { HttpRequest, HttpResponseInit } from "@azure/functions";
import { operationFailure } from "../../domain/arm-error.ts";
import { maxShownManifests, operationBody, operationPath, retryAfterSeconds } from "../../domain/arm-operation.ts";
import { ownGroup } from "../../domain/arm-registries.ts";
import type { RegistryResourceId } from "../../domain/arm-resource-id.ts";
import { hasEnded, type ImportRecord } from "../../domain/import-record.ts";
import { ImportError, type ImportErrorWire, toImportError } from "../../errors.ts";
import type { Parts } from "../../store/parts.ts";
import { baseUrlOf } from "../base-url.ts";
import { json } from "../triggers/http-answer.ts";
import { armFailure } from "./arm-answer.ts";
import { readApiVersion, readScope } from "./read-path.ts";

export interface AnswerOperationDeps {
  readonly parts: Pick<Parts, "listManifests">;
  /** What a registry goes by, for texts. */
  readonly nameOfHost: (host: string) => string;
  readonly now: () => Date;
}

/** How an import stands, as ARM tells of an operation. */
export type AnswerOperation = (record: ImportRecord, request: HttpRequest) => Promise<HttpResponseInit>;

/**
 * 202 with `Location` and `Retry-After` while it runs, 200 when it has ended well, else the error. A `Location` beside
 * 200 would have clients ask on; `Azure-AsyncOperation` is left out, as ACR leaves it out: clients of this operation
 * take its end from `Location` (core-lro's ResourceLocation mode, azure-mgmt-core's LocationPolling).
 */
export function createAnswerOperation({ parts, nameOfHost, now }: AnswerOperationDeps): AnswerOperation {
  return async (record, request) => {
    const { state, id } = record;
    const scope = readScope(request);
    if (state === "Failed" || state === "Cancelled") {
      const target: RegistryResourceId = { group: ownGroup, ...scope, name: nameOfHost(record.spec.target.registry) };
      return armFailure(operationFailure(record, errorOf(record), target));
    }
    const body = operationBody(record, await parts.listManifests(id, maxShownManifests));
    if (hasEnded(state)) return json(200, body);
    return json(202, body, {
      location: `${baseUrlOf(request)}${operationPath(scope.subscription, id, readApiVersion(request))}`,
      "retry-after": String(retryAfterSeconds(record, now())),
    });
  };
}

function errorOf(record: ImportRecord): ImportErrorWire {
  if (record.error !== undefined) return record.error;
  if (record.state !== "Cancelled")
    return toImportError(new Error(`import ${record.id} failed without an error`)).toWire();
  return new ImportError({ code: "CANCELLED", what: `import ${record.id} was cancelled` }).toWire();
}
