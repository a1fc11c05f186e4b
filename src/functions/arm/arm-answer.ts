import type { HttpRequest, HttpResponseInit, InvocationContext } from "@azure/functions";
import { type ArmFailure, requestFailure } from "../../domain/arm-error.ts";
import { toImportError } from "../../errors.ts";
import type { DurablePort } from "../durable-port.ts";
import type { Log } from "../log.ts";
import { describeThrown, json } from "../triggers/http-answer.ts";
import type { ReadCaller } from "./caller.ts";

/** Answers a request whose caller is known. */
export type ArmHandler = (
  request: HttpRequest,
  caller: string,
  durable: () => DurablePort,
) => Promise<HttpResponseInit>;

export interface AnsweringArmDeps {
  readonly readCaller: ReadCaller;
  /** What a caller without a sign-in is told: the value of `WWW-Authenticate`. */
  readonly challenge: string;
  readonly log: Log;
}

const unavailableSeconds = 5;

/** Checks the caller, and turns everything that is thrown into an error body of ARM. */
export function createAnsweringArm({ readCaller, challenge, log }: AnsweringArmDeps) {
  const answer = async (
    handle: ArmHandler,
    durable: () => DurablePort,
    request: HttpRequest,
    functionName: string,
  ): Promise<HttpResponseInit> => {
    try {
      return await handle(request, await readCaller(request), durable);
    } catch (thrown) {
      const error = toImportError(thrown);
      if (error !== thrown) log("http-handler-threw", { function: functionName, error: describeThrown(thrown) });
      if (error.code === "UNAUTHORIZED" || error.code === "CALLER_FORBIDDEN")
        log("caller-refused", { function: functionName, code: error.code, reason: error.message });
      return armFailure(requestFailure(error.toWire()), challenge);
    }
  };
  return (handle: ArmHandler, toDurable: (context: InvocationContext) => DurablePort) =>
    async (request: HttpRequest, context: InvocationContext): Promise<HttpResponseInit> => {
      const answered = await answer(handle, () => toDurable(context), request, context.functionName);
      return { ...answered, headers: { ...answered.headers, ...tracing(request, context) } };
    };
}

/** An answer that tells of a failure. */
export function armFailure({ status, body }: ArmFailure, challenge?: string): HttpResponseInit {
  return json(status, body, {
    ...(status === 401 && challenge !== undefined ? { "www-authenticate": challenge } : {}),
    ...(status === 503 ? { "retry-after": String(unavailableSeconds) } : {}),
  });
}

/** What ARM says in every answer, by which requests are found again in logs. */
function tracing(request: HttpRequest, { invocationId }: InvocationContext): Readonly<Record<string, string>> {
  const correlation = request.headers.get("x-ms-correlation-request-id");
  return {
    "cache-control": "no-cache",
    "x-ms-request-id": invocationId,
    "x-ms-correlation-request-id": correlation?.slice(0, 200) || invocationId,
  };
}
