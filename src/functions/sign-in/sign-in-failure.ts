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
 * The ImportError for credentials that cannot be had. What only passes (no connection, 429, 5xx) is retryable; the rest
 * ends the import, for asking again would be answered the same.
 */
export function signInFailure(place: ErrorPlace, { what, hint, cause }: SignInFailure): ImportError {
  const isPassing = mayPass(cause);
  const reason = reasonOf(cause);
  return new ImportError({
    ...place,
    code: codeOf(place, isPassing ? "UNAVAILABLE" : "UNAUTHORIZED"),
    what: reason === "" ? what : `${what} (${reason})`,
    hint,
    retryable: isPassing,
    cause,
  });
}

const passingCodes = /^(ECONN|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|REQUEST_SEND_ERROR|UND_ERR_)/;

function mayPass(thrown: unknown): boolean {
  if (nameOf(thrown) === "CredentialUnavailableError") return false; // no IMDS shows as a connection that failed, too
  const status = statusOf(thrown);
  if (status !== undefined) return status === 429 || status >= 500;
  return passingCodes.test(errorCode(thrown));
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
