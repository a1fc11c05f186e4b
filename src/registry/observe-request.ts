import type { ErrorCode, Side } from "../errors.ts";
import type { RequestClass } from "./request-class.ts";

/** One try of a request, as observers of a client see it: never a path, a query or a header. */
export interface RequestFacts {
  readonly method: string;
  /** The registry as the import names it, and the host that it is asked at. */
  readonly registry: string;
  readonly host: string;
  readonly side: Side | undefined;
  readonly requestClass: RequestClass;
  readonly sentBytes: number | undefined;
}

/** How it ended: the body is read or given up, or an error is thrown. */
export interface RequestEnd {
  /** Undefined: there was no answer. */
  readonly status: number | undefined;
  readonly code?: ErrorCode;
  readonly receivedBytes?: number | undefined;
}

/** Is told of the beginning of every try; what it returns is told of its end, once. */
export type ObserveRequest = (facts: RequestFacts) => (end: RequestEnd) => void;
