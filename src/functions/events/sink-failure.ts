import type { Delivery } from "../../domain/event-delivery.ts";
import { errorCode } from "../../registry/network-error.ts";

/** What it means that a sink gave no answer. The error itself stays out: its text may hold the URL. */
export function noAnswer(host: string, thrown: unknown): Delivery {
  const code = errorCode(thrown);
  const text = reasons[code] ?? (code === "" ? "the connection failed" : `the connection failed: ${code}`);
  return { kind: "failed", reason: `${host}: ${text}` };
}

const slow = "no answer within the time allowed";
const reasons: Readonly<Record<string, string>> = {
  ADDRESS_REFUSED: "it is at an address where no sink may be; ALLOW_PRIVATE_HOSTS can allow it",
  ECONNREFUSED: "the connection was refused",
  ENOTFOUND: "its host name is not known",
  ECONNRESET: "the connection broke",
  UND_ERR_SOCKET: "the connection broke",
  UND_ERR_CONNECT_TIMEOUT: slow,
  UND_ERR_HEADERS_TIMEOUT: slow,
  UND_ERR_BODY_TIMEOUT: slow,
};

/** For an answer that did not come in time. */
export function tooLate(host: string): Delivery {
  return { kind: "failed", reason: `${host}: ${slow}` };
}
