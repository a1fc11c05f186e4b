import type { HttpRequest } from "@azure/functions";
import { assertRequestSize } from "../../domain/import-request.ts";
import { ImportError } from "../../errors.ts";

/** The JSON body of a request, `undefined` where there is none. Throws INVALID_REQUEST for what is too long or no JSON. */
export async function readJsonBody(request: HttpRequest): Promise<unknown> {
  const text = await request.text();
  assertRequestSize(text);
  if (text.trim() === "") return undefined;
  try {
    return JSON.parse(text);
  } catch (cause) {
    // The parser's own words would repeat a piece of the body, which may hold a password.
    const [position] = /position \d+/.exec(cause instanceof Error ? cause.message : "") ?? [];
    const hint = position === undefined ? "check its syntax" : `check its syntax at ${position}`;
    throw new ImportError({ code: "INVALID_REQUEST", stage: "accept", what: "the body is no JSON", hint, cause });
  }
}
