import type { ImportRecord } from "../domain/import-record.ts";
import type { ImportSpec } from "../domain/import-spec.ts";
import { type RetryChoice, retried } from "../domain/import-transitions.ts";
import { retrySecretName } from "../domain/secret-row.ts";
import type { SourceCredentials } from "../domain/sign-in.ts";
import { ImportError } from "../errors.ts";
import type { StoredImport } from "../store/imports.ts";
import type { BeginAgain } from "./begin-again.ts";
import type { DurablePort } from "./durable-port.ts";

export interface RetryAttemptDeps {
  readonly beginAgain: BeginAgain;
  /** Throws HOST_NOT_ALLOWED: the settings may have changed since the import was accepted. */
  readonly assertAllowed: (spec: ImportSpec) => void;
  readonly randomBytes: (length: number) => Uint8Array;
  readonly now: () => Date;
}

export interface RetryWish {
  readonly digest: RetryChoice["digest"];
  readonly credentials?: SourceCredentials | undefined;
  readonly promotion?: RetryChoice["promotion"];
}

/** The next attempt of an import that failed or was cancelled; throws IMPORT_STATE_CONFLICT when somebody was faster. */
export type RetryAttempt = (stored: StoredImport, wish: RetryWish, durable: DurablePort) => Promise<ImportRecord>;

/** Begins the next attempt of an import, reusing what is there. */
export function createRetryAttempt(deps: RetryAttemptDeps): RetryAttempt {
  const { beginAgain, assertAllowed, randomBytes, now } = deps;
  return async (stored, { digest, credentials, promotion }, durable) => {
    const nonce = Buffer.from(randomBytes(8)).toString("hex");
    const secretName = retrySecretName(stored.record.attempt + 1, nonce);
    const record = retried(stored.record, now(), {
      credentials: credentials === undefined ? "absent" : { secretName },
      digest,
      ...(promotion && { promotion }),
    });
    assertAllowed(record.spec);
    const forget = digest === "resolve" ? "all" : "units";
    const outcome = await beginAgain({ record, etag: stored.etag, credentials, forget }, durable);
    if (outcome === "conflict") throw beaten(stored.record.id);
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
