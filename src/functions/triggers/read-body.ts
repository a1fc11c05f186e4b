import type { HttpRequest } from "@azure/functions";
import { assertRequestSize } from "../../domain/import-request.ts";
import { assertPromotionSize } from "../../domain/promotion-request.ts";
import { ImportError } from "../../errors.ts";

/** The JSON body of a request, `undefined` where there is none. Throws INVALID_REQUEST for what is too long or no JSON. */
export function readJsonBody(request: HttpRequest): Promise<unknown> {
  return readBody(request, assertRequestSize);
}

/** The same for a promotion, which may be longer. */
export function readPromotionBody(request: HttpRequest): Promise<unknown> {
  return readBody(request, assertPromotionSize);
}

async function readBody(request: HttpRequest, assertSize: (text: string) => void): Promise<unknown> {
  const text = await request.text();
  assertSize(text);
  return parseJsonBody(text);
}

/** The value of a JSON text, `undefined` of an empty one. Throws INVALID_REQUEST for what is no JSON. */
export function parseJsonBody(text: string): unknown {
  if (text.trim() === "") return undefined;
  try {
    return JSON.parse(text, text.includes(hiddenKey) ? refuseHidden : undefined);
  } catch (cause) {
    if (cause instanceof ImportError) throw cause;
    // The parser's own words would repeat a piece of the body, which may hold a password.
    const [position] = /position \d+/.exec(cause instanceof Error ? cause.message : "") ?? [];
    const hint = position === undefined ? "check its syntax" : `check its syntax at ${position}`;
    throw new ImportError({ code: "INVALID_REQUEST", stage: "accept", what: "the body is no JSON", hint, cause });
  }
}

/** A property of this name passes every schema unseen. */
const hiddenKey = "__proto__";

function refuseHidden(key: string, value: unknown): unknown {
  if (key !== hiddenKey) return value;
  throw new ImportError({ code: "INVALID_REQUEST", stage: "accept", property: key, what: `${key}: no such property` });
}
