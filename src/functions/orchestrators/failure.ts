import type { ImportErrorWire } from "../../errors.ts";

/** A step failed after all its retries, or an orchestrator met a bug: what the import then ends with. */
export function stepsFailed(): { readonly kind: "failed"; readonly error: ImportErrorWire } {
  return {
    kind: "failed",
    error: {
      code: "INTERNAL",
      message: "a step of the import failed after all its retries; the service's log has the cause",
      retryable: true,
      hint: "retry the import; report it if it fails again",
    },
  };
}
