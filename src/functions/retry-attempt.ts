import type { ImportRecord } from "../domain/import-record.ts";
import type { ImportSpec } from "../domain/import-spec.ts";
import { type RetryChoice, retried } from "../domain/import-transitions.ts";
import type { SourceCredentials } from "../domain/registries.ts";
import { ImportError } from "../errors.ts";
import type { Imports, StoredImport } from "../store/imports.ts";
import type { Parts } from "../store/parts.ts";
import type { Secrets } from "../store/secrets.ts";
import type { DurablePort } from "./durable-port.ts";
import type { StartImport } from "./start-import.ts";

export interface RetryAttemptDeps {
  readonly imports: Pick<Imports, "replace">;
  readonly parts: Pick<Parts, "deleteAll" | "deleteUnits">;
  readonly secrets: Pick<Secrets, "insert" | "delete">;
  readonly startImport: Pick<StartImport, "reopen" | "start">;
  /** Throws HOST_NOT_ALLOWED: the settings may have changed since the import was accepted. */
  readonly assertAllowed: (spec: ImportSpec) => void;
  readonly now: () => Date;
}

export interface RetryWish {
  readonly digest: RetryChoice["digest"];
  readonly credentials?: SourceCredentials | undefined;
}

/** The next attempt of an import that failed or was cancelled; throws IMPORT_STATE_CONFLICT when somebody was faster. */
export type RetryAttempt = (stored: StoredImport, wish: RetryWish, durable: DurablePort) => Promise<ImportRecord>;

/** Begins the next attempt of an import, reusing what is there. */
export function createRetryAttempt(deps: RetryAttemptDeps): RetryAttempt {
  const { imports, parts, secrets, startImport, assertAllowed, now } = deps;
  return async (stored, { digest, credentials }, durable) => {
    const { id } = stored.record;
    const record = retried(stored.record, now(), {
      credentials: credentials === undefined ? "absent" : "given",
      digest,
    });
    assertAllowed(record.spec);
    // The Open row comes first, for the sweep; then secrets: whatever is Accepted can sign in.
    await startImport.reopen(record);
    if (credentials !== undefined) {
      await secrets.delete(id);
      await secrets.insert(id, credentials);
    }
    if ((await imports.replace({ record, etag: stored.etag })) === "conflict") throw beaten(id);
    // Parts of what a tag pointed to before would be counted as parts of what it points to now.
    await (digest === "resolve" ? parts.deleteAll(id) : parts.deleteUnits(id));
    await startImport.start({ importId: id, attempt: record.attempt }, durable);
    return record;
  };
}

function beaten(id: string): ImportError {
  return new ImportError({
    code: "IMPORT_STATE_CONFLICT",
    what: `import ${id} changed while it was to be retried`,
    hint: "look at its state, then try again",
  });
}
