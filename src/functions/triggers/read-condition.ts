import type { HttpRequest } from "@azure/functions";

/** What a write supposes of what is there: it has this ETag, there is none, or nothing. */
export type Condition = { readonly etag: string } | "missing" | "none";

/** `If-Match: ETAG` and `If-None-Match: *`. */
export function readCondition({ headers }: HttpRequest): Condition {
  if (headers.get("if-none-match") === "*") return "missing";
  const etag = headers.get("if-match");
  return etag === null || etag === "*" ? "none" : { etag };
}
