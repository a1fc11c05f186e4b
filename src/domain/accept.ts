import type { ImportId } from "./import-id.ts";
import type { ImportRecord, PromotionItemRef, Trigger } from "./import-record.ts";
import type { ParsedImportRequest } from "./import-request.ts";
import { deadlineOf } from "./import-transitions.ts";
import type { SourceCredentials } from "./sign-in.ts";

/** What identifies one run of an import. */
export interface ImportAttempt {
  readonly importId: ImportId;
  readonly attempt: number;
}

/** What table `Open` is told of an unfinished import. */
export interface OpenRow {
  readonly id: ImportId;
  readonly attempt: number;
  readonly createdAt: string;
}

export interface AcceptPorts {
  /** Seals and stores; keeps what is there already. */
  readonly insertSecret: (importId: ImportId, credentials: SourceCredentials) => Promise<void>;
  /** Keeps what is there already of this attempt or a later one. `createdAt`: of the row, not of the cause. */
  readonly insertOpen: (open: OpenRow) => Promise<void>;
  /** `inserted`, or the record that is there already. */
  readonly insertImport: (record: ImportRecord) => Promise<"inserted" | ImportRecord>;
  /** Starts instance {@link instanceId}; one that exists already is as good. */
  readonly startOrchestration: (attempt: ImportAttempt) => Promise<void>;
  readonly now: () => Date;
}

export interface AcceptRequest {
  /** Made of the cause, so that a repeat has the same (`createImportId`). */
  readonly id: ImportId;
  readonly trigger: Trigger;
  readonly promotion?: PromotionItemRef;
  readonly request: Pick<ParsedImportRequest, "spec" | "credentials">;
  /** Time of the request, message, event or tick. */
  readonly causedAt: Date;
}

export interface Accepted {
  readonly record: ImportRecord;
  /** False: the cause came before, and this is the import it began. */
  readonly isNew: boolean;
}

/**
 * Makes a request durable, then starts it. The order is what makes a crash at any point harmless: the `Open` row comes
 * first, so that the sweep finds and forgets credentials without a record; both come before the record, so that whatever
 * has a record is swept and has its credentials. A repeat of the same cause goes on where the first one stopped.
 */
export function createAccept(ports: AcceptPorts): (request: AcceptRequest) => Promise<Accepted> {
  return async (accepted) => {
    const { id, request } = accepted;
    const now = ports.now();
    const record = newRecord(accepted, now);
    await ports.insertOpen({ id, attempt: record.attempt, createdAt: now.toISOString() });
    if (request.credentials !== undefined) await ports.insertSecret(id, request.credentials);
    const inserted = await ports.insertImport(record);
    const isNew = inserted === "inserted";
    const current = isNew ? record : inserted;
    if (current.state === "Accepted") await ports.startOrchestration({ importId: id, attempt: current.attempt });
    return { record: current, isNew };
  };
}

/** The orchestration instance of an attempt. */
export function instanceId({ importId, attempt }: ImportAttempt): string {
  return `${importId}-${attempt}`;
}

/** A record as it is first stored. `now` may be much later than its cause: the deadline counts from `now`. */
export function newRecord({ id, trigger, promotion, request, causedAt }: AcceptRequest, now: Date): ImportRecord {
  const { spec, credentials } = request;
  return {
    v: 1,
    id,
    state: "Accepted",
    trigger,
    ...(promotion && { promotion }),
    spec,
    hasCredentials: credentials !== undefined,
    attempt: 1,
    createdAt: causedAt.toISOString(),
    deadlineAt: deadlineOf({ spec }, now),
    warnings: [],
  };
}
