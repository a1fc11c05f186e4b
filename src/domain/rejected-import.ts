import type { ImportErrorWire } from "../errors.ts";
import type { ImportId } from "./import-id.ts";
import { hasEnded, type ImportRecord, type PromotionItemRef, type Trigger } from "./import-record.ts";
import type { ImportSpec } from "./import-spec.ts";
import { deadlineOf } from "./import-transitions.ts";
import { fitError } from "./record-text.ts";

/** A cause that nobody waits for, and that can never begin an import. */
export interface RejectRequest {
  readonly id: ImportId;
  readonly trigger: Trigger;
  readonly promotion?: PromotionItemRef;
  /** What was to be done, where that much could be read. */
  readonly spec: ImportSpec | undefined;
  /** Where it was to go, where that much could be read, and no more. */
  readonly target?: ImportSpec["target"] | undefined;
  readonly error: ImportErrorWire;
  readonly causedAt: Date;
}

export interface RejectPorts {
  /** `inserted`, or the record that is there already. */
  readonly insertImport: (record: ImportRecord) => Promise<"inserted" | ImportRecord>;
  /** Tells others of the end; may be repeated. */
  readonly afterEnd: (record: ImportRecord) => Promise<void>;
  readonly now: () => Date;
}

/**
 * Beside accept: the import that was never begun gets a `Failed` record, so that who sent the message finds out why.
 * A record that is there already stays as it is.
 */
export function createReject(ports: RejectPorts): (request: RejectRequest) => Promise<ImportRecord> {
  return async (request) => {
    const record = rejectedRecord(request, ports.now());
    const inserted = await ports.insertImport(record);
    const current = inserted === "inserted" ? record : inserted;
    // The cause comes again after a crash: then the record may be there and nobody be told.
    if (hasEnded(current.state)) await ports.afterEnd(current);
    return current;
  };
}

function rejectedRecord(request: RejectRequest, now: Date): ImportRecord {
  const { id, trigger, promotion, spec, target = unreadableSpec.target, error, causedAt } = request;
  const known = spec ?? { ...unreadableSpec, target };
  return {
    ...{ v: 1, id, state: "Failed", trigger, ...(promotion && { promotion }) },
    ...{ spec: known, ...(spec === undefined && { isUnreadable: true }), hasCredentials: false, attempt: 1 },
    ...{ createdAt: causedAt.toISOString(), deadlineAt: deadlineOf({ spec: known }, now) },
    ...{ finishedAt: now.toISOString(), error: fitError(error), warnings: [] },
  };
}

/** Whether a part of such a record stands for what could not be read. */
export function isUnreadablePlace({ registry }: { readonly registry: string }): boolean {
  return registry === unreadableSpec.source.registry;
}

/** Stands in a record whose cause could not be read. `.invalid` is a name that nobody can have (RFC 6761). */
const unreadableSpec: ImportSpec = {
  v: 1,
  source: { registry: "unreadable.invalid", repository: "unreadable", tag: "unreadable" },
  target: { registry: "unreadable.invalid", tags: [], untaggedRepositories: [] },
  ...{ conflict: "fail", sparseIndex: false, foreignLayers: "auto", verify: "manifest" },
  ...{ timeoutSeconds: 1, labels: {} },
};
