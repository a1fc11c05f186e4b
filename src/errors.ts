import { z } from "zod";
import { printable } from "./printable.ts";

/** Every way an import can fail. docs/errors.md has a row (cause, cure) for each code; a test compares the two. */
export const errorCodes = [
  "INVALID_REFERENCE",
  "INVALID_REQUEST",
  "NOT_SUPPORTED",
  "IDEMPOTENCY_KEY_REUSED",
  "IMPORT_NOT_FOUND",
  "IMPORT_STATE_CONFLICT",
  "POISON_NOT_FOUND",
  "EVENT_NOT_FOUND",
  "EVENT_SINK_MISSING",
  "RULE_NOT_FOUND",
  "HOOK_NOT_FOUND",
  "UNAUTHORIZED",
  "PRECONDITION_FAILED",
  "SCHEDULE_NOT_FOUND",
  "SCHEDULE_RUNNING",
  "REGISTRY_NOT_FOUND",
  "CALLER_FORBIDDEN",
  "SIGN_IN_UNAVAILABLE",
  "PROMOTION_NOT_FOUND",
  "PROMOTION_STATE_CONFLICT",
  "PROMOTION_ITEMS_FAILED",
  "PLATFORM_NOT_FOUND",
  "CREDENTIALS_REQUIRED",
  "SOURCE_NOT_FOUND",
  "SOURCE_UNAUTHORIZED",
  "SOURCE_FORBIDDEN",
  "SOURCE_NETWORK_RESTRICTED",
  "SOURCE_RATE_LIMITED",
  "SOURCE_UNAVAILABLE",
  "SOURCE_CONTENT_CORRUPT",
  "SOURCE_CATALOG_REFUSED",
  "SOURCE_LOCKED",
  "SOURCE_NOT_A_REGISTRY",
  "TARGET_TAG_EXISTS",
  "TARGET_LOCKED",
  "TARGET_UNAUTHORIZED",
  "TARGET_FORBIDDEN",
  "TARGET_NETWORK_RESTRICTED",
  "TARGET_RATE_LIMITED",
  "TARGET_UNAVAILABLE",
  "TARGET_REPOSITORY_MISSING",
  "TARGET_DIGEST_REJECTED",
  "TARGET_SPARSE_REFUSED",
  "TARGET_CONTENT_MISSING",
  "TARGET_CONTENT_CORRUPT",
  "TARGET_UPLOAD_REJECTED",
  "TARGET_NOT_A_REGISTRY",
  "TARGET_QUOTA_EXCEEDED",
  "TARGET_QUARANTINED",
  "TARGET_SOFT_DELETED",
  "TARGET_CACHE_REPOSITORY",
  "TARGET_REGISTRY_MISSING",
  "TARGET_IMPORT_FAILED",
  "UNSUPPORTED_MEDIA_TYPE",
  "HOST_NOT_ALLOWED",
  "CANCELLED",
  "DEADLINE_EXCEEDED",
  "IMPORT_STUCK",
  "STORAGE_UNAVAILABLE",
  "INTERNAL",
] as const;
export type ErrorCode = (typeof errorCodes)[number];

/** Which registry of an import an error or a request belongs to. */
export type Side = "source" | "target";
export type Stage = "accept" | "resolve" | "copy" | "publish" | "verify";

const upstreamErrorSchema = z.strictObject({
  code: z.string(),
  message: z.string(),
  /** The content that the registry speaks of, where it names one. */
  digest: z.string().optional(),
});
export type UpstreamError = Readonly<z.infer<typeof upstreamErrorSchema>>;

/** An {@link ImportError} as it stands in records, histories and API answers: one line of text, no stack, no secret. */
export const importErrorWireSchema = z.strictObject({
  code: z.enum(errorCodes),
  message: z.string(),
  side: z.enum(["source", "target"]).optional(),
  registry: z.string().optional(),
  stage: z.enum(["accept", "resolve", "copy", "publish", "verify"]).optional(),
  httpStatus: z.int().optional(),
  upstream: z.array(upstreamErrorSchema).optional(),
  digest: z.string().optional(),
  property: z.string().optional(),
  retryable: z.boolean(),
  retryAfterSeconds: z.number().optional(),
  hint: z.string().optional(),
  correlationId: z.string().optional(),
});
export type ImportErrorWire = Readonly<z.infer<typeof importErrorWireSchema>>;

/** A code that rows and inputs hold; one that only a newer version knows is INTERNAL to this one. */
export const keptCodeSchema = z.string().transform((code) => knownCode(code) ?? "INTERNAL");

/**
 * An error that rows and inputs hold: while a deployment takes turns, a newer version may have written it. What this one
 * does not know is left out, and an unknown code is INTERNAL, with its name before the message.
 */
export const keptErrorSchema = z
  .object({
    ...importErrorWireSchema.shape,
    code: z.string(),
    side: importErrorWireSchema.shape.side.catch(undefined),
    stage: importErrorWireSchema.shape.stage.catch(undefined),
    upstream: z.array(upstreamErrorSchema.strip()).optional(),
  })
  .transform(({ code, message, ...rest }): ImportErrorWire => {
    const known = knownCode(code);
    const named =
      known === undefined ? { code: "INTERNAL" as const, message: `${code}: ${message}` } : { code: known, message };
    return { ...named, ...definedOnly(rest), retryable: rest.retryable }; // code and message first, as answers show it
  });

function knownCode(code: string): ErrorCode | undefined {
  return errorCodes.find((known) => known === code);
}

/** Where an error happened: the part of an {@link ImportError} that a registry client knows beforehand. */
export interface ErrorPlace {
  readonly side: Side;
  /** Host as the user knows it, e.g. `docker.io`. */
  readonly registry: string;
  readonly stage: Stage;
}

export interface ImportErrorInit extends Partial<ErrorPlace> {
  readonly code: ErrorCode;
  /** What happened, in a few words, without side and host: the constructor puts those in front. */
  readonly what: string;
  /** What the reader can do about it. */
  readonly hint?: string;
  readonly httpStatus?: number;
  readonly upstream?: readonly UpstreamError[];
  readonly digest?: string;
  /** Path of the request property that is at fault, e.g. `source.sourceImage`. */
  readonly property?: string;
  /** The same call may succeed later without anyone changing anything. Default false. */
  readonly retryable?: boolean;
  /** Seconds after which a retryable call may be repeated, where the registry said so. */
  readonly retryAfterSeconds?: number;
  readonly correlationId?: string;
  /** What was thrown below: for this process's log, left out of `toWire()`. */
  readonly cause?: unknown;
}

/**
 * The one error class. It is made at the edge, where side, host and status are known; nobody above wraps it again.
 * `message` is `side host: what; hint`, one line, scrubbed of credentials and query strings.
 */
export class ImportError extends Error {
  override readonly name = "ImportError";
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly side: Side | undefined;
  readonly registry: string | undefined;
  readonly stage: Stage | undefined;
  readonly httpStatus: number | undefined;
  readonly retryAfterSeconds: number | undefined;
  readonly #wire: ImportErrorWire;

  constructor(init: ImportErrorInit) {
    const wire = initToWire(init);
    super(wire.message, init.cause === undefined ? undefined : { cause: init.cause });
    this.#wire = wire;
    this.code = wire.code;
    this.retryable = wire.retryable;
    this.side = wire.side;
    this.registry = wire.registry;
    this.stage = wire.stage;
    this.httpStatus = wire.httpStatus;
    this.retryAfterSeconds = wire.retryAfterSeconds;
  }

  toWire(): ImportErrorWire {
    return this.#wire;
  }
}

/** Anything thrown as an {@link ImportError}: what is none is a bug and becomes `INTERNAL`. */
export function toImportError(thrown: unknown): ImportError {
  if (thrown instanceof ImportError) return thrown;
  const what = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : "something that is no error was thrown";
  return new ImportError({ code: "INTERNAL", what, cause: thrown, hint: "this is a bug in Drayage, please report it" });
}

/** For the `default` of a switch over a union: a new member does not compile until every place has decided about it. */
export function unreachable(value: never): never {
  throw new Error(`unexpected value ${JSON.stringify(value)}`);
}

const maxMessageChars = 1_000;
const maxScrubbedChars = 4_000; // of what others wrote, which may be long and made to be slow to search
const maxUpstreamErrors = 5;

function initToWire(init: ImportErrorInit): ImportErrorWire {
  const place = [init.side, init.registry].filter((part) => part !== undefined).join(" ");
  const text = `${place === "" ? "" : `${place}: `}${init.what}${init.hint === undefined ? "" : `; ${init.hint}`}`;
  const upstream = init.upstream?.slice(0, maxUpstreamErrors).map(({ code, message, digest }) => ({
    code: scrub(code.slice(0, maxScrubbedChars)).slice(0, 100),
    message: scrub(message.slice(0, maxScrubbedChars)).slice(0, 300),
    ...(digest !== undefined && { digest }),
  }));
  return {
    code: init.code,
    message: scrub(text.slice(0, maxScrubbedChars)).slice(0, maxMessageChars),
    retryable: init.retryable ?? false,
    ...definedOnly({
      side: init.side,
      registry: init.registry,
      stage: init.stage,
      httpStatus: init.httpStatus,
      upstream,
      digest: init.digest,
      property: init.property,
      retryAfterSeconds: init.retryAfterSeconds,
      hint: init.hint === undefined ? undefined : scrub(init.hint.slice(0, maxScrubbedChars)).slice(0, maxMessageChars),
      correlationId: init.correlationId,
    }),
  };
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Drops properties that are `undefined`, for targets typed with exactOptionalPropertyTypes. */
export function definedOnly<T extends object>(value: T): Defined<T> {
  return Object.fromEntries(Object.entries(value).filter(([, entry]) => entry !== undefined)) as Defined<T>;
}

/**
 * Removes what must never be stored or logged: user info and query strings of URLs, bearer and basic credentials,
 * and `key=value` pairs whose name speaks of a secret (the Functions host would corrupt the state of an orchestration
 * whose message holds one: azure-functions-host#11896). Line breaks become spaces, and so does what is not printable.
 */
export function scrub(text: string): string {
  return printable(text)
    .replace(/:\/\/[^/\s@"']*@/g, "://") // whatever the scheme: a search for its beginning takes quadratic time
    .replace(/(:\/\/[^\s?#"'<>]*)\?[^\s"'<>]*/g, "$1")
    .replace(/\b(bearer|basic)\s+[a-z0-9+/=._~-]{8,}/gi, "$1 [removed]")
    .replace(
      /([?&;,\s"']|^)((?:[a-z0-9_-]*(?:password|pwd|secret|token|signature|accountkey|sharedaccesskey|apikey|api_key))|sig|code|key)"?\s*[=:]\s*"?[^\s&;,"']+/gi,
      "$1$2 [removed]",
    );
}
