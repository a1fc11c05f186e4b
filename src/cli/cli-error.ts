import { definedOnly } from "../errors.ts";
import type { ExitCode } from "./exit-codes.ts";

export interface CliErrorInit {
  readonly exitCode: ExitCode;
  readonly message: string;
  /** More of the same, a line each. */
  readonly details?: readonly string[] | undefined;
  /** Code of the service or of the network, e.g. `INVALID_REFERENCE`, `ECONNREFUSED`. */
  readonly code?: string | undefined;
  readonly hint?: string | undefined;
  readonly correlationId?: string | undefined;
  /** Status of the service's answer; absent when there was none. */
  readonly httpStatus?: number | undefined;
  /** The same request may succeed later: no answer, 429, 5xx. */
  readonly isPassing?: boolean | undefined;
  readonly cause?: unknown;
}

/** Ends the command: what to tell the user, and the exit code. */
export class CliError extends Error {
  override readonly name = "CliError";
  readonly exitCode: ExitCode;
  readonly code: string | undefined;
  readonly details: readonly string[];
  readonly hint: string | undefined;
  readonly correlationId: string | undefined;
  readonly httpStatus: number | undefined;
  readonly isPassing: boolean;

  constructor(init: CliErrorInit) {
    super(init.message, definedOnly({ cause: init.cause }));
    this.exitCode = init.exitCode;
    this.code = init.code;
    this.details = init.details ?? [];
    this.hint = init.hint;
    this.correlationId = init.correlationId;
    this.httpStatus = init.httpStatus;
    this.isPassing = init.isPassing ?? false;
  }
}

/** The same error with another exit code. */
export function withExitCode(error: CliError, exitCode: ExitCode): CliError {
  const { message, details, code, hint, correlationId, httpStatus, isPassing, cause } = error;
  return new CliError({ exitCode, message, details, code, hint, correlationId, httpStatus, isPassing, cause });
}
