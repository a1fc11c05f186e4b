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
    const hint = cause instanceof Error ? cause.message : "check its syntax";
    throw new ImportError({ code: "INVALID_REQUEST", stage: "accept", what: "the body is no JSON", hint, cause });
  }
}
