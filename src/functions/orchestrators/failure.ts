import type { OrchestrationContext } from "durable-functions";
import type { ImportErrorWire } from "../../errors.ts";
import { createLog } from "../log.ts";

interface StepsFailed {
  readonly kind: "failed";
  readonly error: ImportErrorWire;
}

const maxLoggedChars = 2_000; // of a failed activity the host tells kilobytes, and the activity has logged its own error

/** What an import ends with when `thrown` came up in an orchestrator, whose log is the only place that tells of a bug in it. */
export function orchestratorFailed(ctx: OrchestrationContext, thrown: unknown): StepsFailed {
  if (!ctx.df.isReplaying) {
    const log = createLog((line) => ctx.error(line.trimEnd()));
    const text = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
    const { instanceId } = ctx.df;
    log("orchestrator-failed", { orchestrator: ctx.functionName, instanceId, error: text.slice(0, maxLoggedChars) });
  }
  return stepsFailed();
}

/** A step failed after all its retries, or an orchestrator met a bug: what the import then ends with. */
export function stepsFailed(): StepsFailed {
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
