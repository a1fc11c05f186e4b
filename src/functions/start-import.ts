import { type Accepted, type AcceptRequest, createAccept, type ImportAttempt, instanceId } from "../domain/accept.ts";
import type { ImportRecord } from "../domain/import-record.ts";
import { firstSecretRow } from "../domain/secret-row.ts";
import type { Imports } from "../store/imports.ts";
import type { Open } from "../store/open.ts";
import type { Secrets } from "../store/secrets.ts";
import type { DurablePort } from "./durable-port.ts";
import { type Course, type ImportImageInput, nothingWaited } from "./orchestrators/input.ts";

export interface StartImportDeps {
  readonly imports: Pick<Imports, "insert">;
  readonly open: Pick<Open, "insert">;
  readonly secrets: Pick<Secrets, "insert">;
  readonly course: Course;
  readonly now: () => Date;
}

export interface StartImport {
  /** Makes a request durable and starts it: what every trigger ends in. */
  readonly accept: (request: AcceptRequest, durable: DurablePort) => Promise<Accepted>;
  /** Starts the attempt of a record that is `Accepted`; one that runs already is as good. */
  readonly start: (attempt: ImportAttempt, durable: DurablePort) => Promise<void>;
  /** What comes before `start` when an ended import begins anew. */
  readonly reopen: (record: ImportRecord) => Promise<void>;
}

/** Registered name of the orchestration. */
export const importImageName = "importImage";

export function createStartImport(deps: StartImportDeps): StartImport {
  const { imports, open, secrets, course, now } = deps;
  const start: StartImport["start"] = async ({ importId, attempt }, durable) => {
    const input: ImportImageInput = { v: 1, importId, attempt, course, waited: nothingWaited, round: 0 };
    await durable.start(importImageName, instanceId({ importId, attempt }), input);
  };
  return {
    start,
    accept: async (request, durable) => {
      const accept = createAccept({
        insertSecret: (id, credentials) => secrets.insert(firstSecretRow(id), credentials),
        insertOpen: open.insert,
        insertImport: imports.insert,
        startOrchestration: (attempt) => start(attempt, durable),
        now,
      });
      return await accept(request);
    },
    reopen: ({ id, attempt }) => open.insert({ id, attempt, createdAt: now().toISOString() }),
  };
}
