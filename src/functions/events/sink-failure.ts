import type { Delivery } from "../../domain/event-delivery.ts";
import { ConnectFailure } from "../../registry/connect-failure.ts";
import { errorCode } from "../../registry/network-error.ts";

/** What it means that a sink gave no answer. The error itself stays out: its text may hold the URL. */
export function noAnswer(host: string, thrown: unknown): Delivery {
  const refused = refusalIn(thrown);
  if (refused !== undefined) return { kind: "failed", reason: `${host}: ${refused}` };
  const code = errorCode(thrown);
  const text = reasons[code] ?? (code === "" ? "the connection failed" : `the connection failed: ${code}`);
  return { kind: "failed", reason: `${host}: ${text}` };
}

const slow = "no answer within the time allowed";
const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: "the connection was refused",
  ENOTFOUND: "its host name is not known",
  ECONNRESET: "the connection broke",
  UND_ERR_SOCKET: "the connection broke",
  UND_ERR_CONNECT_TIMEOUT: slow,
  UND_ERR_HEADERS_TIMEOUT: slow,
  UND_ERR_BODY_TIMEOUT: slow,
};

/** The guard's own words, which clients of Azure hand on as the cause of an error of theirs. */
function refusalIn(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error)) return undefined;
  if (!(thrown instanceof ConnectFailure)) return refusalIn(thrown.cause);
  const { what, hint } = thrown.failure;
  return hint === undefined ? what : `${what}; ${hint}`;
}

/** For an answer that did not come in time. */
export function tooLate(host: string): Delivery {
  return { kind: "failed", reason: `${host}: ${slow}` };
}
