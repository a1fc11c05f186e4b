import { HttpRequest, InvocationContext } from "@azure/functions";
import { describe, expect, it } from "vitest";
import { type ErrorCode, errorCodes, ImportError, type ImportErrorInit } from "../../../src/errors.ts";
import { answering, json, problem, statusOf } from "../../../src/functions/triggers/http-answer.ts";
import { createMemoryLog } from "./memory-stores.ts";

const request = new HttpRequest({ method: "GET", url: "http://drayage.test/api/imports" });
const context = new InvocationContext({ functionName: "listImports" });

const statuses: Readonly<Record<ErrorCode, number>> = {
  INVALID_REFERENCE: 400,
  INVALID_REQUEST: 400,
  NOT_SUPPORTED: 400,
  CALLER_FORBIDDEN: 403,
  HOST_NOT_ALLOWED: 403,
  REGISTRY_NOT_FOUND: 404,
  IMPORT_NOT_FOUND: 404,
  IMPORT_STATE_CONFLICT: 409,
  SCHEDULE_NOT_FOUND: 404,
  SCHEDULE_RUNNING: 409,
  POISON_NOT_FOUND: 404,
  EVENT_NOT_FOUND: 404,
  EVENT_SINK_MISSING: 409,
  RULE_NOT_FOUND: 404,
  HOOK_NOT_FOUND: 404,
  UNAUTHORIZED: 401,
  PRECONDITION_FAILED: 412,
  PROMOTION_NOT_FOUND: 404,
  PROMOTION_STATE_CONFLICT: 409,
  PROMOTION_ITEMS_FAILED: 422,
  CREDENTIALS_REQUIRED: 409,
  TARGET_TAG_EXISTS: 409,
  IDEMPOTENCY_KEY_REUSED: 422,
  PLATFORM_NOT_FOUND: 422,
  SOURCE_NOT_FOUND: 422,
  SOURCE_UNAUTHORIZED: 422,
  SOURCE_FORBIDDEN: 422,
  SOURCE_NETWORK_RESTRICTED: 422,
  SOURCE_RATE_LIMITED: 422,
  SOURCE_UNAVAILABLE: 422,
  SOURCE_CONTENT_CORRUPT: 422,
  SOURCE_CATALOG_REFUSED: 422,
  SOURCE_LOCKED: 422,
  SOURCE_NOT_A_REGISTRY: 422,
  TARGET_LOCKED: 422,
  TARGET_UNAUTHORIZED: 422,
  TARGET_FORBIDDEN: 422,
  TARGET_NETWORK_RESTRICTED: 422,
  TARGET_RATE_LIMITED: 422,
  TARGET_UNAVAILABLE: 422,
  TARGET_REPOSITORY_MISSING: 422,
  TARGET_DIGEST_REJECTED: 422,
  TARGET_SPARSE_REFUSED: 422,
  TARGET_CONTENT_MISSING: 422,
  TARGET_CONTENT_CORRUPT: 422,
  TARGET_UPLOAD_REJECTED: 422,
  TARGET_NOT_A_REGISTRY: 422,
  TARGET_QUOTA_EXCEEDED: 422,
  TARGET_QUARANTINED: 422,
  TARGET_SOFT_DELETED: 422,
  TARGET_CACHE_REPOSITORY: 422,
  TARGET_REGISTRY_MISSING: 422,
  TARGET_IMPORT_FAILED: 422,
  UNSUPPORTED_MEDIA_TYPE: 422,
  CANCELLED: 422,
  DEADLINE_EXCEEDED: 504,
  IMPORT_STUCK: 422,
  SIGN_IN_UNAVAILABLE: 503,
  STORAGE_UNAVAILABLE: 503,
  INTERNAL: 500,
};

const answer = (init: Partial<ImportErrorInit> & Pick<ImportErrorInit, "code">) =>
  problem(new ImportError({ what: "something happened", ...init }));

describe("the HTTP status of an error", () => {
  it.each(errorCodes)("of %s is what docs/errors.md says", (code) => {
    expect(statusOf({ code, retryable: false })).toBe(statuses[code]);
  });

  it("is 503 for a registry that may work again later", () => {
    expect(statusOf({ code: "SOURCE_RATE_LIMITED", retryable: true })).toBe(503);
    expect(statusOf({ code: "TARGET_UNAVAILABLE", retryable: true })).toBe(503);
  });
});

describe("a problem", () => {
  it("has the members of RFC 9457 and those of the record's error", () => {
    const { status, headers, body } = answer({
      ...{ code: "SOURCE_UNAUTHORIZED", side: "source", registry: "docker.io", stage: "resolve" },
      ...{ httpStatus: 401, hint: "check source.credentials", property: "source" },
    });

    expect(status).toBe(422);
    expect(headers).toEqual({ "content-type": "application/problem+json" });
    expect(JSON.parse(String(body))).toEqual({
      type: "urn:drayage:error:SOURCE_UNAUTHORIZED",
      title: "Source unauthorized",
      status: 422,
      detail: "source docker.io: something happened; check source.credentials",
      code: "SOURCE_UNAUTHORIZED",
      side: "source",
      registry: "docker.io",
      stage: "resolve",
      httpStatus: 401,
      hint: "check source.credentials",
      property: "source",
      retryable: false,
    });
  });

  it("says when to come again, in whole seconds", () => {
    const limited = answer({ code: "SOURCE_RATE_LIMITED", retryable: true, retryAfterSeconds: 1.2 });
    const down = answer({ code: "STORAGE_UNAVAILABLE", retryable: true });

    expect(limited.headers).toMatchObject({ "retry-after": "2" });
    expect(down.headers).toMatchObject({ "retry-after": "5" });
  });
});

describe("answering", () => {
  it("passes on what a handler answers", async () => {
    const handle = answering(createMemoryLog().log, async () => json(200, { ok: true }));

    expect(await handle(request, context)).toEqual({
      status: 200,
      headers: { "content-type": "application/json" },
      body: '{"ok":true}',
    });
  });

  it("answers a bug with 500, logs it with its function, and shows no secret", async () => {
    const { log, lines } = createMemoryLog();
    const handle = answering(log, () => Promise.reject(new Error("GET https://x.example/y?sig=abc failed")));

    const { status, body } = await handle(request, context);

    expect(status).toBe(500);
    expect(JSON.parse(String(body))).toMatchObject({ code: "INTERNAL" });
    expect(lines).toMatchObject([{ event: "http-handler-threw", fields: { function: "listImports" } }]);
    expect(`${body}${JSON.stringify(lines)}`).not.toContain("sig=");
  });
});
