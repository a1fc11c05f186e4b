import type { HttpRequest, HttpResponseInit, InvocationContext } from "@azure/functions";
import { type ErrorCode, ImportError, type ImportErrorWire, scrub, toImportError } from "../../errors.ts";
import type { DurablePort } from "../durable-port.ts";
import type { Log } from "../log.ts";

export type HttpHandler = (request: HttpRequest) => Promise<HttpResponseInit>;

/** A handler that starts, wakes or looks at orchestrations. */
export type DurableHttpHandler = (request: HttpRequest, durable: DurablePort) => Promise<HttpResponseInit>;

/** Wraps a handler so that everything it throws becomes an `application/problem+json` answer (RFC 9457). */
export function answering(
  log: Log,
  handle: (request: HttpRequest, context: InvocationContext) => Promise<HttpResponseInit>,
) {
  return async (request: HttpRequest, context: InvocationContext): Promise<HttpResponseInit> => {
    try {
      return await handle(request, context);
    } catch (thrown) {
      if (!(thrown instanceof ImportError))
        log("http-handler-threw", { function: context.functionName, error: describeThrown(thrown) });
      return problem(toImportError(thrown));
    }
  };
}

export function json(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): HttpResponseInit {
  return { status, body: JSON.stringify(body), headers: { "content-type": "application/json", ...headers } };
}

/** `type` names the code's row in docs/errors.md; the other members are those of the import record's `error`. */
export function problem(error: ImportError): HttpResponseInit {
  const wire = error.toWire();
  const status = statusOf(wire);
  const { message, ...members } = wire;
  const body = {
    type: `urn:drayage:error:${wire.code}`,
    title: titles(wire.code),
    status,
    detail: message,
    ...members,
  };
  const retryAfter = wire.retryAfterSeconds ?? (status === 503 ? 5 : undefined);
  return {
    status,
    body: JSON.stringify(body),
    headers: {
      "content-type": "application/problem+json",
      ...(status === 401 ? { "www-authenticate": "Bearer" } : {}), // RFC 9110, 15.5.2: a 401 says how one signs in
      ...(retryAfter === undefined ? {} : { "retry-after": String(Math.ceil(retryAfter)) }),
    },
  };
}

/** The HTTP status of an error where a request is answered with it; 422: well-formed, but it cannot be done. */
export function statusOf(error: Pick<ImportErrorWire, "code" | "retryable">): number {
  const status = statuses[error.code];
  if (status !== undefined) return status;
  return error.retryable ? 503 : 422;
}

const statuses: Partial<Readonly<Record<ErrorCode, number>>> = {
  INVALID_REQUEST: 400,
  INVALID_REFERENCE: 400,
  NOT_SUPPORTED: 400,
  CALLER_FORBIDDEN: 403,
  HOST_NOT_ALLOWED: 403,
  REGISTRY_NOT_FOUND: 404,
  IMPORT_NOT_FOUND: 404,
  RULE_NOT_FOUND: 404,
  HOOK_NOT_FOUND: 404,
  UNAUTHORIZED: 401,
  PRECONDITION_FAILED: 412,
  IMPORT_STATE_CONFLICT: 409,
  SCHEDULE_NOT_FOUND: 404,
  SCHEDULE_RUNNING: 409,
  POISON_NOT_FOUND: 404,
  EVENT_NOT_FOUND: 404,
  EVENT_SINK_MISSING: 409,
  PROMOTION_NOT_FOUND: 404,
  PROMOTION_STATE_CONFLICT: 409,
  CREDENTIALS_REQUIRED: 409,
  TARGET_TAG_EXISTS: 409,
  IDEMPOTENCY_KEY_REUSED: 422,
  SIGN_IN_UNAVAILABLE: 503,
  STORAGE_UNAVAILABLE: 503,
  DEADLINE_EXCEEDED: 504,
  INTERNAL: 500,
};

function titles(code: ErrorCode): string {
  const words = code.toLowerCase().replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** What was thrown, with its stack, for the log. */
export function describeThrown(thrown: unknown): string {
  return scrub(thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown));
}
