import { createHash } from "node:crypto";
import type { HttpRequest, HttpResponseInit } from "@azure/functions";
import { json } from "./triggers/http-answer.ts";

type Headers = Readonly<Record<string, string>>;

/**
 * Answers a GET with 200 and an ETag that changes with anything a caller can see, or with 304 where `If-None-Match`
 * names it.
 */
export function answerTagged(body: unknown, request: HttpRequest, headers: Headers = {}): HttpResponseInit {
  const tagged = { ...headers, ...validators(body) };
  return isKnown(request, tagged.etag) ? { status: 304, headers: tagged } : json(200, body, tagged);
}

/** What says how an answer may be kept: always to be asked for again, by the ETag of its body. */
export function validators(body: unknown) {
  return { etag: `"${tagOf(body)}"`, "cache-control": "no-cache" } as const;
}

/** What an ETag is made of: another one for whatever is not the same. */
export function tagOf(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("base64url").slice(0, 27);
}

/** Whether the caller has what `etag` names; a proxy that compresses answers makes ETags weak (RFC 9110, 13.1.2). */
export function isKnown(request: HttpRequest, etag: string): boolean {
  const header = request.headers.get("if-none-match") ?? "";
  return header.split(",").some((one) => one.trim().replace(/^W\//, "") === etag);
}
