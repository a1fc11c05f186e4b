import { type ErrorPlace, ImportError } from "../errors.ts";
import { ConnectFailure, type ConnectFailureInit, foreignScheme, isOfTheWeb } from "./connect-failure.ts";
import { codeOf } from "./errors-from-response.ts";

/** Thrown into a request whose other side takes no byte of its body any more. */
export class UploadStalledError extends Error {
  override readonly name = "UploadStalledError";
  readonly code = "UPLOAD_STALLED";
}

/**
 * The ImportError for a request that failed below HTTP. Retryable, but for what only a change of configuration cures.
 * `url` is the one that failed, which after a redirect is not the registry's own.
 */
export function networkError(place: ErrorPlace, url: URL, thrown: unknown): ImportError {
  const code = errorCode(thrown);
  const where = url.host === place.registry || url.host === "" ? "" : ` (${url.host})`;
  const known = isOfTheWeb(url) ? knownFailure(thrown, code) : foreignScheme;
  const { what, hint, retryable = true } = known ?? { what: `the connection failed${code === "" ? "" : `: ${code}`}` };
  return new ImportError({
    ...place,
    code: known?.code ?? codeOf(place, "UNAVAILABLE"),
    what: `${what}${where}`,
    retryable,
    cause: thrown,
    ...(hint === undefined ? {} : { hint }),
  });
}

type Failure = Omit<ConnectFailureInit, "cause">;

function knownFailure(thrown: unknown, code: string): Failure | undefined {
  if (thrown instanceof ConnectFailure) return thrown.failure;
  return certificateCodes.test(code) ? certificateFailure : failures[code];
}

const certificateCodes =
  /^(CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_|ERR_TLS_CERT_)/;

const certificateFailure: Failure = {
  what: "its TLS certificate is not trusted",
  hint: "give the registry's CA as caFile of its entry in REGISTRIES, or correct the certificate",
  retryable: false,
};

const speaksNoTls: Failure = {
  what: "it does not speak TLS",
  hint: "a registry that speaks plain http must be listed in INSECURE_HOSTS, or have insecure: true in its entry in REGISTRIES",
  retryable: false,
};

/** The content that was to be sent is at fault; bytes of another length than announced never complete an upload. */
const wrongLength: Failure = {
  code: "SOURCE_CONTENT_CORRUPT",
  what: "the content for it does not have the length that was announced",
  retryable: false,
};

const dropped: Failure = { what: "the connection broke" };
const failures: Readonly<Record<string, Failure>> = {
  ECONNREFUSED: { what: "the connection was refused", hint: "check host and port, and that the registry runs" },
  ENOTFOUND: { what: "its host name is not known", hint: "check the spelling; private names need the network's DNS" },
  EAI_AGAIN: { what: "its host name could not be looked up" },
  EHOSTUNREACH: { what: "no network route leads to it" },
  ENETUNREACH: { what: "no network route leads to it" },
  ETIMEDOUT: { what: "the connection timed out" },
  ECONNRESET: dropped,
  EPIPE: dropped,
  UND_ERR_SOCKET: dropped,
  UND_ERR_CONNECT_TIMEOUT: { what: "no connection within the time allowed", hint: "check firewalls on the way" },
  UND_ERR_HEADERS_TIMEOUT: { what: "it did not answer within the time allowed" },
  UND_ERR_HEADERS_OVERFLOW: { what: "its answer has more bytes of headers than answers may have", retryable: false },
  UND_ERR_BODY_TIMEOUT: { what: "its answer stalled" },
  UPLOAD_STALLED: { what: "the upload stalled: it takes no more bytes" },
  UND_ERR_REQ_CONTENT_LENGTH_MISMATCH: wrongLength,
  ERR_SSL_WRONG_VERSION_NUMBER: speaksNoTls,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: speaksNoTls,
};

/** The code of an error or of what caused it: undici and happy eyeballs wrap the one that tells. */
export function errorCode(thrown: unknown): string {
  if (!(thrown instanceof Error)) return "";
  const code = "code" in thrown && typeof thrown.code === "string" ? thrown.code : "";
  if (code !== "" && code !== "UND_ERR_SOCKET") return code;
  if (thrown instanceof AggregateError) return errorCode(thrown.errors[0]);
  return errorCode(thrown.cause) || code;
}
