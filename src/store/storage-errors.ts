import { RestError } from "@azure/data-tables";
import { ImportError } from "../errors.ts";

/** What a refusal of storage means to the caller of an operation on a row or queue. */
export type Refusal = "missing" | "exists" | "conflict" | "no-table" | "bad-request" | "other";

/** What a call was made to. */
export interface StoragePlace {
  readonly kind: "table" | "queue";
  readonly name: string;
}

/** Sorts what the SDK threw by status and by the service's error code. */
export function classify(thrown: unknown): Refusal {
  if (!(thrown instanceof RestError)) return "other";
  switch (thrown.statusCode) {
    case 400:
      return "bad-request";
    case 404:
      return codeOf(thrown) === "TableNotFound" ? "no-table" : "missing";
    case 409:
      return codeOf(thrown) === "EntityAlreadyExists" ? "exists" : "other";
    case 412:
      return "conflict";
    default:
      return "other";
  }
}

/** The response's headers, where there was a response. */
export function headersOf(thrown: unknown): { readonly get: (name: string) => string | undefined } | undefined {
  return thrown instanceof RestError ? thrown.response?.headers : undefined;
}

/**
 * The ImportError for a call that storage did not carry out. `retryable` unless it was refused for good: a missing
 * role, a wrong key. Anything that is not the storage's doing is returned as it is: a bug.
 */
export function toStorageError(thrown: unknown, { kind, name }: StoragePlace): unknown {
  const place = `${kind} ${name}`;
  if (!(thrown instanceof Error) || thrown instanceof ImportError) return thrown;
  const status = thrown instanceof RestError ? thrown.statusCode : undefined;
  if (status === undefined) {
    if (!transportErrors.has(thrown.name)) return thrown;
    return unavailable(`${place} cannot be reached (${reasonOf(thrown)})`, true, thrown);
  }
  if (status === 401 || status === 403)
    return unavailable(
      `access to ${place} was refused (${status} ${codeOf(thrown) ?? ""})`,
      false,
      thrown,
      `the app needs the role ${roles[kind]}, or a valid connection string`,
    );
  if (status === 408 || status === 429 || status >= 500 || transientCodes.has(codeOf(thrown) ?? ""))
    return unavailable(`${place} does not answer (${status} ${codeOf(thrown) ?? ""})`, true, thrown);
  return new ImportError({
    code: "INTERNAL",
    what: `${place} refused a request (${status} ${codeOf(thrown) ?? "without a code"})`,
    cause: withoutRequest(thrown),
  });
}

/** For a row that so many writers change that a bounded number of tries was not enough. */
export function contended(table: string): ImportError {
  return new ImportError({
    code: "STORAGE_UNAVAILABLE",
    what: `a row of table ${table} is changed by too many writers at once`,
    retryable: true,
  });
}

/** AbortError: our own time-out. The others: a connection or an identity endpoint that failed. */
const transportErrors = new Set([
  "RestError",
  "AbortError",
  "TimeoutError",
  "AuthenticationError",
  "AggregateAuthenticationError",
  "CredentialUnavailableError",
]);

const roles = { table: "Storage Table Data Contributor", queue: "Storage Queue Data Contributor" } as const;

const transientCodes = new Set(["TableBeingDeleted", "QueueBeingDeleted", "OperationTimedOut", "ServerBusy"]);

function unavailable(what: string, retryable: boolean, cause: Error, hint?: string): ImportError {
  return new ImportError({
    code: "STORAGE_UNAVAILABLE",
    what: `storage: ${what}`,
    retryable,
    cause: withoutRequest(cause),
    ...(hint !== undefined && { hint }),
  });
}

/** The SDK's error holds the whole request, its Authorization and up to 4 MiB of body: nothing for a log. */
function withoutRequest(thrown: Error): Error {
  const slim = new Error(thrown.message);
  slim.name = thrown.name;
  return slim;
}

function reasonOf(thrown: Error): string {
  return thrown instanceof RestError && thrown.code !== undefined ? thrown.code : thrown.name;
}

/** The service's code is at the error's top for a batch, else in the parsed body. */
function codeOf(thrown: Error): string | undefined {
  if (!(thrown instanceof RestError)) return undefined;
  const details: unknown = thrown.details;
  if (isObject(details) && isObject(details.odataError) && typeof details.odataError.code === "string")
    return details.odataError.code;
  return thrown.code;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
