import { hasEnded, type ImportState } from "../domain/import-record.ts";
import { hasPromotionEnded, type PromotionState } from "../domain/promotion-record.ts";

/** What `drayage` answers its caller with; docs/cli.md and `--help` list the same numbers. */
export const exitCodes = {
  done: 0,
  importFailed: 1,
  usage: 2,
  cancelled: 3,
  serviceUnavailable: 4,
  conflict: 5,
  notFound: 6,
  notCompared: 7,
  waitOver: 124, // as timeout(1) has it
  interrupted: 130, // 128 + SIGINT
} as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** For `--help`. */
export const exitCodesHelp = `
Exit codes:
  0    the import succeeded, or was skipped because the target holds it already;
       of a promotion: all its images; rules test: the rule matches;
       login-check: nothing that was tried is refused; verify: the images are the same
  1    the import failed, or a dry run foretells that it would; of a promotion: its
       selection or one image at least failed, whatever the error;
       rules test: nothing would be imported;
       login-check: sign-in, pull or push does not work; verify: the images differ
  2    wrong usage, or the service refused the request (400, 401, 403, 422)
  3    the import or the promotion was cancelled
  4    the service cannot be reached, or answers 429 or 5xx, or is no Drayage service
  5    conflict: a target tag exists already, or the state forbids it (409)
  6    no such import, promotion, rule, schedule or message
  7    verify: a registry did not let the images be compared, or it took too long
  124  --wait ran out; the import or the promotion goes on
  130  interrupted; the import or the promotion goes on`;

/** The end of an import as an exit code; undefined while it runs. */
export function exitCodeOfImport(state: ImportState, errorCode: string | undefined): ExitCode | undefined {
  if (!hasEnded(state)) return undefined;
  if (state === "Cancelled") return exitCodes.cancelled;
  if (state !== "Failed") return exitCodes.done;
  return errorCode === "TARGET_TAG_EXISTS" ? exitCodes.conflict : exitCodes.importFailed;
}

/** The end of a promotion as an exit code; undefined while it runs. */
export function exitCodeOfPromotion(state: PromotionState): ExitCode | undefined {
  if (!hasPromotionEnded(state)) return undefined;
  if (state === "Cancelled") return exitCodes.cancelled;
  return state === "Failed" ? exitCodes.importFailed : exitCodes.done;
}

/**
 * A refusal of the service as an exit code. Codes that speak of a registry come from a dry run, which fails inside the
 * request: they count like the failed import they foretell.
 */
export function exitCodeOfRefusal(httpStatus: number, errorCode: string | undefined): ExitCode {
  if (errorCode === "TARGET_TAG_EXISTS") return exitCodes.conflict;
  if (errorCode !== undefined && importFailure.test(errorCode)) return exitCodes.importFailed;
  // A 404 without a code is not the service's: the address is wrong, or its functions are not loaded.
  if (httpStatus === 404) return errorCode === undefined ? exitCodes.serviceUnavailable : exitCodes.notFound;
  if (httpStatus === 409) return exitCodes.conflict;
  if (httpStatus === 429 || httpStatus >= 500) return exitCodes.serviceUnavailable;
  return exitCodes.usage;
}

const importFailure = /^(SOURCE_|TARGET_|PLATFORM_NOT_FOUND$|UNSUPPORTED_MEDIA_TYPE$)/;
