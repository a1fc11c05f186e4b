import { definedOnly, type ErrorCode, type ErrorPlace, ImportError, type UpstreamError } from "../errors.ts";
import { parseUpstreamErrors } from "./upstream-errors.ts";

/** What is known of a refused request when its error is made. */
export interface RefusedResponse {
  readonly method: string;
  readonly status: number;
  /** What the request was about, e.g. `manifests/3.20 of library/alpine`: no host, no query. */
  readonly subject: string;
  /** As much of the body as was read. */
  readonly body: string;
  readonly retryAfterSeconds: number | undefined;
  readonly correlationId: string | undefined;
  /** The caller knows that the same request may pass next time. */
  readonly isRetryable: boolean;
  /** The host that answered, where the registry had redirected to another one. */
  readonly storageHost: string | undefined;
  /** An HTML page is what came. */
  readonly isPage: boolean;
  /** The request was one to sign in, and this is what can be done about its refusal. */
  readonly signInHint: string | undefined;
  /** What can be done where a registry itself answers 401. */
  readonly refusalHint: string;
  /** What it signed in with was given by a request, and says itself that its time is over. */
  readonly hasSignInEnded: boolean;
}

/** At most this much of an error body is read. */
export const maxErrorBytes = 64 * 1024;

/** The ImportError for a status that the caller does not understand. */
export function errorFromResponse(place: ErrorPlace, refused: RefusedResponse): ImportError {
  const upstream = parseUpstreamErrors(refused.body);
  const { kind, hint, retryable = refused.isRetryable } = judge(place, refused, upstream);
  const [first] = upstream;
  const reason = first === undefined ? "" : ` ${[first.code, first.message].filter((text) => text !== "").join(": ")}`;
  return new ImportError({
    ...place,
    code: codeOf(place, kind),
    httpStatus: refused.status,
    what: `${refused.method} ${refused.subject} was answered ${refused.status}${answeredBy(refused)}${reason}`,
    retryable,
    ...definedOnly({
      hint,
      upstream: upstream.length === 0 ? undefined : upstream,
      retryAfterSeconds: retryable ? refused.retryAfterSeconds : undefined,
      correlationId: refused.correlationId,
    }),
  });
}

/** The ImportError for a token that a request brought and that has expired, where nobody needs to be asked to know. */
export function signInEnded(place: ErrorPlace): ImportError {
  return new ImportError({
    ...place,
    code: codeOf(place, "SIGN_IN_ENDED"),
    what: "what the request signs in with is no longer taken",
    hint: hints.signInEnded,
  });
}

/** The ImportError for content or a manifest that is not what was asked for. */
export function contentMismatch(
  place: ErrorPlace,
  { what, digest }: { readonly what: string; readonly digest: string },
): ImportError {
  return new ImportError({
    ...place,
    code: codeOf(place, "CONTENT_CORRUPT"),
    what,
    digest,
    hint: "the registry or a proxy before it serves other content",
  });
}

/** Kinds of refusal, named as the codes are but for the side. */
type Kind =
  | "NOT_FOUND"
  | "UNAUTHORIZED"
  | "FORBIDDEN"
  | "NETWORK_RESTRICTED"
  | "RATE_LIMITED"
  | "UNAVAILABLE"
  | "RANGE_REFUSED"
  | "LOCKED"
  | "WITHHELD"
  | "NOT_A_REGISTRY"
  | "QUOTA_EXCEEDED"
  | "SOFT_DELETED"
  | "CACHE_REPOSITORY"
  | "REPOSITORY_MISSING"
  | "CONTENT_MISSING"
  | "CONTENT_CORRUPT"
  | "DIGEST_REJECTED"
  | "UPLOAD_REJECTED"
  | "MEDIA_TYPE_REFUSED"
  | "SIGN_IN_ENDED";

/** One code per side. What only a target can answer is, from a source, a registry that does not work as such. */
const codes: Readonly<Record<Kind, { readonly source: ErrorCode; readonly target: ErrorCode }>> = {
  NOT_FOUND: { source: "SOURCE_NOT_FOUND", target: "TARGET_CONTENT_MISSING" },
  UNAUTHORIZED: { source: "SOURCE_UNAUTHORIZED", target: "TARGET_UNAUTHORIZED" },
  FORBIDDEN: { source: "SOURCE_FORBIDDEN", target: "TARGET_FORBIDDEN" },
  NETWORK_RESTRICTED: { source: "SOURCE_NETWORK_RESTRICTED", target: "TARGET_NETWORK_RESTRICTED" },
  RATE_LIMITED: { source: "SOURCE_RATE_LIMITED", target: "TARGET_RATE_LIMITED" },
  UNAVAILABLE: { source: "SOURCE_UNAVAILABLE", target: "TARGET_UNAVAILABLE" },
  RANGE_REFUSED: { source: "SOURCE_CONTENT_CORRUPT", target: "TARGET_UPLOAD_REJECTED" },
  LOCKED: { source: "SOURCE_LOCKED", target: "TARGET_LOCKED" },
  WITHHELD: { source: "SOURCE_LOCKED", target: "TARGET_QUARANTINED" },
  NOT_A_REGISTRY: { source: "SOURCE_NOT_A_REGISTRY", target: "TARGET_NOT_A_REGISTRY" },
  QUOTA_EXCEEDED: { source: "SOURCE_UNAVAILABLE", target: "TARGET_QUOTA_EXCEEDED" },
  SOFT_DELETED: { source: "SOURCE_NOT_FOUND", target: "TARGET_SOFT_DELETED" },
  CACHE_REPOSITORY: { source: "SOURCE_FORBIDDEN", target: "TARGET_CACHE_REPOSITORY" },
  REPOSITORY_MISSING: { source: "SOURCE_NOT_FOUND", target: "TARGET_REPOSITORY_MISSING" },
  CONTENT_MISSING: { source: "SOURCE_NOT_FOUND", target: "TARGET_CONTENT_MISSING" },
  CONTENT_CORRUPT: { source: "SOURCE_CONTENT_CORRUPT", target: "TARGET_CONTENT_CORRUPT" },
  DIGEST_REJECTED: { source: "SOURCE_CONTENT_CORRUPT", target: "TARGET_DIGEST_REJECTED" },
  UPLOAD_REJECTED: { source: "SOURCE_UNAVAILABLE", target: "TARGET_UPLOAD_REJECTED" },
  MEDIA_TYPE_REFUSED: { source: "UNSUPPORTED_MEDIA_TYPE", target: "UNSUPPORTED_MEDIA_TYPE" },
  SIGN_IN_ENDED: { source: "CREDENTIALS_REQUIRED", target: "TARGET_UNAUTHORIZED" }, // no request brings those of a target
};

/** The code for one kind of failure at one side. */
export function codeOf({ side }: Pick<ErrorPlace, "side">, kind: Kind): ErrorCode {
  return codes[kind][side];
}

interface Judgement {
  readonly kind: Kind;
  readonly hint?: string;
  readonly retryable?: boolean;
}

function judge(place: ErrorPlace, refused: RefusedResponse, upstream: readonly UpstreamError[]): Judgement {
  return (
    judgeStorage(refused) ??
    judgePage(refused) ??
    judgeByBody(place, refused, upstream) ??
    judgeSignIn(refused) ??
    judgeByStatus(place, refused)
  );
}

/** Storage that a registry redirected to knows no credentials: it refuses a signed URL, and the next one is another. */
function judgeStorage({ storageHost, status }: RefusedResponse): Judgement | undefined {
  const refusesUrl = storageHost !== undefined && (status === 401 || status === 403);
  return refusesUrl ? { kind: "UNAVAILABLE", hint: hints.storage, retryable: true } : undefined;
}

/**
 * A token service says 400 (`invalid_grant` of RFC 6749) or 401 of credentials; GHCR's says 403 of wrong and expired ones
 * too (apple/container#183). No 404 or 405 of it is about content.
 */
function judgeSignIn({ signInHint, hasSignInEnded, status }: RefusedResponse): Judgement | undefined {
  if (signInHint === undefined) return undefined;
  if (hasSignInEnded && [400, 401, 403].includes(status)) return { kind: "SIGN_IN_ENDED", hint: hints.signInEnded };
  if (status === 403) return { kind: "FORBIDDEN", hint: `${signInHint}; ${hints.noRight}` };
  if (status === 400 || status === 401) return { kind: "UNAUTHORIZED", hint: signInHint };
  return status === 404 || status === 405 ? { kind: "UNAVAILABLE", hint: hints.noTokens } : undefined;
}

/** What no registry says of content. Other refusals, and failures, come as pages from proxies too: there the status tells more. */
function judgePage({ isPage, signInHint, status }: RefusedResponse): Judgement | undefined {
  const isOfNoRegistry = isPage && signInHint === undefined && (status < 400 || status === 404 || status === 405);
  return isOfNoRegistry ? { kind: "NOT_A_REGISTRY", hint: hints.noRegistry } : undefined;
}

function answeredBy({ storageHost }: RefusedResponse): string {
  return storageHost === undefined ? "" : ` by ${storageHost}`;
}

/** Registries differ in the status they put on one and the same refusal; where the body is plain, it decides. */
function judgeByBody(
  place: ErrorPlace,
  { status, method, body }: RefusedResponse,
  upstream: readonly UpstreamError[],
): Judgement | undefined {
  const says = (...names: string[]) => upstream.some(({ code }) => names.includes(code));
  if (status < 400 || status >= 500 || status === 401 || status === 429) return undefined;
  if (firewall.test(body)) return { kind: "NETWORK_RESTRICTED", hint: hints.firewall };
  const barred = isWrite(method) ? judgeBarred(body) : undefined;
  if (barred !== undefined) return barred;
  if (says("REGISTRY_DISALLOWED_OPERATION") || (isWrite(method) ? immutable : disallowed).test(body))
    return { kind: "LOCKED", hint: hints[place.side].locked };
  if (says("PROJECTPOLICYVIOLATION") && !isWrite(method)) return { kind: "WITHHELD", hint: hints.withheld };
  if (status === 405 && method === "PATCH") return { kind: "UPLOAD_REJECTED" };
  if (says("MANIFEST_BLOB_UNKNOWN") || (isWrite(method) && says("MANIFEST_UNKNOWN")))
    return { kind: "CONTENT_MISSING", hint: hints.contentMissing };
  if (says("DIGEST_INVALID", "MANIFEST_INVALID", "MANIFEST_UNVERIFIED", "SIZE_INVALID"))
    return { kind: "DIGEST_REJECTED" };
  if (says("NAME_UNKNOWN")) return { kind: "REPOSITORY_MISSING", hint: notFoundHint(place, true) };
  return undefined;
}

/** Why nothing may be written there, whoever asks. */
function judgeBarred(body: string): Judgement | undefined {
  if (quota.test(body)) return { kind: "QUOTA_EXCEEDED", hint: hints.quota };
  if (softDeleted.test(body)) return { kind: "SOFT_DELETED", hint: hints.softDeleted };
  return cacheRule.test(body) ? { kind: "CACHE_REPOSITORY", hint: hints.cacheRule } : undefined;
}

function judgeByStatus(place: ErrorPlace, { status, method, refusalHint }: RefusedResponse): Judgement {
  const writes = isWrite(method);
  switch (status) {
    case 401:
      return { kind: "UNAUTHORIZED", hint: refusalHint };
    case 402:
    case 403:
    case 451:
      return { kind: "FORBIDDEN", hint: hints[place.side].forbidden };
    case 404:
      return { kind: writes ? "REPOSITORY_MISSING" : "NOT_FOUND", hint: notFoundHint(place, writes) };
    case 405:
      return writes ? { kind: "LOCKED", hint: hints[place.side].locked } : { kind: "FORBIDDEN" };
    case 406:
    case 415:
      return { kind: "MEDIA_TYPE_REFUSED" };
    case 408:
      return { kind: "UNAVAILABLE", retryable: true };
    case 412:
      return writes ? { kind: "UPLOAD_REJECTED" } : { kind: "WITHHELD", hint: hints.withheld };
    case 413:
      return { kind: "UPLOAD_REJECTED", hint: hints.tooLarge };
    case 416:
      return { kind: writes ? "RANGE_REFUSED" : "CONTENT_CORRUPT" };
    case 429:
      return { kind: "RATE_LIMITED", hint: hints[place.side].rateLimited, retryable: true };
    case 501:
    case 505:
      return { kind: "UNAVAILABLE", hint: hints.noRegistry };
    default:
      if (status >= 500) return { kind: "UNAVAILABLE", retryable: true };
      if (status >= 400) return { kind: "UPLOAD_REJECTED" };
      return { kind: "UNAVAILABLE", hint: hints.noRegistry };
  }
}

const firewall = /client with ip .{1,60} is not allowed access|aka\.ms\/acr\/firewall/i;
const disallowed = /operation is disallowed/i;
const immutable = /immutab|operation is disallowed|cannot be overwritten/i;
/** Harbor: goharbor/harbor#17390; ECR: LimitExceededException; GitLab, Quay and others say quota. */
const quota =
  /exceed the configured upper limit|\bquota\b.{0,60}\b(exceed|reach|full|limit)|exceed.{0,60}\bquota\b|LimitExceededException/i;
/** ACR, soft delete policy: a manifest that was deleted so may not be pushed, but restored. */
const softDeleted = /soft[- ]?deleted/i;
/** ACR: a repository that a cache rule fills belongs to that rule. */
const cacheRule = /\b(artifact[- ]cache|cache rule|pull[- ]through cache)\b/i;

const hints = {
  firewall: "let the address that Drayage leaves from pass the registry's firewall, or use a private endpoint",
  contentMissing: "content that the manifest names is missing at the target; it may have been deleted meanwhile",
  storage: "if this lasts, the storage behind the registry must let the address pass that Drayage leaves from",
  quota: "delete what is not needed any more, or raise the quota of the repository, project or account",
  softDeleted: "restore the manifest there (az acr manifest restore), or let its retention end",
  cacheRule: "a cache rule fills this repository: choose another one, or remove the rule",
  withheld:
    "a policy of the registry shows the image to nobody: have it signed or its vulnerabilities mended, or let the policy make an exception",
  tooLarge: "a proxy before the registry limits the size of a request",
  noTokens: "the registry's challenge leads to where no tokens of this kind are given: check the kind of its sign-in",
  noRight: "who has signed in and lacks the right is answered the same",
  signInEnded:
    "the token given has expired: repeat the request, or POST /api/imports/{id}/retry, with fresh source.credentials",
  noRegistry: "check that this host is a container registry and not a proxy or web page before it",
  source: {
    forbidden: "the credentials are valid and may not pull from this repository",
    rateLimited: "signing in at the source raises its limit",
    notFound: "check repository and tag",
    noRepository: "check the repository's name",
    locked: "the image is in quarantine, or locked against reading",
  },
  target: {
    forbidden: "the identity needs the right to push to this repository",
    rateLimited: "lower the number of imports that run at once",
    notFound: "it may have been deleted meanwhile",
    noRepository: "this registry does not create repositories on push: create it first",
    locked: "the tag, manifest or repository is locked or immutable, or the registry is full or read-only",
  },
} as const;

function notFoundHint({ side }: ErrorPlace, isRepository: boolean): string {
  return isRepository ? hints[side].noRepository : hints[side].notFound;
}

function isWrite(method: string): boolean {
  return method !== "GET" && method !== "HEAD";
}
