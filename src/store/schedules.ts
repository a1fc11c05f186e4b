import { z } from "zod";
import { type ScheduleRecord, scheduleRecordSchema } from "../domain/schedule-record.ts";
import { readText, textColumns } from "./columns.ts";
import type { TableAccess } from "./storage-client.ts";
import { contended } from "./storage-errors.ts";
import type { Row, RowKeys } from "./table.ts";
import { type RowCodec, updateRow } from "./update-row.ts";

/** What stands under a name; undefined: nothing. One of another version cannot be read. */
export type FoundSchedule = ScheduleRecord | "unreadable" | undefined;

/** Table `Schedules`: one row per schedule, few of them. */
export interface Schedules {
  readonly read: (name: string) => Promise<ScheduleRecord | undefined>;
  readonly find: (name: string) => Promise<FoundSchedule>;
  /** All of them by name, without those that this version cannot read. */
  readonly list: () => Promise<readonly ScheduleRecord[]>;
  /** Puts what `make` makes of what is there; nothing is written when it throws. */
  readonly put: (
    name: string,
    make: (there: FoundSchedule) => ScheduleRecord,
  ) => Promise<{ readonly record: ScheduleRecord; readonly before: FoundSchedule }>;
  /** The record after a pure change of it, guarded by its ETag; undefined: there is none. */
  readonly update: (
    name: string,
    change: (record: ScheduleRecord) => ScheduleRecord,
  ) => Promise<ScheduleRecord | undefined>;
  /** One that is gone already is deleted; nothing is when `assertMay` throws. */
  readonly delete: (name: string, assertMay: (there: FoundSchedule) => void) => Promise<void>;
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
    find: async (name) => {
      const stored = await table.read(keysOf(name));
      return stored && tryDecode(stored.row);
    },
    list: async () => {
      const all: ScheduleRecord[] = [];
      for await (const stored of table.query({ filter: "" }))
        all.push(...table.readable([stored], ({ row }) => scheduleRow.decode(row)));
      return all;
    },
    put: async (name, make) => {
      const key = keysOf(name);
      for (let tries = 0; tries < maxTries; tries += 1) {
        const stored = await table.read(key);
        const before = stored && tryDecode(stored.row);
        const record = make(before);
        const row = scheduleRow.encode(record);
        const isWritten =
          stored === undefined
            ? (await table.insert(row)) !== "exists"
            : (await table.replace(row, stored.etag)) !== "conflict";
        if (isWritten) return { record, before };
      }
      throw contended(table.name);
    },
    update: async (name, change) => {
      const updated = await updateRow({ table, key: keysOf(name), codec: scheduleRow, change });
      return updated?.value;
    },
    delete: async (name, assertMay) => {
      for (let tries = 0; tries < maxTries; tries += 1) {
        const stored = await table.read(keysOf(name));
        if (stored === undefined) return;
        assertMay(tryDecode(stored.row));
        if ((await table.delete(keysOf(name), stored.etag)) !== "conflict") return;
      }
      throw contended(table.name);
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

function tryDecode(row: unknown): ScheduleRecord | "unreadable" {
  try {
    return scheduleRow.decode(row);
  } catch {
    return "unreadable"; // of another version: a definition in the words of this one takes its place
  }
}

function keysOf(name: string): RowKeys {
  return { partitionKey: "schedule", rowKey: name };
}
