import { parseOperationId } from "../../domain/arm-operation.ts";
import type { Imports } from "../../store/imports.ts";
import { importNotFound } from "../triggers/read-query.ts";
import type { ArmHandler } from "./arm-answer.ts";
import type { AnswerOperation } from "./operation-answer.ts";

export interface GetOperationDeps {
  readonly imports: Pick<Imports, "read">;
  readonly answerOperation: AnswerOperation;
}

/** `GET …/locations/{location}/operationResults/registries-{id}`, of imports that began here. */
export function createGetOperation({ imports, answerOperation }: GetOperationDeps): ArmHandler {
  return async (request) => {
    const text = request.params.id ?? "";
    const id = parseOperationId(text);
    const stored = id === undefined ? undefined : await imports.read(id);
    if (stored?.record.trigger.kind !== "arm") throw importNotFound(text.slice(0, 40));
    return await answerOperation(stored.record, request);
  };
}
