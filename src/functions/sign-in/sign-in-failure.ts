import { type ErrorPlace, ImportError } from "../../errors.ts";
import { codeOf } from "../../registry/errors-from-response.ts";
import { errorCode } from "../../registry/network-error.ts";

/** What a cloud's own sign-in said, and what a person can do about it. */
export interface SignInFailure {
  readonly what: string;
  readonly hint: string;
  readonly cause: unknown;
}

/**
 * The ImportError for credentials that cannot be had. What only passes (no connection, no answer in time, throttling,
 * 5xx) is retryable; the rest ends the import, for asking again would be answered the same.
 */
export function signInFailure(place: ErrorPlace, { what, hint, cause }: SignInFailure): ImportError {
  const kind = kindOf(cause);
  const reason = reasonOf(cause);
  return new ImportError({
    ...place,
    code: codeOf(place, kind),
    what: reason === "" ? what : `${what} (${reason})`,
    hint,
    retryable: kind !== "UNAUTHORIZED",
    cause,
  });
}

const passingCodes = /^(ECONN|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|REQUEST_SEND_ERROR|UND_ERR_)/;

/** AWS puts a 400 on throttling. Source: @smithy/service-error-classification, its lists of names. */
const throttlingNames = /throttl|^TooManyRequests|^RequestLimitExceeded$|^LimitExceededException$|^SlowDown$/i;
const timeoutNames = /^(TimeoutError|RequestTimeout(Exception)?)$/;

function kindOf(thrown: unknown): "UNAUTHORIZED" | "RATE_LIMITED" | "UNAVAILABLE" {
  const name = nameOf(thrown);
  if (name === "CredentialUnavailableError") return "UNAUTHORIZED"; // no IMDS shows as a connection that failed, too
  const status = statusOf(thrown);
  if (status === 429 || throttlingNames.test(name)) return "RATE_LIMITED";
  if (timeoutNames.test(name) || isCalledRetryable(thrown)) return "UNAVAILABLE";
  const isPassing = status === undefined ? passingCodes.test(errorCode(thrown)) : status >= 500;
  return isPassing ? "UNAVAILABLE" : "UNAUTHORIZED";
}

/** AWS's SDK marks what it would try again itself. */
function isCalledRetryable(thrown: unknown): boolean {
  return typeof thrown === "object" && thrown !== null && "$retryable" in thrown && thrown.$retryable !== undefined;
}

/** HTTP status, under the names that the SDKs have for it. */
export function statusOf(thrown: unknown): number | undefined {
  if (typeof thrown !== "object" || thrown === null) return undefined;
  if ("statusCode" in thrown && typeof thrown.statusCode === "number") return thrown.statusCode;
  if ("$metadata" in thrown) return httpStatusOf(thrown.$metadata); // AWS
  return "status" in thrown && typeof thrown.status === "number" ? thrown.status : undefined;
}

function httpStatusOf(metadata: unknown): number | undefined {
  if (typeof metadata !== "object" || metadata === null || !("httpStatusCode" in metadata)) return undefined;
  return typeof metadata.httpStatusCode === "number" ? metadata.httpStatusCode : undefined;
}

export function nameOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.name : "";
}

const maxReasonChars = 200;

/** The first line of what an SDK says, without its links. */
function reasonOf(thrown: unknown): string {
  const text = thrown instanceof Error ? thrown.message : "";
  return (text.split(/[\r\n]/)[0] ?? "")
    .replace(/ ?https?:\/\/\S+/g, "")
    .slice(0, maxReasonChars)
    .trim();
}
