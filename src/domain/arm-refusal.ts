import { definedOnly, type ErrorCode, type ErrorPlace, ImportError } from "../errors.ts";

/** What Azure's resource manager answered to a request that it did not carry out, or says of a failed operation. */
export interface ArmRefusal {
  readonly status: number;
  /** ARM's own word, e.g. `AuthorizationFailed`; empty: there was none. */
  readonly code: string;
  readonly message: string;
  readonly retryAfterSeconds?: number | undefined;
  readonly correlationId?: string | undefined;
}

/** The role that importing needs, at the target and at a source that is read by the app's identity. */
const importRole = "Container Registry Data Importer and Data Reader";

/** The ImportError for a question about a registry that was not answered. */
export function readRefused(place: ErrorPlace, refusal: ArmRefusal): ImportError {
  const judgement = judgeStatus(place, refusal) ?? {
    code: codeAt(place, "UNAVAILABLE"),
    hint: "name the registry's host and resourceId in REGISTRIES: then Azure need not be asked",
  };
  return toError(place, refusal, judgement, "Azure was asked for the registry");
}

/** Both sides of an import that was left to ACR. */
export interface DelegatedPlaces {
  readonly source: ErrorPlace;
  readonly target: ErrorPlace;
}

/**
 * The ImportError for an import that ACR did not begin or has failed at. ACR puts `InvalidParameters` on nearly all
 * causes and the target's name on those of the source: the text is what tells.
 */
export function importRefused({ source, target }: DelegatedPlaces, refusal: ArmRefusal): ImportError {
  const found = judgeText(refusal);
  const place = found?.side === "source" ? source : target;
  const judgement = found ?? judgeStatus(target, refusal) ?? unexplained;
  return toError(place, refusal, judgement, "ACR's own import failed");
}

interface Judgement {
  readonly code: ErrorCode;
  readonly hint: string;
  readonly retryable?: boolean;
  /** Where ARM does not say when to come again. */
  readonly retryAfterSeconds?: number;
}

type Text = readonly [pattern: RegExp, judgement: Judgement & { readonly side: ErrorPlace["side"] }];

const unexplained: Judgement = {
  code: "TARGET_IMPORT_FAILED",
  hint: `strategy "stream" says more, and has none of the limits of ACR's import`,
};

/** In this order: the first that fits is it. Texts: those that users of ACR's import have published. */
const texts: readonly Text[] = [
  [
    /already exists in target registry/i,
    {
      side: "target",
      code: "TARGET_TAG_EXISTS",
      hint: `conflict "overwrite" (mode "Force") replaces it`,
    },
  ],
  [
    /linked scope|LinkedAuthorizationFailed/i,
    {
      side: "source",
      code: "SOURCE_FORBIDDEN",
      hint: `give the app's identity the role "${importRole}" on the source registry, too`,
    },
  ],
  [
    /client with ip .{1,60} is not allowed access|aka\.ms\/acr\/firewall/i,
    {
      side: "source",
      code: "SOURCE_NETWORK_RESTRICTED",
      hint: "source and target must both allow trusted services; a source without public access is to be named by its resource id",
    },
  ],
  [
    /RFC ?7233|Unexpected response status code|Unexpected length of body/i,
    {
      side: "source",
      code: "SOURCE_CONTENT_CORRUPT",
      hint: `ACR needs a source that serves ranges; strategy "stream" does not`,
    },
  ],
  [
    /StatusCode: 429|TOOMANYREQUESTS/i,
    {
      side: "source",
      code: "SOURCE_RATE_LIMITED",
      hint: "signing in at the source raises its limit",
      retryable: true,
      retryAfterSeconds: 300,
    },
  ],
  [
    /StatusCode: 401|\bUNAUTHORIZED\b/i,
    {
      side: "source",
      code: "SOURCE_UNAUTHORIZED",
      hint: "check source.credentials and the repository; private and missing repositories look the same",
    },
  ],
  [
    /StatusCode: 403|\bDENIED\b/i,
    {
      side: "source",
      code: "SOURCE_FORBIDDEN",
      hint: "the credentials are valid and may not pull from this repository",
    },
  ],
  [
    /StatusCode: 404|MANIFEST_UNKNOWN|NAME_UNKNOWN/i,
    { side: "source", code: "SOURCE_NOT_FOUND", hint: "check repository and tag" },
  ],
];

function judgeText({ code, message }: ArmRefusal): Text[1] | undefined {
  return texts.find(([pattern]) => pattern.test(`${code} ${message}`.slice(0, maxJudgedChars)))?.[1];
}

const maxJudgedChars = 4_000;

function judgeStatus(place: ErrorPlace, { status, message }: ArmRefusal): Judgement | undefined {
  switch (status) {
    case 401:
      return {
        code: codeAt(place, "UNAUTHORIZED"),
        hint: "Azure takes no token of the app's identity: check its tenant and ARM_ENDPOINT",
      };
    case 403:
      return { code: codeAt(place, "FORBIDDEN"), hint: `give the app's identity the role "${importRole}" on it` };
    case 404:
      return {
        code: place.side === "source" ? "SOURCE_NOT_FOUND" : "TARGET_REGISTRY_MISSING",
        hint: "check the resource id; the app's identity needs the right to read the registry",
      };
    case 429:
      return {
        code: codeAt(place, "RATE_LIMITED"),
        hint: "Azure limits requests by subscription and identity",
        retryable: true,
      };
    default: {
      const isPassing = status >= 500 || status === 408 || (status === 409 && /in progress/i.test(message));
      if (!isPassing) return undefined;
      return {
        code: codeAt(place, "UNAVAILABLE"),
        hint: "Azure's resource manager has trouble",
        retryable: true,
        retryAfterSeconds: 30,
      };
    }
  }
}

type Kind = "UNAUTHORIZED" | "FORBIDDEN" | "RATE_LIMITED" | "UNAVAILABLE";

function codeAt({ side }: ErrorPlace, kind: Kind): ErrorCode {
  return side === "source" ? `SOURCE_${kind}` : `TARGET_${kind}`;
}

function toError(place: ErrorPlace, refusal: ArmRefusal, judgement: Judgement, begin: string): ImportError {
  const { status, code, message, retryAfterSeconds, correlationId } = refusal;
  const { retryable = false } = judgement;
  const waitSeconds = retryAfterSeconds ?? judgement.retryAfterSeconds;
  return new ImportError({
    ...place,
    code: judgement.code,
    httpStatus: status,
    what: `${begin} (${[status, code].filter((part) => part !== "").join(" ")})${message === "" ? "" : `: ${message.slice(0, maxShownChars)}`}`,
    hint: judgement.hint,
    retryable,
    upstream: [{ code, message }],
    ...definedOnly({ retryAfterSeconds: retryable ? waitSeconds : undefined, correlationId }),
  });
}

const maxShownChars = 500;
