import { z } from "zod";
import { type StoredEvent, storedEventSchema } from "../domain/event-delivery.ts";
import { createImportId, importIdSchema } from "../domain/import-id.ts";
import { bytesColumns, readBytes } from "./columns.ts";
import { deleteOldRows } from "./old-rows.ts";
import type { TableAccess } from "./storage-client.ts";
import type { Row, RowKeys } from "./table.ts";

/** Ids of dead events are made like those of imports, and sort newest event first. */
export const deadEventIdSchema = importIdSchema;
export type DeadEventId = z.infer<typeof deadEventIdSchema>;

/** An event that could not be delivered to one sink. */
export interface DeadEvent {
  readonly id: DeadEventId;
  readonly sink: string;
  readonly reason: string;
  /** How often its delivery was tried. */
  readonly attempts: number;
  readonly diedAt: string;
  readonly event: StoredEvent;
}

/** Table `DeadEvents`. */
export interface DeadEvents {
  /** One row per event and sink, however often it dies. */
  readonly put: (dead: Omit<DeadEvent, "id">) => Promise<DeadEventId>;
  readonly read: (id: DeadEventId) => Promise<{ readonly dead: DeadEvent; readonly etag: string } | undefined>;
  /** With the `etag` that was read, one that has died again meanwhile stays. */
  readonly delete: (id: DeadEventId, etag: string) => Promise<void>;
  /** Deletes what died at or before `before`, until `isOver`; how many it were. */
  readonly deleteOld: (before: Date, isOver: () => boolean) => Promise<number>;
  /** Newest events first. */
  readonly page: (
    limit: number,
    continuationToken: string | undefined,
  ) => Promise<{ readonly dead: readonly DeadEvent[]; readonly continuationToken: string | undefined }>;
}

/** Opens table `DeadEvents`. */
export function createDeadEvents(access: TableAccess): DeadEvents {
  const table = access.table("DeadEvents");
  return {
    put: async (dead) => {
      const id = deadEventId(dead.sink, dead.event);
      await table.upsert(deadEventRow.encode({ ...dead, id }));
      return id;
    },
    read: async (id) => {
      const stored = await table.read(keysOf(id));
      return stored && { dead: deadEventRow.decode(stored.row), etag: stored.etag };
    },
    delete: async (id, etag) => {
      await table.delete(keysOf(id), etag);
    },
    deleteOld: (before, isOver) => deleteOldRows(table, "diedAt", before, isOver),
    page: async (limit, continuationToken) => {
      const { rows, ...page } = await table.page({ filter: "" }, limit, continuationToken);
      const dead = table.readable(rows, ({ row }) => deadEventRow.decode(row));
      return { dead, continuationToken: page.continuationToken };
    },
  };
}

/** The same for every death of an event at a sink. */
export function deadEventId(sink: string, { source, id, time }: StoredEvent): DeadEventId {
  return createImportId(new Date(time), JSON.stringify([sink, source, id]));
}

const rowSchema = z.looseObject({
  v: z.literal(1),
  rowKey: deadEventIdSchema,
  sink: z.string(),
  reason: z.string(),
  attempts: z.int(),
  diedAt: z.string(),
});

/** `event`: as JSON in UTF-8, in as many binary columns as it takes. */
export const deadEventRow = {
  encode: ({ id, sink, reason, attempts, diedAt, event }: DeadEvent): Row => ({
    ...keysOf(id),
    v: 1,
    ...{ sink, reason, attempts, diedAt },
    ...bytesColumns("event", Buffer.from(JSON.stringify(event))),
  }),
  decode: (row: Readonly<Record<string, unknown>>): DeadEvent => {
    const { rowKey, sink, reason, attempts, diedAt } = rowSchema.parse(row);
    const event = storedEventSchema.parse(JSON.parse(Buffer.from(readBytes(row, "event") ?? []).toString()));
    return { id: rowKey, sink, reason, attempts, diedAt, event };
  },
};

function keysOf(id: DeadEventId): RowKeys {
  return { partitionKey: id.slice(0, 5), rowKey: id };
}
