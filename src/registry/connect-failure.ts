import type { ErrorCode } from "../errors.ts";

export interface ConnectFailureInit {
  /** Default: the registry is unavailable. */
  readonly code?: ErrorCode;
  /** What happened, without side and host. */
  readonly what: string;
  readonly hint?: string;
  /** Default false. */
  readonly retryable?: boolean;
  readonly cause?: unknown;
}

/**
 * Why a connection is not made, where it is known better than by a code of the system. Connections are shared by
 * imports and sides: whose error it is, only the request that wanted it knows.
 */
export class ConnectFailure extends Error {
  override readonly name = "ConnectFailure";
  readonly failure: Omit<ConnectFailureInit, "cause">;

  constructor({ cause, ...failure }: ConnectFailureInit) {
    super(failure.what, cause === undefined ? undefined : { cause });
    this.failure = { retryable: false, ...failure };
  }
}

export const foreignScheme: ConnectFailureInit = {
  code: "HOST_NOT_ALLOWED",
  what: "it leads to a URL that is neither https nor http",
  retryable: false,
};

/** Whether a URL is one that connections are made to. */
export function isOfTheWeb({ protocol }: URL): boolean {
  return protocol === "https:" || protocol === "http:";
}
