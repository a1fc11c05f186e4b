import { z } from "zod";
import { type ScheduleRecord, scheduleRecordSchema } from "../domain/schedule-record.ts";
import { readText, textColumns } from "./columns.ts";
import type { TableAccess } from "./storage-client.ts";
import { contended } from "./storage-errors.ts";
import type { Row, RowKeys } from "./table.ts";
import { type RowCodec, updateRow } from "./update-row.ts";

/** Table `Schedules`: one row per schedule, few of them. */
export interface Schedules {
  readonly read: (name: string) => Promise<ScheduleRecord | undefined>;
  /** Whether there is one, readable or not. */
  readonly has: (name: string) => Promise<boolean>;
  /** All of them by name, without those that this version cannot read. */
  readonly list: () => Promise<readonly ScheduleRecord[]>;
  /** Inserts `first`, also over one that cannot be read, or puts what `change` makes of the one that is there. */
  readonly put: (
    first: ScheduleRecord,
    change: (there: ScheduleRecord) => ScheduleRecord,
  ) => Promise<{ readonly record: ScheduleRecord; readonly before: ScheduleRecord | undefined }>;
  /** The record after a pure change of it, guarded by its ETag; undefined: there is none. */
  readonly update: (
    name: string,
    change: (record: ScheduleRecord) => ScheduleRecord,
  ) => Promise<ScheduleRecord | undefined>;
  readonly delete: (name: string) => Promise<void>;
}

const maxTries = 5;

/** Opens table `Schedules`. */
export function createSchedules(access: TableAccess): Schedules {
  const table = access.table("Schedules");
  return {
    read: async (name) => {
      const stored = await table.read(keysOf(name));
      return stored && scheduleRow.decode(stored.row);
    },
    has: async (name) => (await table.read(keysOf(name))) !== undefined,
    list: async () => {
      const all: ScheduleRecord[] = [];
      for await (const stored of table.query({ filter: "" }))
        all.push(...table.readable([stored], ({ row }) => scheduleRow.decode(row)));
      return all;
    },
    put: async (first, change) => {
      const key = keysOf(first.schedule.name);
      for (let tries = 0; tries < maxTries; tries += 1) {
        const stored = await table.read(key);
        if (stored === undefined) {
          if ((await table.insert(scheduleRow.encode(first))) !== "exists") return { record: first, before: undefined };
          continue;
        }
        const before = tryDecode(stored.row);
        const record = before === undefined ? first : change(before);
        if ((await table.replace(scheduleRow.encode(record), stored.etag)) !== "conflict") return { record, before };
      }
      throw contended(table.name);
    },
    update: async (name, change) => {
      const updated = await updateRow({ table, key: keysOf(name), codec: scheduleRow, change });
      return updated?.value;
    },
    delete: async (name) => {
      await table.delete(keysOf(name));
    },
  };
}

const rowSchema = z.looseObject({ v: z.literal(1) });

/** The record as JSON: a selection has no columns that anybody asks for. */
export const scheduleRow: RowCodec<ScheduleRecord> = {
  encode: (record): Row => ({
    ...keysOf(record.schedule.name),
    v: 1,
    ...textColumns("record", JSON.stringify(record)),
  }),
  decode: (row) => scheduleRecordSchema.parse(JSON.parse(readText(rowSchema.parse(row), "record") ?? "")),
};

function tryDecode(row: unknown): ScheduleRecord | undefined {
  try {
    return scheduleRow.decode(row);
  } catch {
    return undefined; // of another version: a definition in the words of this one takes its place
  }
}

function keysOf(name: string): RowKeys {
  return { partitionKey: "schedule", rowKey: name };
}
