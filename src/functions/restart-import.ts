import type { ImportId } from "../domain/import-id.ts";
import type { ImportSpec } from "../domain/import-spec.ts";
import { restarted } from "../domain/import-transitions.ts";
import { ImportError } from "../errors.ts";
import type { Imports } from "../store/imports.ts";
import type { BeginAgain } from "./begin-again.ts";
import type { DurablePort } from "./durable-port.ts";

export interface RestartImportDeps {
  readonly imports: Pick<Imports, "read">;
  readonly beginAgain: BeginAgain;
  readonly now: () => Date;
}

/**
 * Begins `attempt` of an import that failed or was cancelled, by what its message says now. Does nothing when that
 * attempt or a later one has begun, so that a message may come twice.
 */
export type RestartImport = (
  id: ImportId,
  attempt: number,
  spec: ImportSpec,
  durable: DurablePort,
) => Promise<"started" | "unchanged">;

export function createRestartImport({ imports, beginAgain, now }: RestartImportDeps): RestartImport {
  return async (id, attempt, spec, durable) => {
    const stored = await imports.read(id);
    if (stored === undefined || stored.record.attempt >= attempt) return "unchanged";
    if (stored.record.state !== "Failed" && stored.record.state !== "Cancelled") return "unchanged";
    const record = restarted(stored.record, spec, now());
    if ((await beginAgain({ record, etag: stored.etag, forget: "all" }, durable)) === "conflict") {
      throw new ImportError({
        code: "IMPORT_STATE_CONFLICT",
        what: `import ${id} changed while its message was to begin it anew`,
        retryable: true,
      });
    }
    return "started";
  };
}
