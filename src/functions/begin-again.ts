import { type ImportRecord, isCurrent, isStopped } from "../domain/import-record.ts";
import { secretRowOf } from "../domain/secret-row.ts";
import type { SourceCredentials } from "../domain/sign-in.ts";
import type { Imports } from "../store/imports.ts";
import type { Open } from "../store/open.ts";
import type { Parts } from "../store/parts.ts";
import type { Secrets } from "../store/secrets.ts";
import type { DurablePort } from "./durable-port.ts";
import type { StartImport } from "./start-import.ts";

export interface BeginAgainDeps {
  readonly imports: Pick<Imports, "read" | "replace">;
  readonly open: Pick<Open, "takeBack">;
  readonly parts: Pick<Parts, "deleteAll" | "deleteUnits">;
  readonly secrets: Pick<Secrets, "insert" | "delete">;
  readonly startImport: Pick<StartImport, "reopen" | "start">;
}

export interface Beginning {
  /** The record of the next attempt. */
  readonly record: ImportRecord;
  /** Of the record that it replaces. */
  readonly etag: string;
  readonly credentials?: SourceCredentials | undefined;
  /** `units`: what is known of manifests and blobs still holds. `all`: it was of what a tag pointed to before. */
  readonly forget: "all" | "units";
}

/** Makes the next attempt of an import durable and starts it. `conflict`: somebody was faster. */
export type BeginAgain = (beginning: Beginning, durable: DurablePort) => Promise<"begun" | "conflict">;

export function createBeginAgain({ imports, open, parts, secrets, startImport }: BeginAgainDeps): BeginAgain {
  return async ({ record, etag, credentials, forget }, durable) => {
    const { id, attempt } = record;
    // The Open row comes first, for the sweep; then secrets: whatever is Accepted can sign in.
    await startImport.reopen(record);
    const secretRow = secretRowOf(record);
    if (credentials !== undefined && secretRow !== undefined) await secrets.insert(secretRow, credentials);
    if ((await imports.replace({ record, etag })) === "conflict") {
      if (credentials !== undefined && secretRow !== undefined) await secrets.delete(secretRow); // none but its own
      await open.takeBack(id, attempt - 1, async () => {
        const current = (await imports.read(id))?.record;
        const isOpen = current !== undefined && isCurrent(current, attempt - 1);
        return isOpen ? { isStopped: isStopped(current) } : undefined;
      });
      return "conflict";
    }
    await (forget === "all" ? parts.deleteAll(id) : parts.deleteUnits(id));
    await startImport.start({ importId: id, attempt }, durable);
    return "begun";
  };
}
