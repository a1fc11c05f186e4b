import type { PipelineResponse } from "@azure/core-rest-pipeline";
import { z } from "zod";
import type { ArmRefusal } from "../../domain/arm-refusal.ts";
import { definedOnly, type ErrorPlace, ImportError } from "../../errors.ts";
import { parseJson } from "../../json.ts";
import { parseRetryAfter } from "../../registry/retry.ts";

const errorBodySchema = z.looseObject({
  error: z.looseObject({ code: z.string().catch(""), message: z.string().catch("") }),
});

/** An answer that refuses, in the words of ARM. */
export function toRefusal(
  { status, headers, bodyAsText }: Pick<PipelineResponse, "status" | "headers" | "bodyAsText">,
  now: Date,
): ArmRefusal {
  const { error } = errorBodySchema.safeParse(parseJson(bodyAsText ?? "")).data ?? {};
  return {
    status,
    code: error?.code ?? "",
    message: error?.message ?? "",
    ...definedOnly({
      retryAfterSeconds: parseRetryAfter(headers.get("retry-after"), now),
      correlationId: headers.get("x-ms-correlation-request-id"),
    }),
  };
}

const restErrorSchema = z.looseObject({
  statusCode: z.int(),
  code: z.string().catch(""),
  message: z.string().catch(""),
  response: z
    .looseObject({
      headers: z.custom<{ readonly get: (name: string) => string | undefined }>((value) => value !== null),
    })
    .optional(),
});

/** What the SDK throws for an answer that is none of those it expects; undefined: it has thrown something else. */
export function refusalOf(thrown: unknown, now: Date): ArmRefusal | undefined {
  const parsed = isSignInError(thrown) ? undefined : restErrorSchema.safeParse(thrown).data;
  if (parsed === undefined) return undefined;
  const { statusCode, code, message, response } = parsed;
  return {
    status: statusCode,
    code,
    message,
    ...definedOnly({
      retryAfterSeconds: parseRetryAfter(response?.headers.get("retry-after"), now),
      correlationId: response?.headers.get("x-ms-correlation-request-id"),
    }),
  };
}

const signInErrors: readonly string[] = [
  "CredentialUnavailableError",
  "AuthenticationError",
  "AggregateAuthenticationError",
  "AuthenticationRequiredError",
];

function isSignInError(thrown: unknown): boolean {
  return thrown instanceof Error && signInErrors.includes(thrown.name);
}

/** There is no token to be had: the app has no identity, or it may not sign in. Anything else comes back as it is. */
export function asSignInError(place: ErrorPlace, thrown: unknown): unknown {
  if (!isSignInError(thrown)) return thrown;
  return new ImportError({
    ...place,
    code: place.side === "source" ? "SOURCE_UNAUTHORIZED" : "TARGET_UNAUTHORIZED",
    what: "the app has no identity that Azure's resource manager knows",
    hint: "give the app a managed identity; on a developer's machine: az login",
    cause: thrown,
  });
}
